"""Model cards: written and read back, and refused in one line when they are wrong."""

import hashlib
from pathlib import Path

import pytest

from maskdet.errors import ModelError
from maskdet.model.card import (
    Calibrations,
    InputSize,
    ModelCard,
    ModelFile,
    PlattScale,
    ScoreLimits,
    Unsure,
    model_file,
    read_card,
    write_card,
)
from maskdet.model.decision import Calibration

WEIGHTS = b"not really weights"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "net.tflite").write_bytes(WEIGHTS)
    sha256 = hashlib.sha256(WEIGHTS).hexdigest()
    card = ModelCard(
        name="tiny",
        network="retinanet",
        input=InputSize(height=416, width=512),
        classes=("with_mask", "without_mask"),
        files={"litert": ModelFile(file="net.tflite", sha256=sha256)},
        metrics={"val": {"AP50": 0.815, "pictures": 170}},
        provenance={"command": "python -m maskdet train --config c.yaml", "license": "CC0: ok"},
    )
    write_card(tmp_path, card)
    return tmp_path


def edit(folder: Path, old: str, new: str) -> None:
    path = folder / "card.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_card_comes_back_as_it_was_written(folder: Path):
    card = read_card(folder)
    assert (card.input.height, card.input.width) == (416, 512)
    assert card.classes == ("with_mask", "without_mask")
    assert card.metrics["val"] == {"AP50": 0.815, "pictures": 170}
    assert card.provenance["license"] == "CC0: ok"
    write_card(folder, card)
    assert read_card(folder) == card
    assert sorted(p.name for p in folder.iterdir()) == ["card.yaml", "net.tflite"]


def test_the_file_of_a_runtime_is_found_and_checked(folder: Path):
    card = read_card(folder)
    assert model_file(folder, card, "litert") == folder / "net.tflite"
    (folder / "net.tflite").write_bytes(WEIGHTS[:-1])
    with pytest.raises(ModelError, match="damaged or was changed"):
        model_file(folder, card, "litert")
    (folder / "net.tflite").unlink()
    with pytest.raises(ModelError, match="cannot be read: No such file"):
        model_file(folder, card, "litert")
    with pytest.raises(ModelError, match="no file for keras; it has: litert"):
        model_file(folder, card, "keras")


def test_one_lowest_score_is_that_of_the_face(folder: Path):
    edit(folder, "min_score: 0.3", "min_score: 0.4")
    assert read_card(folder).rule.limits == {"face": 0.4}
    edit(folder, "min_score: 0.4", "min_score: 4")
    with pytest.raises(ModelError, match="'min_score': must be 0 to 1, not 4"):
        read_card(folder)


def test_scores_and_limits_make_a_judge(folder: Path):
    card = read_card(folder).model_copy(
        update={
            "min_score": ScoreLimits.model_validate(
                {"with_mask": 0.5, "without_mask": 0.4, "unsure": 0.35}
            ),
            "calibration": Calibrations(without_mask=PlattScale(slope=2, shift=-1)),
            "unsure": Unsure(certainty=0.6, width=9),
        }
    )
    write_card(folder, card)
    rule = read_card(folder).rule
    assert rule.min_scores == [0.5, 0.4, 0.3, 0.35]
    assert (rule.certainty, rule.width) == (0.6, 9)
    assert rule.calibration == Calibration((1, 2, 1), (0, -1, 0))


@pytest.mark.parametrize(
    ("old", "new", "reported"),
    [
        ("file: net.tflite", "file: ../../etc/passwd", "files.litert.file"),  # out of its folder
        ("file: net.tflite", "file: /etc/passwd", "files.litert.file"),
        ("sha256: ", "sha256: x", "files.litert.sha256"),  # no checksum
        ("height: 416", "height: -1", "card.yaml:4: 'input.height'"),  # impossible size
        ("network: retinanet", "net: retinanet", "did you mean 'network'"),  # wrong key
        ("min_score: 0.3", "min_score: {with_mask: 1.3}", "'min_score.with_mask'"),
        ("min_score: 0.3", "min_score: {maybe: 0.3}", "unknown key 'min_score.maybe'"),
        # would turn the order
        ("min_score: 0.3", "calibration: {with_mask: {slope: -1}}", "calibration.with_mask.slope"),
        ("name: tiny", "name: !!python/name:os.system tiny", "tags"),  # code in YAML
    ],
)
def test_a_wrong_card_is_reported_in_one_line(folder: Path, old: str, new: str, reported: str):
    edit(folder, old, new)
    with pytest.raises(ModelError) as error:
        read_card(folder)
    assert reported in str(error.value)
    assert str(error.value).count("\n") == 0


def test_a_folder_without_a_card_is_no_model(tmp_path: Path):
    with pytest.raises(ModelError, match=r"not a model folder: it has no card\.yaml"):
        read_card(tmp_path)
