"""Training and evaluation take any format, any class names with a known meaning, and lists."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maskdet.commands import evaluate
from maskdet.commands.evaluate import Outputs
from maskdet.commands.measured_data import MeasuredData
from maskdet.config import load_settings
from maskdet.datasets.formats import FORMATS
from maskdet.datasets.loading import below, open_data, read_samples
from maskdet.datasets.writing import write
from maskdet.detections import Detections
from maskdet.errors import ConfigError, DatasetError
from maskdet.training import data as supply
from maskdet.training.augmentation.views import Augmentation
from maskdet.training.batches.maker import BatchMaker
from maskdet.training.settings import TrainingSettings
from tests.datasets.formats.sets import Face, make
from tests.doubles import ScriptedDetector

FACES: dict[str, list[Face]] = {
    "a.png": [("NoMask", (1, 2, 30, 40)), ("Mask", (3, 4, 50, 40))],
    "b.jpg": [("Mask worn incorrectly", (1, 1, 30, 50))],
    "c.jpeg": [],
}
NAMES = ("Mask", "NoMask", "Mask worn incorrectly", "hat")
STATES = {"a": [1, 0], "b": [2], "c": []}


def put(folder: Path, kind: str) -> Path:
    """A data set in a format, below a folder of its own."""
    write(make(folder / "source", FACES, NAMES), folder / kind, kind)
    return folder / kind


def states(samples: list[Any]) -> dict[str, list[int]]:
    return {Path(s.name or s.file.name).stem: s.classes.tolist() for s in samples}


@pytest.mark.parametrize("kind", FORMATS)
def test_any_format_becomes_states(tmp_path: Path, kind: str) -> None:
    """A class that has no box, such as `hat`, need not be understood."""
    data = put(tmp_path, kind)
    samples = read_samples(data)
    assert states(samples) == STATES
    assert {sample.labeled for sample in samples} == {(0, 1, 2)}
    assert states(open_data(tmp_path, data)[0].in_states()) == STATES
    assert states(MeasuredData(data).read()) == STATES


@pytest.mark.parametrize("kind", FORMATS)
def test_a_list_chooses_pictures(tmp_path: Path, kind: str) -> None:
    data = put(tmp_path, kind)
    names = [s.name or str(s.file.relative_to(data)) for s in read_samples(data)]
    (data / "list.txt").write_text(f"{names[1]}\n\n{names[0]}\n")
    assert list(states(MeasuredData(data, Path("list.txt")).read())) == ["b", "a"]
    (data / "list.txt").write_text("images/none.png\n")
    with pytest.raises(DatasetError, match=r"images/none.png: (is not a picture of|no such)"):
        MeasuredData(data, Path("list.txt")).read()


def test_labels_may_stand_where_a_list_does(tmp_path: Path) -> None:
    """As in --data DIR --images val.json."""
    data = put(tmp_path, "coco")
    assert states(MeasuredData(data, Path("annotations.json")).read()) == STATES


def test_parts_that_are_measured_together_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for part in ("train", "valid"):
        made = make(tmp_path / "source" / part, FACES, NAMES)
        write(made, tmp_path / "set" / part / "x.csv", "csv")
    assert len(MeasuredData(tmp_path / "set").read()) == 6
    assert "measured together (train 3, val 3); --images LIST chooses" in capsys.readouterr().err


def test_a_name_without_a_known_state(tmp_path: Path) -> None:
    faces: dict[str, list[Face]] = {"a.png": [("mask", (1, 2, 3, 4)), ("hat", (1, 2, 3, 4))]}
    write(make(tmp_path / "source", faces, ("mask", "hat")), tmp_path / "x.csv", "csv")
    with pytest.raises(DatasetError) as error:
        read_samples(tmp_path / "x.csv")
    assert str(error.value).startswith(f"{tmp_path}/x.csv:3: unknown mask state in class name")
    assert "'hat'" in str(error.value)
    given = read_samples(tmp_path / "x.csv", classes={"hat": "without_mask"})
    assert states(given) == {"a": [0, 1]}


def test_a_command_gives_names_a_state_or_leaves_them_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    faces: dict[str, list[Face]] = {"a.png": [("mask", (1, 2, 3, 4)), ("hat", (2, 2, 5, 4))]}
    write(make(tmp_path / "source", faces, ("mask", "hat")), tmp_path / "x.csv", "csv")
    with pytest.raises(DatasetError, match="'hat'.* not_a_face .*a command line: --state NAME="):
        MeasuredData(tmp_path / "x.csv").read()
    worn = MeasuredData(tmp_path / "x.csv", states={"hat": "mask_weared_incorrect"})
    assert states(worn.read()) == {"a": [0, 2]}
    capsys.readouterr()
    assert states(MeasuredData(tmp_path / "x.csv", states={"hat": "not_a_face"}).read()) == {
        "a": [0]
    }
    assert capsys.readouterr().err == (
        f"note: boxes of class 'hat' that were left out, as they show no face (1): "
        f"{tmp_path}/x.csv:3\n"
    )


def settings(*overrides: str) -> TrainingSettings:
    return load_settings(TrainingSettings, None, overrides)


@pytest.mark.parametrize(
    ("part", "validation", "sizes"),
    [
        ("{source: coco}", "tfrecord/annotations.record", (3, 3)),
        ("{source: coco/annotations.json, format: coco}", "yolo", (3, 3)),
        ("{source: tfrecord, list: one.txt}", "retinanet/annotations.csv", (1, 3)),
        ("{list: csv/annotations.csv, classes: {Mask: without_mask}}", "voc.txt", (3, 2)),
        ("{source: yolo, class_list: mine.txt}", "csv", (3, 3)),
        ("{source: coco, classes: {Mask: not_a_face}}", "csv", (3, 3)),
    ],
)
def test_settings_name_any_source(
    tmp_path: Path, part: str, validation: str, sizes: tuple[int, int]
) -> None:
    for kind in FORMATS:
        made = put(tmp_path / "made", kind)
        made.rename(tmp_path / kind)
        (tmp_path / "made" / "source").rename(tmp_path / "made" / f"source of {kind}")
    (tmp_path / "one.txt").write_text("b.jpg\n")
    (tmp_path / "voc.txt").write_text("voc/images/a.png\nvoc/images/c.jpeg\n")
    (tmp_path / "mine.txt").write_text("\n".join(NAMES))
    reported = settings(f"train=[{part}]", f"validation={validation}")
    samples, weights, kept = supply.read_data(reported, tmp_path)
    assert (len(samples), len(kept)) == sizes
    assert len(weights) == len(samples) and np.isfinite(weights).all()


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        ("train=[{source: x, format: excel}]", "'train.0.format': must be 'auto', 'voc', 'csv'"),
        ("train=[{classes: {hat: none}}]", "'mask_weared_incorrect' or 'not_a_face', not 'none'"),
        ("train=[{sorce: x}]", "did you mean 'train.0.source'?"),
    ],
)
def test_wrong_settings(overrides: str, words: str) -> None:
    with pytest.raises(ConfigError) as error:
        settings(overrides)
    assert words in str(error.value)


def test_settings_lead_nowhere_else(tmp_path: Path) -> None:
    assert below(tmp_path, "") is None
    assert below(tmp_path, "a/b.csv") == tmp_path / "a/b.csv"
    with pytest.raises(DatasetError, match="leads out of the data folder"):
        below(tmp_path, "../b.csv")


class Shapes:
    """Stands where a network does: its targets are the boxes' number."""

    def targets(
        self, boxes: np.ndarray, classes: np.ndarray, height: int, width: int
    ) -> dict[str, np.ndarray]:
        return {"count": np.array(len(boxes))}


def test_pictures_within_records_become_batches(tmp_path: Path) -> None:
    samples = read_samples(put(tmp_path, "tfrecord"))
    maker = BatchMaker(samples, np.ones(3), Augmentation(size=64), Shapes(), batch=4)
    images, targets = maker.batch(0)
    assert images.shape == (4, 64, 64, 3) and images.std() > 10  # noise, not emptiness
    assert targets["count"].shape == (4,)


@pytest.mark.parametrize("kind", FORMATS)
def test_any_format_is_evaluated(tmp_path: Path, kind: str) -> None:
    data = put(tmp_path, kind)
    coming = iter(read_samples(data))

    def script(image: np.ndarray) -> Detections:
        sample = next(coming)
        return Detections(sample.boxes, np.full(len(sample.boxes), 0.9), sample.classes)

    outputs = Outputs(tmp_path / "out.json", tmp_path / "plots")
    detector = ScriptedDetector(script)
    assert evaluate.run(lambda min_score: detector, MeasuredData(data), outputs) == 0
    figures = json.loads((tmp_path / "out.json").read_text("utf-8"))
    assert (figures["images"], figures["faces"], figures["metrics"]["mAP50"]) == (3, 3, 1)
