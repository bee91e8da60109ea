"""The table of models, in the terminal and in a README."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskdet.card import read_card, write_card
from maskdet.commands import models
from maskdet.errors import ConfigError
from maskdet.testing import ScriptedDetector
from tests.tiny import make_tiny_model


def test_a_row_for_each_file_with_its_own_figures(tmp_path: Path) -> None:
    folder = make_tiny_model(tmp_path / "tiny")
    card = read_card(folder)
    write_card(folder, card.model_copy(update={"metrics": {"keras": {"mAP50": 0.51234}}}))
    (cells,) = models.rows(tmp_path)
    assert cells[:3] == ("tiny (keras)", "retinanet, mobilenet_v2", "96×96")
    assert float(cells[3]) > 1 and cells[4:] == ("0.512", "", "", "", "")


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
    from maskdet.detections import Detections

    slow = ScriptedDetector(lambda image: Detections.empty(), delay=0.02)
    assert models.milliseconds(slow, 0.1) >= 20
