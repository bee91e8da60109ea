"""The commands of docs/old_route.md, read out of it and run one after the other."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from maskdet.__main__ import main
from maskdet.boxes import iou
from maskdet.commands.monitor import main as monitor
from maskdet.datasets.loading import read_samples
from tests.training.portraits import write_portraits

pytest.importorskip("tensorflow")
ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "old_route.md"
SMALL = {
    "imagenet": "none", "network.backbone": "tiny", "network.channels": "16",
    "network.separable": "false", "network.units": "32", "network.before": "40",
    "network.after": "20", "network.regions": "16", "evaluation_size": "128",
    "augmentation.size": "128", "augmentation.long_side": "128", "augmentation.scale": "[1,1]",
    "augmentation.mosaic": "0", "augmentation.rotation": "0", "augmentation.colour": "0",
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


def test_the_page_names_every_step() -> None:
    steps = [words[3] if "-m" in words else words[1] for words in commands()]
    assert list(dict.fromkeys(steps)) == [
        "convert", "inspect", "train", "evaluate", "export", "detect", "monitor.py",
    ]  # fmt: skip


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_command_of_the_page_runs_and_leaves_what_it_says(workplace: Path) -> None:
    model = workplace / "runs/rcnn/faster-rcnn-mobilenet"
    for name in ("frozen_inference_graph.pb", "saved_model/saved_model.pb", "label_map.pbtxt"):
        assert (model / name).is_file()
    assert len(list((workplace / "annotated").glob("*.png"))) == 4
    events = (workplace / "events.jsonl").read_text().splitlines()
    assert len(events) == 4 and sum(len(json.loads(line)["detections"]) for line in events) > 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_comes_out_are_the_faces_that_went_in(workplace: Path) -> None:
    """Four pictures of three faces each, the very ones learnt; both files find the same."""
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
