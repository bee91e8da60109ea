"""``python -m maskdet inspect``: what is wrong is found, counted, shown with file and line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import cv2
import pytest

from maskdet.__main__ import main
from maskdet.datasets.loading import read_samples
from maskdet.errors import DatasetError
from tests.datasets.voc_folder import OBJECT, write_voc_folder


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    write_voc_folder(tmp_path / "archive", 4)
    return tmp_path / "archive"


def inspect(data: Path, *words: object) -> tuple[int, dict[str, Any]]:
    """Exit status and all figures."""
    output = data.parent / "results"
    status = main(["inspect", "--data", str(data), "--output", str(output), *map(str, words)])
    return status, json.loads((output / "inspection.json").read_text("utf-8"))


def add(archive: Path, name: str, *box: float, to: str = "0") -> None:
    """One more object, on a line of its own."""
    xml = archive / f"annotations/{to}.xml"
    item = OBJECT.format(name, *box).replace("\n", "")
    xml.write_text(xml.read_text().replace("</annotation>", f"\n{item}</annotation>"))


def line_of(archive: Path, to: str = "0") -> str:
    """Where the last object of a picture is written."""
    xml = archive / f"annotations/{to}.xml"
    return f"{xml}:{len(xml.read_text().splitlines())}"


def test_a_sound_set(archive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, figures = inspect(archive)
    out = capsys.readouterr().out
    assert status == 0
    assert (figures["format"], figures["pictures"], figures["boxes"]) == ("voc", 4, 8)
    assert sum(figures["classes"].values()) == 8
    assert figures["picture_width"] == {"min": 120, "median": 120, "max": 120}
    assert figures["boxes_in_a_picture"] == {"min": 2, "median": 2, "max": 2}
    assert (figures["wrong"], figures["notes"]) == ([], {})
    assert (
        "4 pictures, 8 boxes; 0 of the pictures without objects" in out
        and "nothing wrong was found" in out
    )
    sheet = cv2.imread(str(archive.parent / "results/contact_sheet.png"))
    assert sheet.shape == (240 + 34, 4 * 240, 3)
    green = (sheet == (0x73, 0x9E, 0x00)).all(axis=2).sum()
    assert green > 100 or figures["classes"].get("with_mask", 0) == 0


@pytest.mark.parametrize(
    ("name", "box", "kind"),
    [
        ("with_mask", (50, 10, 130, 60), "boxes that reached out of their picture and were cut"),
        ("with_mask", (100, 10, 107, 30), "boxes of less than 8 pixels"),
        ("with_mask", (1, 10, 119, 16), "boxes that no anchor fits"),
    ],
)
def test_odd_boxes(archive: Path, name: str, box: tuple[float, ...], kind: str) -> None:
    add(archive, name, *box)
    status, figures = inspect(archive)
    assert status == 0
    assert [line.split(": ")[0] for line in figures["notes"][kind]] == [line_of(archive)]


def test_a_face_that_is_marked_twice(archive: Path) -> None:
    add(archive, "with_mask", 70, 50, 110, 90, to="2")
    first = line_of(archive, "2")
    add(archive, "without_mask", 70, 51, 110, 90, to="2")
    _, figures = inspect(archive)
    (line,) = figures["notes"]["boxes that mark a face twice"]
    assert line.startswith(f"{line_of(archive, '2')}: as {first} (IoU 0.9")


@pytest.mark.parametrize(
    ("name", "box", "words"),
    [
        ("", (1, 2, 30, 40), "unknown class ''"),
        ("with_mask", (30, 2, 30, 40), "empty box 30, 2, 30, 40"),
        ("with_mask", (30, 2, 1, 40), "box 30, 2, 1, 40 has swapped corners"),
        ("with_mask", (200, 2, 230, 40), "box 200, 2, 230, 40 lies outside the picture"),
        ("with_mask", (1, "two", 30, 40), "<bndbox/ymin> is 'two', not a number"),
    ],
)
def test_wrong_labels_have_file_and_line(
    archive: Path,
    name: str,
    box: tuple[float, ...],
    words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    add(archive, name, *box)
    status, figures = inspect(archive)
    assert status == 2
    (line,) = figures["wrong"]
    assert line.startswith(f"{line_of(archive)}: ") and words in line
    assert f"mistakes (1):\n  {line}\n" in capsys.readouterr().out
    assert figures["boxes"] == 8  # the others are read all the same


def test_broken_pictures(archive: Path) -> None:
    (archive / "images/0.png").write_bytes(b"no picture")
    cv2.imwrite(str(archive / "images/1.png"), cv2.imread(str(archive / "images/1.png"))[:50])
    (archive / "images/2.png").unlink()
    status, figures = inspect(archive)
    assert (status, figures["wrong_count"]) == (2, 2)
    assert "0.png: cannot be read as a picture" in figures["wrong"][0]
    assert "1.png: is 120×50 but annotated as 120×96" in figures["wrong"][1]
    assert figures["notes"]["xml files without picture that were left out"] == [
        f"{archive}/annotations/2.xml"
    ]


def test_class_names_of_no_known_state_are_mistakes_with_their_place(
    archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Training would refuse them; the others count, and all are drawn."""
    add(archive, "NoMask", 5, 5, 90, 90)
    add(archive, "hat $x^{", 5, 5, 90, 90, to="1")
    add(archive, "with_msk", 5, 5, 90, 90, to="3")
    add(archive, "with_msk", 15, 15, 80, 80, to="3")
    status, figures = inspect(archive)
    assert (status, figures["wrong_count"], figures["boxes"]) == (2, 2, 12)
    assert figures["states"]["NoMask"] == "without_mask"
    assert figures["states"]["hat $x^{"] is figures["states"]["with_msk"] is None
    hat, typo = figures["wrong"]
    first, last = line_of(archive, "3").rsplit(":", 1)
    assert hat.startswith(f"{line_of(archive, '1')}: class 'hat $x^{{' means no known mask state;")
    assert typo.startswith(f"{first}:{int(last) - 1}: class 'with_msk' means no known mask state (")
    assert (
        "(with_mask?) (the first of 2 boxes); correct it, or say what it means: --state N" in typo
    )
    assert f"mistakes (2):\n  {hat}\n  {typo}\n" in capsys.readouterr().out
    with pytest.raises(DatasetError, match=re.escape(line_of(archive, "1"))):
        read_samples(archive)


