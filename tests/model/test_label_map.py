"""Label maps: both dialects, wherever they lie, and what is refused in which line."""

from __future__ import annotations

from pathlib import Path

import pytest

from maskdet.errors import ModelError
from maskdet.model.label_map import find_label_map, read_label_map

# Protobuf text as people wrote it.
PBTXT = {
    "plain": ("item {\n id: 1\n name: 'mask'\n}\nitem {\n id: 2\n name: 'no_mask'\n}\n", None),
    "one line": ("item { id: 1 name: 'mask' } item { id: 2 name: 'no_mask' }", None),
    "colon": ("item: { id: 1 name: \"mask\" }\nitem: { id: 2 name: \"no_mask\" }", None),
    "commas": ("item { id: 1, name: 'mask', },\nitem { name: 'no_mask'; id: 2; }", None),
    "angles": ("item < id: 1 name: 'mask' > item < id: 2 name: 'no_mask' >", None),
    "comments": ("# a\nitem { # {\n id: 1 name: 'mask' }\nitem{id:2 name:'no_mask'}#", None),
    "tight": ("item{id:1 name:'mask'}item{id:2 name:'no_mask'}", None),
    "windows": ("\ufeffitem {\r\n id: 1 name: 'mask' }\r\nitem { id: 2 name: 'no_mask' }", None),
    "more fields": (
        "item { id: 1 name: 'mask' keypoints { id: 7 label: '}' } frequency: FREQUENT }"
        "item { id: 2 name: 'no_mask' lvis_ids: [3, 4] }",
        None,
    ),
    "display name wins": ("item { id: 3 name: '/m/02j' display_name: 'Mask' }", {3: "Mask"}),
    "empty display name": ("item { id: 3 name: 'Mask' display_name: '' }", {3: "Mask"}),
    "escapes": (r"""item { id: 1 name: 'it\'s \345\217\243\x20' }""", {1: "it's 口 "}),
    "hash in a name": ("item { id: 1 name: '#1 mask' }", {1: "#1 mask"}),
    "same name twice": ("item { id: 1 name: 'a' } item { id: 2 name: 'a' }", {1: "a", 2: "a"}),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), PBTXT.values(), ids=PBTXT)
def test_protobuf_text(tmp_path: Path, text: str, expected: dict[int, str] | None) -> None:
    path = tmp_path / "map.pbtxt"
    path.write_text(text, encoding="utf-8", newline="")
    assert read_label_map(path) == (expected or {1: "mask", 2: "no_mask"})


@pytest.mark.parametrize("name", ["labels.txt", "a.csv", "mask.names", "a.yaml", "labelmap"])
@pytest.mark.parametrize("start", ["", "\ufeff# made by hand\n\n"])
def test_protobuf_text_is_read_whatever_its_name(tmp_path: Path, name: str, start: str) -> None:
    text = f"{start}item {{ name: 'mask' id: 1 }}\nitem {{\n  name: 'no_mask'\n  id: 2\n}}\n"
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert read_label_map(tmp_path / name) == {1: "mask", 2: "no_mask"}


