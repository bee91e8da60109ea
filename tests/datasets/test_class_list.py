"""Lists of classes in every form that upstream has them."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskdet.datasets.class_list import class_csv, label_map, read_classes
from maskdet.errors import DatasetError
from maskdet.model.label_map_text import label_map_items


@pytest.mark.parametrize(
    ("name", "text", "classes"),
    [
        ("x.txt", "mask\nno mask\n\n", {0: "mask", 1: "no mask"}),
        ("x.names", "\ufeffmask \r\n no", {0: "mask", 1: "no"}),
        ("x.txt", "0 mask\n1: no mask\n", {0: "mask", 1: "no mask"}),
        ("x.txt", "1 mask\n2 no mask\n", {0: "1 mask", 1: "2 no mask"}),
        ("x.csv", 'no,1\n"a, b",0\n', {0: "a, b", 1: "no"}),
        ("x.csv", "ID,Name\n1,no\n0,mask\n", {0: "mask", 1: "no"}),
        ("x.yaml", "names:\n- mask\n- 'no'\n", {0: "mask", 1: "no"}),
        ("x.yml", "names: {3: mask, 1: unsure}\n", {1: "unsure", 3: "mask"}),
        ("x.pbtxt", "item {\n  id: 1\n  name: 'mask'\n}\nitem { id:2 name:\"it's\"}",
         {1: "mask", 2: "it's"}),
        # comments, a colon, commas, angle brackets, either quote, names for display, other fields
        ("x.pbtxt", "# ours\nitem: { name: \"m\", id: 2, display_name: 'Mask' }\n"
         "item < id: 1; name: 'n' 'o' keypoints { id: 1 label: 'eye' } >", {1: "no", 2: "m"}),
        ("x.pbtxt", r"item { id: 1 name: 'gr\303\266\xc3\x9fe' }", {1: "größe"}),
        ("x.pbtxt", "item { id: 1 display_name: 'Mask' }", {1: "Mask"}),
    ],
)  # fmt: skip
def test_forms(tmp_path: Path, name: str, text: str, classes: dict[int, str]) -> None:
    (tmp_path / name).write_bytes(text.encode())
    found = read_classes(tmp_path / name)
    assert found == classes
    assert list(found) == sorted(found)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("x.txt", "", "names no class"),
        ("x.txt", "a\nb\na\n", "x.txt:3: class 'a' is there twice"),
        ("x.txt", "a\x07b\n", r"unknown class 'a\x07b': this can be no class name"),
        ("x.txt", "x" * 201, "this can be no class name"),
        ("x.pbtxt", "item { id: 0 name: 'a' }", "item 1: expected item { id: 1 name: 'class' }"),
        ("x.pbtxt", "item { id: 1 name: '' }", "item 1: expected item"),
        ("x.pbtxt", "item { id: 1 name: 'a' }\nitem { id: 1 name: 'b' }", "id 1 is 'a' already"),
        ("x.pbtxt", "item { id: 'x' name: 'a' }", "is not a label map: line 1: item without an id"),
        ("x.pbtxt", "item {", "is not a label map"),
        ("x.pbtxt", "item { a " + "{ a " * 100_000, "is not a label map"),
        ("x.pbtxt", f"item {{ id: {2**70} name: 'a' }}", "is not a label map"),
        ("x.yaml", "nc: 2", "has no 'names' list"),
        ("x.yaml", "names: [", "x.yaml:1"),
        ("x.csv", "a,0\nb," + "9" * 5000, "x.csv:2: expected 'name,id'"),
    ],
)
def test_mistakes(tmp_path: Path, name: str, text: str, words: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(DatasetError) as error:
        read_classes(tmp_path / name)
    assert words in str(error.value)
    assert "\n" not in str(error.value) and len(str(error.value)) < 600


def test_a_list_that_is_far_too_long(tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_bytes(b"a\n" * 2**20)
    with pytest.raises(DatasetError, match="more than labels can take"):
        read_classes(tmp_path / "x.txt")


TEXT = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1)


@given(st.lists(TEXT, unique=True))
def test_label_maps_are_read_as_they_were_written(names: list[str]) -> None:
    read = [(item.number, item.name) for item in label_map_items(label_map(names))]
    assert read == list(enumerate(names, start=1))


def test_class_csv_is_upstream_s() -> None:
    assert class_csv(["mask", "no, mask"]) == 'mask,0\n"no, mask",1\n'
