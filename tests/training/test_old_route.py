"""The commands of docs/old_route.md, read out of it and run one after the other.

They train a Faster R-CNN, so what a trained one has to do is tested here, too.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from maskdet import export
from maskdet.__main__ import main
from maskdet.boxes import iou
from maskdet.commands.monitor import main as monitor
from maskdet.datasets.loading import read_samples
from maskdet.errors import ConfigError
from maskdet.model.card import read_card
from maskdet.runtimes import load_detector
from maskdet.training.csv_log import read_metrics
from tests.training.portraits import write_portraits

pytest.importorskip("tensorflow")
pytestmark = pytest.mark.timeout(600)
ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "old_route.md"
SMALL = {
    "imagenet": "none", "network.backbone": "tiny", "network.channels": "16",
    "network.separable": "false", "network.units": "32", "network.before": "40",
    "network.after": "20", "network.regions": "16", "evaluation_size": "128",
    "augmentation.size": "128", "augmentation.long_side": "128", "augmentation.scale": "[1,1]",
    "augmentation.mosaic": "0", "augmentation.rotation": "0", "augmentation.color": "0",
    "augmentation.degrade": "0", "schedule.steps": "150", "schedule.batch": "4",
    "schedule.rate": "0.005", "schedule.warm_up": "20", "schedule.average": "0.9",
    "schedule.evaluate_every": "150", "schedule.save_every": "150",
}  # fmt: skip
"""A network and a training that a test has time for."""


def commands() -> list[list[str]]:
    """The page's commands, as a shell would split them."""
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S)
    return [shlex.split(line) for block in blocks for line in block.splitlines()]


def run(words: list[str]) -> int:
    if words[:2] == ["python", "monitor.py"]:
        return monitor(words[2:])
    assert words[:3] == ["python", "-m", "maskdet"], words
    small = [word for key, value in SMALL.items() for word in ("--set", f"{key}={value}")]
    return main(words[3:] + (small if words[3] == "train" else []))


def label_as_labelimg_does(folder: Path, count: int) -> None:
    """Pictures of three drawn faces each, the xml beside its picture."""
    write_portraits(folder / "made", count)
    for part in ("images", "annotations"):
        for file in (folder / "made" / part).iterdir():
            shutil.move(file, folder)
    shutil.rmtree(folder / "made")


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which every command of the page was run."""
    folder = tmp_path_factory.mktemp("route")
    shutil.copytree(ROOT / "configs", folder / "configs")
    label_as_labelimg_does(folder / "faces/train", 4)
    label_as_labelimg_does(folder / "faces/test", 4)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for words in commands():
            assert run(words) == 0, shlex.join(words)
        yield folder


@pytest.fixture(scope="module")
def model(workplace: Path) -> Path:
    """The folder of the model that was trained."""
    return workplace / "runs/rcnn/faster-rcnn-mobilenet"


def test_the_page_names_every_step() -> None:
    steps = [words[3] if "-m" in words else words[1] for words in commands()]
    assert list(dict.fromkeys(steps)) == [
        "convert", "inspect", "train", "evaluate", "export", "detect", "monitor.py",
    ]  # fmt: skip


def test_every_command_of_the_page_runs_and_leaves_what_it_says(
    workplace: Path, model: Path
) -> None:
    for name in ("frozen_inference_graph.pb", "saved_model/saved_model.pb", "label_map.pbtxt"):
        assert (model / name).is_file()
    assert len(list((workplace / "annotated").glob("*.png"))) == 4
    events = (workplace / "events.jsonl").read_text().splitlines()
    assert len(events) == 4 and sum(len(json.loads(line)["detections"]) for line in events) > 0


def test_what_comes_out_are_the_faces_that_went_in(workplace: Path) -> None:
    """Four pictures of three faces each, the very ones learned; both files find the same."""
    found = json.loads((workplace / "boxes.json").read_text())["images"]
    others = json.loads((workplace / "boxes_tf2.json").read_text())["images"]
    truth, seen = read_samples(workplace / "faces/test"), 0
    for image in found:
        (sample,) = [one for one in truth if one.file.name == Path(image["file"]).name]
        boxes = np.array([face["box"] for face in image["detections"]]).reshape(-1, 4)
        seen += int((iou(sample.boxes, boxes).max(axis=1, initial=0) > 0.5).sum())
    assert len(found) == 4 and seen >= 6
    for one, other in zip(found, others, strict=True):
        assert one["file"] == other["file"]
        pairs = zip(one["detections"], other["detections"], strict=True)
        assert all(abs(a["score"] - b["score"]) < 1e-3 for a, b in pairs)


def test_it_learns_four_pictures(workplace: Path) -> None:
    assert read_metrics(workplace / "runs/rcnn/validation.csv")["mAP50"][0] > 0.6


def test_keras_and_litert_find_the_same_faces(workplace: Path, model: Path) -> None:
    export.run(model)
    images = [cv2.imread(str(file)) for file in sorted((workplace / "faces/test").glob("*.png"))]
    images.append(images[0][:100])
    reference = load_detector(str(model), runtime="keras", min_score=0.1)
    litert = load_detector(str(model), runtime="litert", min_score=0.1)
    for first, second in zip(reference.detect(images), litert.detect(images), strict=True):
        assert len(first) == len(second)
        np.testing.assert_allclose(first.boxes, second.boxes, atol=0.1)
        np.testing.assert_allclose(first.scores, second.scores, atol=1e-3)
        assert first.states.tolist() == second.states.tolist()
    assert len(images) == 5 and sum(map(len, reference.detect(images))) >= 4


def test_the_card_says_what_it_is(model: Path) -> None:
    card = read_card(model)
    assert card.network == "faster_rcnn" and card.options["regions"] == 16


def test_int8_is_refused_with_the_reason(workplace: Path, model: Path) -> None:
    picture = next((workplace / "faces/test").glob("*.png"))
    with pytest.raises(ConfigError, match="faster_rcnn.*without --int8"):
        export.run(model, int8=True, calibrate=[picture])