@pytest.mark.parametrize("name", ["labels.txt", "map.pbtxt"])
def test_rows_of_names_and_numbers_are_read_whatever_their_name(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("mask,1\nno_mask, 2\n")
    assert read_label_map(tmp_path / name) == {1: "mask", 2: "no_mask"}


@pytest.mark.timeout(20)
def test_a_long_line_of_a_list_is_read_at_once(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("a" * 1_000_000)
    assert read_label_map(tmp_path / "labels.txt") == {0: "a" * 1_000_000}


@pytest.mark.parametrize("text", ["name,id\nmask,1\nno,2\n", "ID;Name\r\n1;mask\r\n2;no\r\n"])
def test_a_csv_whose_first_row_names_its_columns(tmp_path: Path, text: str) -> None:
    (tmp_path / "classes.csv").write_text(text)
    assert read_label_map(tmp_path / "classes.csv") == {1: "mask", 2: "no"}


def test_csv(tmp_path: Path) -> None:
    path = tmp_path / "classes.csv"
    path.write_text('mask,0\n"no, mask", 1\n\n', encoding="utf-8")
    assert read_label_map(path) == {0: "mask", 1: "no, mask"}


WRONG = {
    "a pointer": (
        "labels.txt",
        "version https://git-lfs.github.com/spec/v1\noid",
        "Git LFS, not the",
    ),
    "no id": ("a.pbtxt", "item { name: 'x' }", r"a\.pbtxt:1: item without an id"),
    "id of words": ("a.pbtxt", "\nitem { id: 'x' name: 'x' }", r"a\.pbtxt:2: item without an id"),
    "no name": ("a.pbtxt", "item { id: 4 }", "class 4 has no name"),
    "id twice": ("a.pbtxt", "item { id: 1 name: 'a' }\nitem { id: 1 name: 'b' }", ":2: class 1"),
    "cut off": ("a.pbtxt", "item { id: 1 name: 'a'", "without its closing }"),
    "cut off in a field": ("a.pbtxt", "item { id: ", "cut off"),
    "a quote open": ("a.pbtxt", "item { id: 1 name: 'a }", 'expected item .* found "\'"'),
    "another message": ("a.pbtxt", "node { name: 'x' }", "expected item .*found 'node'"),
    "empty": ("a.pbtxt", "# nothing\n", "without any class"),
    "a picture": ("a.pbtxt", b"\x89PNG\r\n\xff", "not a text file"),
    "not UTF-8 inside": ("a.pbtxt", r"item { id: 1 name: '\377' }", "not UTF-8"),
    "csv, no number": ("a.csv", "mask,0\nnone,x\n", r"a\.csv:2: expected name,id"),
    "csv, one column": ("a.csv", "mask\n", r"a\.csv:1: expected name,id"),
    "csv, class twice": ("a.csv", "mask,0\nmask,1\n", "'mask' is there twice"),
    "csv, number twice": ("a.csv", "mask,0\nnone,0\n", "class 0 is there twice"),
    "csv, a float": ("a.csv", "mask,0.0\n", "expected name,id"),
    "huge": ("a.csv", b"x" * (1024 * 1024 + 1), "no label map"),
}


@pytest.mark.parametrize(("name", "content", "reported"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_reported_with_its_line(
    tmp_path: Path, name: str, content: str | bytes, reported: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ModelError, match=reported) as caught:
        read_label_map(path)
    assert "\n" not in str(caught.value)


def test_a_missing_map_is_reported(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read: No such file"):
        read_label_map(tmp_path / "gone.pbtxt")


# Where a map lies, relative to work/exported/model.pb, and whether it is found.
PLACES = {
    "beside": ("exported/label_map.pbtxt", True),
    "beside, another name": ("exported/faces.pbtxt", True),
    "beside, CSV": ("exported/classes.csv", True),
    "one up": ("labelmap.pbtxt", True),
    "data one up": ("data/mask_label_map.pbtxt", True),
    "data beside": ("exported/data/object-detection.pbtxt", True),
    "elsewhere": ("other/label_map.pbtxt", False),
    "any CSV is none": ("exported/train.csv", False),
}


@pytest.mark.parametrize(("place", "found"), PLACES.values(), ids=PLACES)
def test_a_map_is_found_near_its_model(tmp_path: Path, place: str, found: bool) -> None:
    model = tmp_path / "work/exported/model.pb"
    labels = tmp_path / "work" / place
    for path in (model, labels):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert find_label_map(model) == (labels if found else None)


def test_a_map_is_found_in_and_beside_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "model" / "saved_model"
    folder.mkdir(parents=True)
    (tmp_path / "model" / "label_map.pbtxt").touch()
    assert find_label_map(folder) == tmp_path / "model" / "label_map.pbtxt"
    (folder / "label_map.pbtxt").touch()
    assert find_label_map(folder) == folder / "label_map.pbtxt"


def test_the_usual_name_wins_and_a_doubt_is_reported(tmp_path: Path) -> None:
    (tmp_path / "a.pbtxt").touch()
    (tmp_path / "b.pbtxt").touch()
    with pytest.raises(ModelError, match=r"several label maps \(a.pbtxt, b.pbtxt\).*--labels"):
        find_label_map(tmp_path / "model.pb")
    (tmp_path / "my_labels.pbtxt").touch()
    assert find_label_map(tmp_path / "model.pb") == tmp_path / "my_labels.pbtxt"
    (tmp_path / "label_map.pbtxt").touch()
    assert find_label_map(tmp_path / "model.pb") == tmp_path / "label_map.pbtxt"


def test_a_list_from_0_goes_first_where_it_is_asked_for(tmp_path: Path) -> None:
    """keras-retinanet's models lie beside the label map of a graph, trained on the same."""
    for name in ("classes.csv", "label_map.pbtxt"):
        (tmp_path / name).touch()
    model = tmp_path / "model.h5"
    assert find_label_map(model, first=".csv") == tmp_path / "classes.csv"
    assert find_label_map(model) == tmp_path / "label_map.pbtxt"
