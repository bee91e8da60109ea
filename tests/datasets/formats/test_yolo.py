"""YOLO txt in the layouts of its tools, and every mistake with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskdet.datasets.format_detection import read
from maskdet.datasets.formats.yolo.yolo import UNLABELED
from maskdet.datasets.problems import Problems
from tests.datasets.formats.sets import PICTURES, content, draw, mistakes

ROW = "1 0.25 0.5 0.5 1\n"
FACE = ("no", (0.0, 0.0, 30.0, 40.0))


def put(
    folder: Path,
    rows: str | bytes | None = ROW,
    *,
    image: str = "images/a.png",
    labels: str = "labels/a.txt",
    listed: tuple[str, str] = ("classes.txt", "mask\nno\n"),
) -> Path:
    draw(folder / image, *PICTURES[Path(image).name])
    for name, text in ((labels, rows), listed):
        if text is not None:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


@pytest.mark.parametrize(
    "place",
    [
        {},
        # ultralytics' split folders, Roboflow's
        {"image": "images/train/a.png", "labels": "labels/train/a.txt"},
        {"image": "train/images/a.png", "labels": "train/labels/a.txt"},
        # darknet, LabelImg: beside the picture
        {"image": "a.png", "labels": "a.txt"},
        {"image": "images/a.png", "labels": "images/a.txt"},
        # where classes are listed
        {"listed": ("labels/classes.txt", "mask\r\nno\r\n\r\n")},
        {"listed": ("obj.names", "mask\nno")},
        {"listed": ("data.yaml", "train: ../train/images\nnc: 2\nnames: ['mask', 'no']\n")},
        {"listed": ("data.yaml", "path: x\nnames:\n  1: no\n  0: mask\n")},
    ],
)
def test_layouts(tmp_path: Path, place: dict[str, str]) -> None:
    data, kind = read(put(tmp_path, **place), tmp_path)  # type: ignore[arg-type]
    assert (kind, data.names) == ("yolo", ("mask", "no"))
    assert content(data) == {"a": [FACE]}


@pytest.mark.parametrize(
    "row",
    [
        "1 0,25 0,5 0,5 1,0",
        "1\t0,25\t0,5\t0,5\t1",
        "1;0,25;0,5;0,5;1",
        "1; 0.25; 0.5; 0.5; 1",
        "1, 0.25, 0.5, 0.5, 1",
        "1,0.25,0.5,0.5,1",
    ],
)
def test_commas_and_semicolons_of_other_tools(tmp_path: Path, row: str) -> None:
    assert content(read(put(tmp_path, f"{row}\n"), tmp_path)[0]) == {"a": [FACE]}


def test_a_picture_without_labels_has_no_objects_and_is_reported(tmp_path: Path) -> None:
    put(tmp_path, "")
    put(tmp_path, None, image="images/b.jpg")
    problems = Problems()
    data, _ = read(tmp_path, tmp_path, problems=problems)
    assert content(data) == {"a": [], "b": []}
    assert problems.notes == {UNLABELED: [f"{tmp_path}/images/b.jpg"]}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("1 0.25 0.5 0.5", "has 4 values, not: class, center x, y, width, height"),
        ("1 0.25 0.5 0.5 1 0.9", "has 6 values"),
        ("1 " + "0.1 " * 29, "has 30 values"),
        ("1 " + "0.1 " * 30, "empty box 6, 4, 6, 4"),
        ("1 0.1 0.1 0.2 0.1 0.2 1.9", "0.1 0.1 0.2 0.1: outline's points must be shares"),
        ("1 0.1 0.1 0.2 0.1 0.2 9", "has 7 values, not: class, center x, y, width, height; with a"),
        ("1 0.1 0.1 0.2 0.1 0.2 nan", "'nan' is not a number; write shares such as 0.25"),
        ("no 0.25 0.5 0.5 1", "class 'no' is not a whole number"),
        ("1.5 0.25 0.5 0.5 1", "class '1.5' is not a whole number"),
        ("2 0.25 0.5 0.5 1", "unknown class 'id 2'; there are 0: mask, 1: no"),
        ("-1 0.25 0.5 0.5 1", "unknown class 'id -1'"),
        ("1 15 20 30 40", "15 20 30 40: center and size must be shares of the picture"),
        ("1 0.25 0.5 nan 1", "'nan' is not a number"),
        ("1 0.25 0.5 1.2.3 1", "'1.2.3' is not a number"),
        ("1 0.25 0.5 -0.5 1", "must be shares of the picture"),
        ("1 0.25 half 0.5 1", "'half' is not a number"),
        ("1 0,25 half 0,5 1", "'half' is not a number"),
        ("1 0.25 0.5 0 1", "empty box"),
    ],
)
def test_wrong_labels(tmp_path: Path, row: str, words: str) -> None:
    put(tmp_path, f"{ROW}\n{row}\n")
    (line,) = mistakes(tmp_path)
    assert f"{tmp_path.name}/labels/a.txt:3: " in line and words in line


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"listed": ("note.md", "")}, "has no classes.txt or data.yaml"),
        ({"listed": ("classes.txt", "mask\nmask\n")}, "classes.txt:2: class 'mask' is there twice"),
        ({"listed": ("classes.txt", "mask\n\nno\n")}, "classes.txt:2: unknown class ''"),
        ({"listed": ("classes.txt", "\n")}, "unknown class 'id 1'; the list of classes is empty"),
        ({"listed": ("data.yaml", "names: 5\n")}, "data.yaml: has no 'names' list"),
        ({"listed": ("data.yaml", "names: {x: y}\n")}, "names: 'x' is not a class id"),
        ({"listed": ("data.yaml", "a: &a [x]\nnames: *a\n")}, "data.yaml"),
        ({"rows": b"\x89PNG\r\n\x1a\n\0"}, "a.txt:1: not a text file in UTF-8"),
        ({"rows": "1 0.5 0.5 0.1 0.1\0"}, "a.txt:1: holds NUL characters"),
        (
            {"rows": "1 0.5 0.5 0.1 0.1\n" + "\0" * 99},
            "a.txt:2: has zero bytes at its end, as a copy",
        ),
    ],
)
def test_wrong_files(tmp_path: Path, more: dict[str, str], words: str) -> None:
    (line,) = mistakes(put(tmp_path, **more), "yolo")  # type: ignore[arg-type]
    assert words in line


def test_nothing_outside_the_folder_is_read(tmp_path: Path) -> None:
    data = tmp_path / "data"
    put(data, None)
    (data / "labels").mkdir()
    (tmp_path / "secret.txt").write_text(ROW)
    (data / "labels/a.txt").symlink_to(tmp_path / "secret.txt")
    draw(tmp_path / "b.jpg", 33, 57)
    (data / "images/b.jpg").symlink_to(tmp_path / "b.jpg")
    lines = mistakes(data)
    assert len(lines) == 2 and all("leads out of the data folder" in line for line in lines)


def test_nothing_but_text_reaches_the_terminal(tmp_path: Path) -> None:
    put(tmp_path, "1 0.5 \x1b[31m 0.1 0.1\n")
    (line,) = mistakes(tmp_path)
    assert r"'\x1b[31m' is not a number" in line


def test_a_folder_called_images(tmp_path: Path) -> None:
    """It may hold both, or have its labels outside, which is reported."""
    folder = put(tmp_path / "images", image="a.png", labels="a.txt")
    assert content(read(folder, folder)[0]) == {"a": [FACE]}
    (folder / "a.txt").unlink()
    (tmp_path / "labels").mkdir()
    (line,) = mistakes(folder)
    assert "give the folder above" in line


def test_an_empty_list_of_classes_has_none(tmp_path: Path) -> None:
    """As a data set without any box writes it; a box then has no class."""
    draw(tmp_path / "images/a.png", 60, 40)
    (tmp_path / "classes.txt").write_text("")
    assert content(read(tmp_path, tmp_path)[0]) == {"a": []}
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels/a.txt").write_text("0 0.5 0.5 0.5 0.5\n")
    (line,) = mistakes(tmp_path)
    assert "labels/a.txt:1: unknown class 'id 0'; the list of classes is empty" in line
