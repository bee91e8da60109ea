"""Export: what is written beside the weights, and what is refused."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from maskdet import export
from maskdet.__main__ import main
from maskdet.errors import ConfigError, DatasetError, ModelError
from maskdet.model.card import model_file, read_card, write_card
from tests.helpers.tiny import make_tiny_model
from tests.images.pictures import write_image


def test_the_card_names_each_file_with_its_checksum(tiny_model: Path) -> None:
    card = read_card(tiny_model)
    assert list(card.files) == ["litert_int8", "litert", "keras"]
    for kind in card.files:  # verifies the checksum
        assert model_file(tiny_model, card, kind).is_file()


def test_int8_is_a_quarter_of_float(tiny_model: Path) -> None:
    sizes = [(tiny_model / name).stat().st_size for name in ("model_int8.tflite", "model.tflite")]
    assert sizes[0] < 0.55 * sizes[1]  # a small network is mostly structure


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_tiny_model(tmp_path / "model")


def test_int8_without_pictures_is_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match="--calibrate"):
        export.run(folder, int8=True)


def test_the_converter_s_own_remarks_are_not_shown(
    folder: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    picture = write_image(tmp_path / "a.jpg")
    export.run(folder, int8=True, calibrate=[picture])
    assert "litert_int8" in read_card(folder).files
    assert capfd.readouterr() == ("", "")


def test_a_broken_picture_leaves_the_folder_as_it_was(folder: Path, tmp_path: Path) -> None:
    before = sorted(file.name for file in folder.iterdir())
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    with pytest.raises(DatasetError, match="broken.jpg"):
        export.run(folder, int8=True, calibrate=[broken])
    assert sorted(file.name for file in folder.iterdir()) == before


def test_a_model_without_keras_weights_is_refused(tiny_model: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_model, tmp_path / "copy")
    card = (copy / "card.yaml").read_text()
    (copy / "card.yaml").write_text(card.replace("  keras:", "  other:"))
    with pytest.raises(ModelError, match="no file for keras"):
        export.run(copy)


@pytest.mark.slow
def test_figures_of_a_file_leave_the_card_with_it(folder: Path) -> None:
    """Those of the other files stay, and so do a file's own if it came out the same."""
    export.run(folder)
    metrics = {
        "validation": {"pictures": "val.txt"},
        "calibration": {"fitted_on": "litert"},
        "litert": {"mAP50": 0.9},
        "keras": {"mAP50": 0.8},
    }
    write_card(folder, read_card(folder).model_copy(update={"metrics": metrics}))
    export.run(folder)
    assert read_card(folder).metrics == metrics
    assert export.unmeasured_files(folder) == []
    (folder / "model.tflite").write_bytes(b"an earlier checkpoint's")
    card = read_card(folder)
    earlier = card.files["litert"].model_copy(update={"sha256": "0" * 64})
    write_card(folder, card.model_copy(update={"files": {**card.files, "litert": earlier}}))
    export.run(folder)
    kept = {name: metrics[name] for name in ("validation", "keras")}
    assert read_card(folder).metrics == kept
    assert export.unmeasured_files(folder) == ["litert"]


def test_the_command_says_what_it_wrote(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--to", "litert", "--model", str(folder)]) == 0
    out = capsys.readouterr().out
    assert f"wrote {folder / 'model.tflite'}" in out
    assert f"not measured yet: litert, keras; maskdet calibrate --model {folder} " in out
    assert main(["export", "--to", "litert", "--model", str(folder), "--int8"]) == 2
    error = capsys.readouterr().err
    assert "--calibrate" in error and "Traceback" not in error
