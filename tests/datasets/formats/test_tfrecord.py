"""TFRecord files: several shards, other writers' dialects, and every kind of damage."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import pytest

from maskdet.datasets.format_detection import read
from maskdet.datasets.formats.tfrecord.tfrecord import example_of
from maskdet.datasets.formats.tfrecord.tfrecord_files import masked_crc, read_records, write_record
from maskdet.datasets.formats.tfrecord.tfrecord_messages import (
    Feature,
    example_bytes,
    example_features,
)
from maskdet.errors import DatasetError
from tests.datasets.formats.sets import Face, content, make, mistakes

FACES: list[Face] = [("mask", (1.0, 2.0, 30.0, 40.0)), ("no", (31.0, 2.0, 60.0, 40.0))]
BOX = "image/object/bbox"
CLASS = "image/object/class"


def example(folder: Path, **changes: Feature | None) -> bytes:
    """The Example of a.png, with some keys (dots for slashes) changed or left out."""
    data = make(folder, {"a.png": FACES}, ("mask", "no"))
    features = example_features(example_of(data.samples[0], "a.png", data.names)[0])
    for key, value in changes.items():
        features.pop(f"image/{key.replace('__', '/')}", None)
        if value is not None:
            features[f"image/{key.replace('__', '/')}"] = value
    return example_bytes(features)


def put(file: Path, *records: bytes) -> Path:
    with open(file, "wb") as opened:
        for record in records:
            write_record(opened, record)
    return file


def test_checksums_are_tensorflow_s() -> None:
    """The value that its own tests have for the length 0x1800 … is checked in test_tensorflow."""
    assert masked_crc(b"") == 0xA282EAD8
    assert masked_crc(b"123456789") == ((0xE3069283 >> 15 | 0xE3069283 << 17 & 0xFFFFFFFF)
                                        + 0xA282EAD8) & 0xFFFFFFFF  # fmt: skip


@pytest.mark.parametrize(
    ("names", "path"),
    [
        (("t.record-00000-of-00002", "t.record-00001-of-00002"), "t.record-00001-of-00002"),
        (("t.record-00000-of-00002", "t.record-00001-of-00002"), "."),
        (("train.tfrecord", "val.tfrecords"), "."),
        (("a.tfrecord-00000-of-00002", "a.tfrecord-00001-of-00002"), "a.tfrecord-00000-of-00002"),
    ],
)
def test_several_shards(tmp_path: Path, names: tuple[str, ...], path: str) -> None:
    folder = tmp_path / "records"
    folder.mkdir()
    for number, name in enumerate(names):
        one = make(tmp_path / "pictures", {("a.png", "b.jpg")[number]: FACES[:1]}, ("mask",))
        put(folder / name, example_of(one.samples[0], one.samples[0].file.name, ("mask",))[0])
    data, kind = read(folder / path, folder)
    assert kind == "tfrecord"
    assert content(data) == {"a": FACES[:1], "b": FACES[:1]}
    assert [sample.read().shape[:2] for sample in data.samples] == [(40, 60), (57, 33)]


def test_a_missing_shard(tmp_path: Path) -> None:
    file = put(tmp_path / "t.record-00000-of-00002", example(tmp_path))
    assert mistakes(file) == ["t.record-00001-of-00002: no such TFRecord file"]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        # the picture's own size, where none is written
        {"width": None, "height": None},
        # writers that leave out the name, the format, one of the classes' two forms
        {"filename": None},
        {"format": None, "source_id": None},
        {"object__class__label": None},
        # keys that others write as well
        {"object__difficult": [0, 1], "key__sha256": [b"0"], "object__view": [b"Left", b""]},
    ],
)
def test_other_writers(tmp_path: Path, changes: dict[str, Feature | None]) -> None:
    data, _ = read(put(tmp_path / "x.record", example(tmp_path, **changes)), tmp_path)
    assert content(data) == {"a": FACES}
    assert data.samples[0].read().shape == (40, 60, 3)


def test_classes_by_number_need_the_label_map(tmp_path: Path) -> None:
    changes: dict[str, Feature | None] = {"object__class__text": None}
    file = put(tmp_path / "x.record", example(tmp_path, **changes))
    reported = "class 1 has no name; give the label map by --classes FILE.pbtxt"
    assert mistakes(file)[0] == f"x.record: record 1, box 1: {reported}"
    (tmp_path / "label_map.pbtxt").write_text(
        "# ours\nitem {\n  id: 2\n  name: 'no' }\n"
        "item: { name: \"mask\", id: 1; display_name: 'x' }"
    )
    data, _ = read(file, tmp_path)
    assert (content(data), data.names) == ({"a": FACES}, ("mask", "no"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"encoded": None}, "has no image/encoded"),
        ({"encoded": [b""]}, "has no image/encoded"),
        ({"encoded": [1]}, "image/encoded is of another type than bytes"),
        ({"encoded": [b"no picture"], "width": None}, "cannot be read as a picture"),
        ({"width": [0]}, "size 0×40 is not a picture's"),
        ({"width": [2**62]}, "is not a picture's"),
        ({"object__bbox__xmin": [0.5]}, "boxes and classes are of unequal number"),
        ({"object__bbox__xmin": [b"0.5", b"1"]}, "is of another type than float"),
        ({"object__bbox__xmin": [float("nan"), 0.1]}, "box 1: box nan, 2, 30, 40 is not made of"),
        ({"object__bbox__xmin": [0.6, 0.55]}, "box 1: box 36, 2, 30, 40 has swapped corners"),
        ({"object__bbox__xmax": [1e30, 1.0]}, None),
        ({"object__class__text": [b"mask"]}, "boxes and classes are of unequal number"),
        ({"object__class__text": None, "object__class__label": None}, "boxes but no classes"),
        ({"object__class__text": [b"mask", b"\xff\0"]}, "box 2: unknown class"),
        ({"object__class__label": [1, 1]}, "box 2: class 1 is 'no' here but 'mask' before"),
    ],
)
def test_wrong_records(
    tmp_path: Path, changes: dict[str, Feature | None], words: str | None
) -> None:
    file = put(tmp_path / "x.record", example(tmp_path, **changes))
    if words is None:  # only reaches out of the picture
        assert len(read(file, tmp_path)[0].samples[0].boxes) == 2
        return
    (line,) = mistakes(file)
    assert words in line and line.startswith("x.record: record 1")


def flip(raw: bytes, at: int) -> bytes:
    return raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]


def claims(length: int) -> bytes:
    """The head of a record that says it is so long, with the right checksum."""
    raw = struct.pack("<Q", length)
    return raw + struct.pack("<I", masked_crc(raw))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda raw: flip(raw, 0), "record 1: is damaged (checksum of its length); this is not a"),
        (lambda raw: flip(raw, 9), "record 1: is damaged (checksum of its length)"),
        (lambda raw: flip(raw, 200), "record 1: is damaged (checksum)"),
        (lambda raw: flip(raw, len(raw) - 1), "record 2: is damaged (checksum)"),
        (lambda raw: raw[:-1], "record 2: is "),
        (lambda raw: raw[: len(raw) // 2 + 5], "record 2: breaks off"),
        (lambda raw: raw + b"more", "record 3: breaks off"),
        (lambda raw: raw + claims(2**60), "record 3: is 1152921504606846976 bytes"),
        (lambda raw: claims(2**60), "record 1: is 1152921504606846976 bytes long"),
        (lambda raw: claims(2**64 - 1), "record 1: is 18446744073709551615 bytes long"),
        (gzip.compress, "record 1: the file is compressed; unpack it with gunzip"),
        (lambda raw: b"\x89PNG\r\n\x1a\n" + raw, "this is not a TFRecord file"),
        (lambda raw: b"", "has no pictures"),
    ],
)  # fmt: skip
def test_damaged_files(tmp_path: Path, damage: object, words: str) -> None:
    record = example(tmp_path)
    raw = put(tmp_path / "x.record", record, record).read_bytes()
    (tmp_path / "x.record").write_bytes(damage(raw))  # type: ignore[operator]
    (line,) = mistakes(tmp_path / "x.record")
    assert words in line


@pytest.mark.parametrize("record", [b"", b"\x0a\xff\xff\xff\xff\x0f", b"\xff" * 50, b"words"])
def test_records_that_are_no_example(tmp_path: Path, record: bytes) -> None:
    lines = mistakes(put(tmp_path / "x.record", record))
    assert len(lines) == 1 and lines[0].startswith("x.record: record 1: ")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot be read: Is a directory"):
        list(read_records(tmp_path))
