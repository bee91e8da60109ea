"""Mistakes of the converters of the two older systems, each with a test."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from maskdet.datasets.format_detection import read
from maskdet.datasets.formats.tfrecord.tfrecord import SAME, example_of
from maskdet.datasets.formats.tfrecord.tfrecord_files import read_records, write_record
from maskdet.datasets.formats.tfrecord.tfrecord_messages import example_features
from maskdet.datasets.problems import Problems
from maskdet.datasets.writing import write
from tests.datasets.formats.sets import content, draw, make, mistakes

XML = """<annotation><filename>{0}</filename>
<size><width>60</width><height>40</height><depth>3</depth></size>{1}</annotation>"""
BOX = "<bndbox><xmin>{}</xmin><ymin>2</ymin><xmax>30</xmax><ymax>39.5</ymax></bndbox>"


def put_voc(folder: Path, objects: str, name: str = "a.png") -> Path:
    draw(folder / "images" / name, 60, 40)
    (folder / "annotations").mkdir(exist_ok=True)
    (folder / f"annotations/{Path(name).stem}.xml").write_text(XML.format(name, objects))
    return folder


def records(file: Path) -> list[dict[str, object]]:
    return [dict(example_features(raw)) for _, raw in read_records(file)]


def test_one_example_per_picture_with_all_its_boxes(tmp_path: Path) -> None:
    """They wrote one per box: the other faces of the picture became background."""
    faces = [("mask", (1.0, 2.0, 30.0, 40.0)), ("no", (31.0, 2.0, 60.0, 40.0))]
    write(make(tmp_path, {"a.png": faces}, ("mask", "no")), tmp_path / "x.record", "tfrecord")
    (record,) = records(tmp_path / "x.record")
    assert record["image/object/class/text"] == [b"mask", b"no"]
    assert record["image/object/class/label"] == [1, 2]
    assert record["image/object/bbox/xmin"] == pytest.approx([1 / 60, 31 / 60])


def test_files_with_one_example_per_box_are_healed(tmp_path: Path) -> None:
    """Such files of theirs are still about; their records become one picture again."""
    faces = [("mask", (1.0, 2.0, 30.0, 40.0)), ("no", (31.0, 2.0, 60.0, 40.0))]
    with open(tmp_path / "x.record", "wb") as file:
        for face in faces:
            data = make(tmp_path, {"a.png": [face]}, ("mask", "no"))
            write_record(file, example_of(data.samples[0], "a.png", data.names)[0])
    data, _ = read(tmp_path / "x.record", tmp_path)
    assert content(data) == {"a": faces}


def test_a_record_that_is_repeated_whole_brings_no_box_twice(tmp_path: Path) -> None:
    """As oversampling makes them; a record with one more box brings that one alone."""
    faces = [("mask", (1.0, 2.0, 30.0, 40.0)), ("no", (31.0, 2.0, 60.0, 40.0))]
    more = ("no", (1.0, 2.0, 30.0, 40.0))
    with open(tmp_path / "x.record", "wb") as file:
        for some in (faces, faces, [*faces, more]):
            data = make(tmp_path, {"a.png": some}, ("mask", "no"))
            write_record(file, example_of(data.samples[0], "a.png", data.names)[0])
    problems = Problems()
    data, _ = read(tmp_path / "x.record", tmp_path, problems=problems)
    assert content(data) == {"a": [*faces, more]}
    assert not problems.wrong
    assert problems.notes[SAME] == [
        f"{tmp_path}/x.record: record {record}, box {box}: {name}"
        for record in (2, 3)
        for box, name in ((1, "mask"), (2, "no"))
    ]


def test_a_box_that_one_record_has_twice_stays(tmp_path: Path) -> None:
    """Nothing that a person drew is thrown away; `inspect` reports it."""
    face = ("mask", (1.0, 2.0, 30.0, 40.0))
    write(make(tmp_path, {"a.png": [face, face]}, ("mask",)), tmp_path / "x.record", "tfrecord")
    assert content(read(tmp_path / "x.record", tmp_path)[0]) == {"a": [face, face]}


def test_an_unknown_class_is_an_error(tmp_path: Path) -> None:
    """They made None of it."""
    (tmp_path / "classes.csv").write_text("mask,0\n")
    draw(tmp_path / "a.png", 60, 40)
    (tmp_path / "x.csv").write_text("a.png,1,2,3,4,hat\n")
    assert mistakes(tmp_path / "x.csv") == ["x.csv:1: unknown class 'hat'; there are mask"]


@pytest.mark.parametrize("kind", ["csv", "retinanet", "tfrecord", "coco", "yolo", "voc"])
def test_pictures_without_objects_stay(tmp_path: Path, kind: str) -> None:
    """They dropped them."""
    data, _ = read(put_voc(tmp_path / "voc", ""), tmp_path / "voc")
    write(data, tmp_path / "out", kind)
    classes = tmp_path / "mask.txt"
    classes.write_text("mask\n")
    assert content(read(tmp_path / "out", tmp_path / "out", kind, classes)[0]) == {"a": []}


def test_the_class_is_the_name_wherever_it_stands(tmp_path: Path) -> None:
    """They took the first child of <object>."""
    item = f"<object><pose>Left</pose><name>mask</name>{BOX.format(1)}</object>"
    data, _ = read(put_voc(tmp_path, item), tmp_path)
    assert content(data) == {"a": [("mask", (1, 2, 30, 39.5))]}


def test_fractions_are_coordinates(tmp_path: Path) -> None:
    """They crashed on int('1.5')."""
    item = f"<object><name>mask</name>{BOX.format(1.5)}</object>"
    data, _ = read(put_voc(tmp_path / "voc", item), tmp_path / "voc")
    write(data, tmp_path / "x.csv", "csv")
    assert content(read(tmp_path / "x.csv", tmp_path)[0]) == {"a": [("mask", (1.5, 2, 30, 39.5))]}


@pytest.mark.parametrize(
    ("name", "kind", "kept"),
    [
        ("a.jpg", b"jpeg", True),
        ("a.JPEG", b"jpeg", True),
        ("a.png", b"png", True),
        # what TensorFlow cannot read becomes what it can
        ("a.webp", b"png", False),
        ("a.bmp", b"png", False),
    ],
)
def test_the_format_is_that_of_the_picture(
    tmp_path: Path, name: str, kind: bytes, kept: bool
) -> None:
    """They wrote jpg, always."""
    data, _ = read(put_voc(tmp_path / "voc", "", name), tmp_path / "voc")
    notes = write(data, tmp_path / "x.record", "tfrecord")
    (record,) = records(tmp_path / "x.record")
    original = (tmp_path / "voc/images" / name).read_bytes()
    encoded = record["image/encoded"]
    assert isinstance(encoded, list)
    assert record["image/format"] == [kind]
    assert (encoded == [original]) == kept == (not notes)
    image = cv2.imdecode(np.frombuffer(encoded[0], np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(image, data.samples[0].read())


def test_stray_bytes_before_a_picture_do_not_come_into_a_record(tmp_path: Path) -> None:
    """Its size is read in spite of them, where labels state none; TensorFlow would read nothing."""
    data, _ = read(put_voc(tmp_path / "voc", "", "a.jpg"), tmp_path / "voc")
    original = data.samples[0].file.read_bytes()
    write(data, tmp_path / "yolo", "yolo")
    (picture,) = (tmp_path / "yolo/images").iterdir()
    picture.write_bytes(b"\r\n" + original)
    read_again, _ = read(tmp_path / "yolo", tmp_path / "yolo")
    write(read_again, tmp_path / "x.record", "tfrecord")
    (record,) = records(tmp_path / "x.record")
    assert (record["image/encoded"], record["image/format"]) == ([original], [b"jpeg"])


def test_the_format_is_not_what_the_name_says(tmp_path: Path) -> None:
    """A PNG that somebody called .jpg."""
    folder = put_voc(tmp_path / "voc", "")
    (folder / "images/a.png").rename(folder / "images/a.jpg")
    write(read(folder, folder)[0], tmp_path / "x.record", "tfrecord")
    assert records(tmp_path / "x.record")[0]["image/format"] == [b"png"]


def test_a_turned_photograph_is_written_upright(tmp_path: Path) -> None:
    """Boxes are drawn on what viewers show; TensorFlow would not turn it."""
    folder = put_voc(tmp_path / "voc", "", "a.jpg")
    plain = cv2.imencode(".jpg", np.full((60, 40, 3), (0, 0, 200), np.uint8))[1].tobytes()
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    turned = plain[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + plain[2:]
    (folder / "images/a.jpg").write_bytes(turned)
    data, _ = read(folder, folder)
    assert data.samples[0].read().shape == (40, 60, 3)
    (note,) = write(data, tmp_path / "x.record", "tfrecord")
    assert note.startswith("written as PNG: 1 picture")
    assert records(tmp_path / "x.record")[0]["image/format"] == [b"png"]
