"""The table of models, in the terminal and in a README."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from maskdet.__main__ import main
from maskdet.commands import models
from maskdet.commands.benchmark.timing import milliseconds
from maskdet.detections import Detections
from maskdet.errors import ConfigError, ModelError
from maskdet.model.card import read_card, write_card
from maskdet.model.registry import DEFAULT_MODEL
from maskdet.runtimes import spec
from tests.doubles import ScriptedDetector
from tests.helpers.tiny import make_tiny_model


def test_a_row_for_each_file_with_its_own_figures(tmp_path: Path) -> None:
    folder = make_tiny_model(tmp_path / "tiny")
    card = read_card(folder)
    write_card(folder, card.model_copy(update={"metrics": {"keras": {"mAP50": 0.51234}}}))
    (cells,) = models.rows(tmp_path)
    assert cells[:3] == ("tiny (keras)", "retinanet, tiny", "96×96")
    assert float(cells[3]) > 0 and cells[4:] == ("0.512", "", "", "", "")


def test_columns_stand_below_each_other() -> None:
    lines = models.table(("a", "model"), [("1", "x"), ("22222", "y")]).splitlines()
    assert len({len(line) for line in lines}) == 1 and len(lines) == 4


def test_a_readme_keeps_what_stands_around(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"above\n{models.BEGIN}\nold\n{models.END}\nbelow\n")
    for _ in range(2):
        models.write_readme(readme, "| new |")
    text = readme.read_text()
    assert text.startswith("above\n") and text.endswith("\nbelow\n")
    assert text.count("| new |") == 1 and "old" not in text


def test_a_readme_without_marks_is_left_alone(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("mine")
    with pytest.raises(ConfigError, match="to write between"):
        models.write_readme(readme, "| new |")
    assert readme.read_text() == "mine"


def test_the_time_of_a_picture_is_measured() -> None:
    slow = ScriptedDetector(lambda image: Detections.empty(), delay=0.02)
    assert milliseconds(slow, 0.1) >= 20


def test_each_file_is_timed_on_this_machine(
    tiny_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """By its own file, and once each; what cannot be opened here has a dash, and the reason."""
    opened: list[str | None] = []

    def load(model: str, *, runtime: str | None = None) -> ScriptedDetector:
        opened.append(runtime)
        if runtime == "litert":
            raise ModelError("it is broken")
        return timed[-1]

    timed = [ScriptedDetector(lambda image: Detections.empty(), delay=0.003)]
    (tmp_path / "tiny").symlink_to(tiny_model)  # others lie beside the model itself
    monkeypatch.setattr(spec, "MODELS", tmp_path)
    monkeypatch.setattr(models, "load_detector", load)
    monkeypatch.setattr(models, "_speed", partial(_quick, models._speed))
    assert main(["models", "--speed"]) == 0
    captured = capsys.readouterr()
    head, *lines = (line.rstrip() for line in captured.out.splitlines()[:4])
    assert head.split()[:2] == ["model", "file"] and head.endswith("ms here")
    cells = [line.split() for line in lines]
    assert [row[:2] for row in cells] == [["tiny", kind] for kind in opened]
    assert opened == ["litert_int8", "litert", "keras"]
    assert [row[-1] == "–" for row in cells] == [False, True, False]
    assert all(3 <= float(cells[row][-1]) < 1000 for row in (0, 2))
    assert timed[0].closed and "litert: it is broken" in captured.err


def _quick(speed: Callable[[Path, str, float], str], folder: Path, kind: str, _: float) -> str:
    return speed(folder, kind, 0.05)


def test_the_default_is_marked_and_what_is_not_here_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A wheel has the light model whole, and the cards alone of the others."""
    shipped, fetched = tmp_path / "shipped", tmp_path / "fetched"
    shutil.copytree(spec.MODELS / DEFAULT_MODEL, shipped / DEFAULT_MODEL)
    for name in ("retinanet-resnet50", "faster-rcnn-resnet50"):
        (shipped / name).mkdir()
        shutil.copy(spec.MODELS / name / "card.yaml", shipped / name)
    shutil.copytree(shipped / "faster-rcnn-resnet50", fetched / "faster-rcnn-resnet50")
    (fetched / "faster-rcnn-resnet50" / "model.weights.h5").write_bytes(b"x")
    models.show(shipped, fetched)
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    (marked,) = [line for line in lines if line.startswith("*  ")]
    assert marked.split()[1:3] == ["retinanet-mobilenet", "litert_int8"]
    assert [line.endswith("not here") for line in lines if "retinanet-resnet50" in line] == [True]
    assert [line.endswith("fetched") for line in lines if "faster-rcnn-res" in line] == [True]
    assert "maskdet models get NAME --from" in lines[-1]


@pytest.mark.slow
def test_a_real_file_is_timed(tiny_model: Path, tmp_path: Path) -> None:
    shutil.copytree(tiny_model, tmp_path / "models/tiny")  # other tests' models lie beside it
    files = [*models._files(tmp_path / "models")]
    assert len(files) == 3
    for folder, _, kind in files:
        assert float(models._speed(folder, kind, 0.05)) > 0


def test_a_model_that_was_fetched_and_does_not_ship_is_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    make_tiny_model(tmp_path / "tiny")
    monkeypatch.setattr("maskdet.commands.cli.models.user_models", lambda: tmp_path)
    assert main(["models"]) == 0
    lines = capsys.readouterr().out.splitlines()
    (line,) = [line for line in lines if line.split()[:2] == ["tiny", "keras"]]
    assert line.split()[-1] == "fetched"
    assert any(line.split()[-1:] == ["ships"] for line in lines)