def test_classes_may_be_given_a_state_or_left_out(
    archive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    add(archive, "bare", 5, 5, 90, 90)
    add(archive, "Person", 5, 5, 115, 9, to="1")
    words = ("--state", "bare=without_mask", "--state", "Person=not_a_face")
    status, figures = inspect(archive, *words)
    assert (status, figures["wrong"], figures["classes"]["Person"]) == (0, [], 1)
    assert figures["states"]["bare"] == "without_mask"
    assert figures["states"]["Person"] == "not_a_face"
    assert not figures["notes"]  # no anchor is to fit what shows no face
    assert main(["inspect", "--data", str(archive), "--state", "bare=naked"]) == 2
    assert "'bare' cannot be 'naked'; states are with_mask, " in capsys.readouterr().err


def test_a_size_of_0_is_read_from_the_picture(archive: Path) -> None:
    """As some labeling programs write it."""
    file = archive / "annotations/1.xml"
    text = re.sub(r"<(width|height)>[0-9]+", r"<\1>0", file.read_text())
    file.write_text(text)
    status, figures = inspect(archive)
    assert (status, figures["boxes"]) == (0, 8)
    (note,) = (key for key in figures["notes"] if "no size or 0" in key)
    assert figures["notes"][note] == [str(file)]
    file.write_text(text.replace("<height>0", "<height>96"))
    assert inspect(archive)[0] == 2


def test_a_class_without_boxes_needs_no_state(archive: Path, tmp_path: Path) -> None:
    """Nor does training ask for one."""
    (tmp_path / "classes.txt").write_text("hat\nwith_mask\nwithout_mask\nmask_weared_incorrect\n")
    status, figures = inspect(archive, "--classes", tmp_path / "classes.txt")
    assert (status, figures["states"]["hat"], figures["classes"]["hat"]) == (0, None, 0)


def test_settings_have_anchors_and_states(archive: Path, tmp_path: Path) -> None:
    add(archive, "hat", 5, 5, 90, 90)
    text = "train: [{classes: {hat: without_mask}}]\nnetwork: {anchors: {sizes: [1, 1, 1, 1, 1]}}"
    (tmp_path / "settings.yaml").write_text(text)
    status, figures = inspect(archive, "--config", tmp_path / "settings.yaml")
    assert (status, figures["states"]["hat"]) == (0, "without_mask")
    assert len(figures["notes"]["boxes that no anchor fits"]) == 9


def test_a_list_and_other_formats(archive: Path, tmp_path: Path) -> None:
    (archive / "list.txt").write_text("images/1.png\n")
    assert inspect(archive, "--images", "list.txt")[1]["pictures"] == 1
    assert main(["convert", str(archive), str(tmp_path / "x.json")]) == 0
    status, figures = inspect(tmp_path / "x.json")
    assert (status, figures["format"], figures["pictures"]) == (0, "coco", 4)
    (tmp_path / "x.json").write_text((tmp_path / "x.json").read_text().replace("120", "121", 1))
    assert "is 120×96 but annotated as 121×96" in inspect(tmp_path / "x.json")[1]["wrong"][0]


def test_missing_data_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "--data", str(tmp_path / "none")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "none: no such folder; give the one above images/ and annotations/" in line
