"""Any bytes, and files that were right but for some bytes: read, or refused in plain lines."""

from __future__ import annotations

import json
import tempfile
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from maskdet.datasets.class_list import read_classes
from maskdet.datasets.format_detection import read
from maskdet.datasets.formats import FORMATS
from maskdet.datasets.writing import write
from maskdet.errors import DatasetError
from tests.datasets.formats.sets import Face, make

FACES: dict[str, list[Face]] = {"a.png": [("mask", (1, 2, 30, 40)), ("no", (3, 4, 5.5, 6))]}
LABELS = {
    "voc": "annotations/a.xml", "csv": "annotations.csv", "retinanet": "annotations.csv",
    "tfrecord": "annotations.record", "coco": "annotations.json", "yolo": "labels/a.txt",
}  # fmt: skip
FUZZ = settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])


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


BOMBS = {
    "deep xml": ("voc", b"<a>" * 200_000),
    "deep xml that ends": ("voc", b"<a>" * 100_000 + b"</a>" * 100_000),
    "entities": ("voc", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'),
    "long name": ("voc", b"<" + b"a" * 2_000_000 + b">"),
    "deep json": ("coco", b"[" * 200_000),
    "digits": ("coco", b'{"images": [{"id": ' + b"9" * 100_000 + b"}]}"),
    "long field": ("csv", b"filename," + b"x" * 500_000),
    "one quote": ("csv", b'"' * 999_999),
    "many rows": ("retinanet", b"a.png,,,,,\n" * 50_000),
    "length": ("tfrecord", b"\xff" * 8 + b"\0" * 100),
    "numbers": ("yolo", b"0 1e999 nan inf -inf\n" * 10_000),
}


@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.timeout(300)  # what never ends is a bomb that went off
def test_bombs(name: str) -> None:
    read_or_refuse(*BOMBS[name])


OUT = ["../out.png", "/etc/passwd", "images/../../out.png", "link.png", "folder/out.png"]


@pytest.mark.parametrize("name", OUT)
@pytest.mark.parametrize("kind", ["csv", "retinanet", "coco", "voc"])
def test_no_name_leads_out_of_the_folder(tmp_path: Path, kind: str, name: str) -> None:
    """By dots, from the root, by a link to a file, by a link to a folder."""
    root = tmp_path / "set"
    (root / "images").mkdir(parents=True)
    picture = cv2.imencode(".png", np.zeros((40, 60, 3), np.uint8))[1].tobytes()
    (tmp_path / "out.png").write_bytes(picture)
    (root / "images/link.png").symlink_to(tmp_path / "out.png")
    (root / "images/folder").symlink_to(tmp_path)
    image = {"id": 1, "file_name": name, "width": 60, "height": 40}
    category = {"id": 1, "name": "mask"}
    annotation = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [1, 2, 30, 20]}
    texts = {
        "csv": f"filename,width,height,class,xmin,ymin,xmax,ymax\n{name},60,40,mask,1,2,30,40\n",
        "retinanet": f"{name},1,2,30,40,mask\n",
        "coco": json.dumps(
            {"images": [image], "annotations": [annotation], "categories": [category]}
        ),
        "voc": f"images/{name}\n",
    }
    suffix = {"coco": "json", "voc": "txt"}.get(kind, "csv")
    labels = root / f"labels.{suffix}"
    labels.write_text(texts[kind])
    with pytest.raises(DatasetError, match="leads out of the data folder|no picture|no such"):
        read(labels, root, kind)
