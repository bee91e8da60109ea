"""Any format to any other: no picture, box, class or pixel is lost."""

from __future__ import annotations

import tempfile
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from maskdet.datasets.builder import MAX_SHARE
from maskdet.datasets.format_detection import read
from maskdet.datasets.formats import FORMATS
from maskdet.datasets.formats.retinanet_csv import whole_pixels
from maskdet.datasets.samples import DataSet
from maskdet.datasets.writing import write
from tests.datasets.formats.sets import PICTURES, Face, assert_same, content, make

NAMES = ("NoMask", "mask", "Mask, worn 'wrongly'", 'größe "x"', "unused")
FACES: dict[str, list[Face]] = {
    "a.png": [("mask", (1, 2, 30, 40)), ("NoMask", (0.5, 0.25, 59.75, 39.5))],
    "b.jpg": [],
    "c.jpeg": [
        ("Mask, worn 'wrongly'", (0, 0, 640, 31)),
        ('größe "x"', (639, 30, 640, 31)),
        ("mask", (123.4567, 1.2345, 600.1, 30.9)),
        ("mask", (123.4567, 1.2345, 600.1, 30.9)),
    ],
    "d d.png": [],
}
FILES = {"csv": "x.csv", "retinanet": "r.csv", "coco": "x.json", "tfrecord": "x.record"}
KEEPS_UNUSED = ("retinanet", "coco", "yolo")
"""Formats that list their classes and are read by that list."""


def passed(data: DataSet, kind: str, target: Path) -> DataSet:
    """The data set, written and read."""
    write(data, target, kind)
    root = target if target.is_dir() else target.parent
    found, reported = read(target, root)
    assert reported == kind
    return found


def rounded(data: DataSet, kinds: tuple[str, ...]) -> DataSet:
    """The expected result: keras-retinanet knows whole pixels only."""
    if "retinanet" in kinds:
        for sample in data.samples:
            sample.boxes[:] = whole_pixels(sample.boxes, sample.width, sample.height)
    return data


@pytest.mark.parametrize(("first", "second"), product(FORMATS, FORMATS))
def test_any_to_any_and_back(first: str, second: str, tmp_path: Path) -> None:
    data = make(tmp_path / "source", FACES, NAMES)
    there = passed(data, first, tmp_path / "one")
    again = passed(there, second, tmp_path / "two")
    back = passed(again, first, tmp_path / "three")
    assert_same(rounded(data, (first, second)), back)
    if first in KEEPS_UNUSED:
        assert there.names == NAMES
    assert [s.name or s.file.name for s in back.samples] == sorted(PICTURES)


@pytest.mark.parametrize("kind", FILES)
def test_to_a_file_that_refers_to_pictures_below_it(kind: str, tmp_path: Path) -> None:
    data = make(tmp_path / "some where" / "images", FACES, NAMES)
    assert_same(rounded(data, (kind,)), passed(data, kind, tmp_path / FILES[kind]))
    assert not (tmp_path / "images").exists()


@pytest.mark.parametrize("kind", FILES)
def test_to_a_file_far_from_its_pictures(kind: str, tmp_path: Path) -> None:
    data = make(tmp_path / "source", FACES, NAMES)
    (tmp_path / "out").mkdir()
    assert_same(rounded(data, (kind,)), passed(data, kind, tmp_path / "out" / FILES[kind]))
    assert (tmp_path / "out/images").exists() == (kind != "tfrecord")


@st.composite
def faces(draw: st.DrawFn) -> dict[str, list[Face]]:
    """Pictures with boxes of any size and place inside them, whole numbers or not."""
    found: dict[str, list[Face]] = {}
    for name in draw(st.lists(st.sampled_from(sorted(PICTURES)), min_size=1, unique=True)):
        sides = PICTURES[name]
        found[name] = []
        for _ in range(draw(st.integers(0, 4))):
            low, high = [], []
            for side in sides:
                ends = st.one_of(st.integers(0, side), st.floats(0, side, width=32))
                pair = st.lists(ends, min_size=2, max_size=2).filter(
                    lambda ends: abs(ends[0] - ends[1]) > 0.01
                )
                start, end = sorted(draw(pair))
                low.append(start)
                high.append(end)
            found[name].append((draw(st.sampled_from(NAMES)), (*low, *high)))
    return found


@given(faces=faces(), kinds=st.lists(st.sampled_from(sorted(FORMATS)), min_size=1, max_size=3))
@example(faces={"a.png": []}, kinds=["csv", "retinanet", "voc", "yolo", "tfrecord", "coco"])
@settings(max_examples=60)
def test_any_data_set_through_any_formats(faces: dict[str, list[Face]], kinds: list[str]) -> None:
    boxes = [box for found in faces.values() for _, box in found]
    # Parts of an image's first pixel are taken as shares of it.
    assume(all(max(box) > MAX_SHARE or not any(0 < edge < 1 for edge in box) for box in boxes))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = made = make(folder / "source", faces, NAMES)
        for number, kind in enumerate(kinds):
            data = passed(data, kind, folder / f"{number}")
        assert_same(rounded(made, tuple(kinds)), data, within=2e-3)


@st.composite
def names(draw: st.DrawFn) -> list[str]:
    """Class names that any format can hold."""
    text = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=12)
    return draw(st.lists(text, min_size=1, max_size=5, unique=True))


@given(names=names(), kind=st.sampled_from(sorted(FORMATS)))
@settings(max_examples=60)
def test_class_names_stay_as_they_are(names: list[str], kind: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        faces: list[Face] = [(name, (1, 1, 5, 5)) for name in names]
        data = make(Path(name) / "source", {"a.png": faces}, names)
        found = passed(data, kind, Path(name) / "out")
        assert content(found) == content(data)


def test_whole_pixels_stay_inside_and_are_never_empty() -> None:
    boxes = np.array([[0.4, 0.4, 0.45, 0.45], [9.6, 9.6, 10, 10], [2.4, 2.6, 3.6, 7.5]], np.float32)
    assert whole_pixels(boxes, 10, 10).tolist() == [[0, 0, 1, 1], [9, 9, 10, 10], [2, 3, 4, 8]]
