"""Any bytes, and files that were right but for some bytes: read, or refused in plain lines."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maskdet.errors import DatasetError
from maskdet.training.formats import FORMATS
from maskdet.training.formats.class_list import read_classes
from maskdet.training.formats.recognition import read
from maskdet.training.formats.writing import write
from tests.training.formats.sets import Face, make

FACES: dict[str, list[Face]] = {"a.png": [("mask", (1, 2, 30, 40)), ("no", (3, 4, 5.5, 6))]}
LABELS = {
    "voc": "annotations/a.xml", "csv": "annotations.csv", "retinanet": "annotations.csv",
    "tfrecord": "annotations.record", "coco": "annotations.json", "yolo": "labels/a.txt",
}  # fmt: skip
FUZZ = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@cache
def folder(kind: str) -> tempfile.TemporaryDirectory[str]:
    """A right data set of that format, gone at the end."""
    made = tempfile.TemporaryDirectory()
    write(make(Path(made.name) / "source", FACES, ("mask", "no")), Path(made.name) / "set", kind)
    return made


def read_or_refuse(kind: str, raw: bytes) -> None:
    root = Path(folder(kind).name) / "set"
    (root / LABELS[kind]).write_bytes(raw)
    try:
        data, _ = read(root, root, kind)
    except DatasetError as error:
        for line in str(error).split("\n"):
            assert line.startswith((str(root), "… and"))
            assert line.isprintable() and len(line) < 1000
    else:
        for sample in data.samples:
            assert sample.boxes.shape == (len(sample.classes), 4)
            assert (sample.boxes[:, 2:] > sample.boxes[:, :2]).all()
            assert set(sample.classes.tolist()) <= set(range(len(data.names)))


@given(kind=st.sampled_from(sorted(FORMATS)), raw=st.binary(max_size=300))
@FUZZ
def test_any_bytes(kind: str, raw: bytes) -> None:
    read_or_refuse(kind, raw)


@given(kind=st.sampled_from(["voc", "csv", "retinanet", "coco", "yolo"]), text=st.text())
@FUZZ
def test_any_text(kind: str, text: str) -> None:
    read_or_refuse(kind, text.encode("utf-8", "surrogatepass"))


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, bytes]:
    """A right file of some format with bytes replaced, taken out or doubled."""
    kind = draw(st.sampled_from(sorted(FORMATS)))
    with tempfile.TemporaryDirectory() as name:
        write(make(Path(name) / "source", FACES, ("mask", "no")), Path(name) / "set", kind)
        raw = (Path(name) / "set" / LABELS[kind]).read_bytes()
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(raw)))
        end = draw(st.integers(start, min(len(raw), start + 40)))
        raw = raw[:start] + draw(st.one_of(st.binary(max_size=8), st.just(raw[start:]))) + raw[end:]
    return kind, raw


@given(damaged())
@FUZZ
def test_damaged_files(case: tuple[str, bytes]) -> None:
    read_or_refuse(*case)


@given(suffix=st.sampled_from([".csv", ".pbtxt", ".yaml", ".txt"]), raw=st.binary(max_size=200))
@FUZZ
def test_any_bytes_as_list_of_classes(suffix: str, raw: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / f"classes{suffix}"
        file.write_bytes(raw)
        try:
            assert all(read_classes(file).values())
        except DatasetError as error:
            assert str(file) in str(error)
