"""`maskdet calibrate` as a person runs it: a tiny model's card, before and after."""

from __future__ import annotations

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from maskdet.__main__ import main
from maskdet.commands import calibrate
from maskdet.commands.measured_data import MeasuredData
from maskdet.datasets.loading import read_samples
from maskdet.datasets.samples import Sample
from maskdet.detections import CLASS_NAMES, Detections
from maskdet.errors import DatasetError, ModelError
from maskdet.model.card import CARD_NAME, read_card
from maskdet.model.decision import DecisionRule
from tests.datasets.voc_folder import write_voc_folder
from tests.doubles import ScriptedDetector
from tests.helpers.tiny import make_bare_card

PICTURES = 24


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("set") / "archive"
    names = write_voc_folder(folder, PICTURES)
    (folder / "val.txt").write_text("\n".join(names) + "\n")
    return folder


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A folder with a card alone: the detectors of these tests need no weights."""
    return make_bare_card(tmp_path)


class Shy:
    """A network that finds each face, and says of it half of what it knows."""

    def __init__(self, samples: list[Sample]) -> None:
        self.samples = samples
        self.opened: list[str] = []

    def __call__(self, runtime: str, rule: DecisionRule) -> ScriptedDetector:
        self.opened.append(runtime)
        coming, random = iter(self.samples), np.random.default_rng(0)

        def script(image: np.ndarray) -> Detections:
            return rule.apply(self.answers(next(coming), random, rule))

        return ScriptedDetector(script)

    def answers(
        self, sample: Sample, random: np.random.Generator, rule: DecisionRule
    ) -> Detections:
        nowhere = np.array([[0, 0, 9, 9], [9, 0, 18, 9], [0, 9, 9, 18]], np.float32)
        boxes = np.concatenate([sample.boxes, nowhere])
        logits = random.normal(-1.5, 0.3, (len(boxes), len(CLASS_NAMES)))
        logits[np.arange(len(sample.boxes)), sample.classes] = random.normal(
            0.3, 0.3, len(sample.boxes)
        )
        given = rule.calibration.probabilities(logits)
        return Detections(boxes, given.max(axis=1), given.argmax(axis=1), None, given)


def test_few_faces_are_named(data: Path, model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = Shy(read_samples(data, only=data / "val.txt"))
    assert calibrate.run(found, model, MeasuredData(data, Path("val.txt"))) == 0
    count = 2 * PICTURES
    assert f"{count} labeled faces: limits that are chosen" in capsys.readouterr().err


def test_the_certainty_can_be_given(data: Path, model: Path) -> None:
    found = Shy(read_samples(data, only=data / "val.txt"))
    assert calibrate.run(found, model, MeasuredData(data, Path("val.txt")), certainty=0.93) == 0
    after = read_card(model)
    assert after.unsure.certainty == 0.93
    assert after.metrics["validation"]["command"].endswith("--images val.txt --certainty 0.93")


def test_a_card_is_written_again(data: Path, model: Path) -> None:
    card, shy = read_card(model), Shy(read_samples(data, only=data / "val.txt"))
    assert calibrate.run(shy, model, MeasuredData(data, Path("val.txt"))) == 0
    after = read_card(model)
    assert shy.opened == [next(iter(card.files)), *card.files]
    # the scores were shy: a steeper slope, an error that shrinks
    given = after.metrics["calibration"]
    assert given["error"] < 0.6 * given["error_before"]
    assert after.calibration.with_mask.slope > 1.5
    # the faces are all found in their states at the limits that were chosen
    for kind in card.files:
        metrics = after.metrics[kind]
        assert metrics["recall"] > 0.9 and metrics["right_when_called"] > 0.95
        assert metrics["mAP50"] > 0.95
        assert set(metrics["intervals_95"]) == set(calibrate.INTERVALS)
        assert sum(row["faces"] for row in metrics["by_width"].values()) == 2 * PICTURES
    assert after.metrics["validation"] == {
        "pictures": "val.txt",
        "images": PICTURES,
        "faces": 2 * PICTURES,
        "command": "python -m maskdet calibrate --model tiny --data DIR --images val.txt",
    }
    plot = cv2.imdecode(np.fromfile(model / calibrate.PLOT, np.uint8), cv2.IMREAD_COLOR)
    assert plot is not None and plot.shape[1] > 1.5 * plot.shape[0]
    # what was in the card beside that still is
    unchanged = {"metrics", "min_score", "calibration", "unsure"}
    assert card.model_dump(exclude=unchanged) == after.model_dump(exclude=unchanged)


@pytest.mark.slow
def test_a_second_time_changes_nothing_and_keeps_what_people_wrote(data: Path, model: Path) -> None:
    shy = Shy(read_samples(data, only=data / "val.txt"))
    calibrate.run(shy, model, MeasuredData(data, Path("val.txt")), runtimes=["keras"])
    path = model / CARD_NAME
    assert "litert_int8" not in read_card(model).metrics
    text = path.read_text().replace("  validation:\n", "  validation:\n    step: 3500\n")
    path.write_text(text)
    calibrate.run(shy, model, MeasuredData(data, Path("val.txt")), runtimes=["keras"])
    assert path.read_text().splitlines() == text.splitlines()


def test_nothing_is_written_when_measuring_fails(data: Path, model: Path) -> None:
    before = sorted((path.name, path.read_bytes()) for path in model.iterdir())
    shy = Shy(read_samples(data, only=data / "val.txt"))

    def broken(runtime: str, rule: DecisionRule) -> ScriptedDetector:
        if len(shy.opened) == 2:
            raise ModelError("the file is broken")
        return shy(runtime, rule)

    with pytest.raises(ModelError, match="broken"):
        calibrate.run(broken, model, MeasuredData(data, Path("val.txt")))
    third_party = ScriptedDetector(lambda image: Detections([[0, 0, 9, 9]], [0.5], [0]))
    with pytest.raises(ModelError, match="only the best class of each"):
        calibrate.run(lambda runtime, rule: third_party, model, MeasuredData(data, Path("val.txt")))
    assert third_party.closed
    with pytest.raises(DatasetError, match="no such folder"):
        calibrate.run(shy, model, MeasuredData(data / "none"))
    assert before == sorted((path.name, path.read_bytes()) for path in model.iterdir())


def test_a_share_of_nobody_is_a_dash() -> None:
    assert [calibrate.rate_text(share) for share in (0.25, float("nan"))] == ["0.250", "–"]


def test_the_command(
    data: Path, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = Path(shutil.copytree(tiny_model, tmp_path / "tiny"))
    words = ["--model", str(model), "--data", str(data), "--images", "val.txt", "--device", "cpu"]
    assert main(["calibrate", *words, "--runtime", "litert_int8"]) == 0
    out = capsys.readouterr().out
    assert "shown from a probability of 0.280" in out and "litert_int8: mAP50" in out
    assert "nan" not in out.split()
    assert "wrote" in out and "error" in read_card(model).metrics["calibration"]
    assert main(["evaluate", *words, "--output", str(model / "plots")]) == 0
    assert main(["calibrate", *words, "--runtime", "onnx"]) == 2
    assert "onnx" in capsys.readouterr().err
