"""TFRecord files: a length, its checksum, a payload, its checksum; and so on."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import google_crc32c

from maskdet.errors import DatasetError, reason_of

NAME = re.compile(r"\.(tfrecords?|tfrec|records?)(-(\d{5})-of-(\d{5}))?$", re.IGNORECASE)
"""How the names of such files end; with the number of the shard and how many there are."""
LABEL_MAP = "label_map.pbtxt"
"""Name of the label map of several files."""
_POINTER = b"version http"
"""The start of a pointer of Git LFS."""
_HEAD = struct.Struct("<QI")
_FOOT = struct.Struct("<I")
MAX_RECORD_BYTES = 2**30
"""Bytes of a record beyond which it holds no image."""


def write_record(file: BinaryIO, payload: bytes) -> None:
    """Appends a record."""
    length = struct.pack("<Q", len(payload))
    file.write(length + _FOOT.pack(masked_crc(length)))
    file.write(payload)
    file.write(_FOOT.pack(masked_crc(payload)))


def read_records(path: Path) -> Iterator[tuple[int, bytes]]:
    """Each record's first byte within the file, and its payload.

    Raises:
        DatasetError: the file or a record is damaged; with the record's number, from 1.
    """
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            count = 0
            while head := file.read(_HEAD.size):
                count += 1
                place = f"{path}: record {count}"
                length = _length(head, place, count)
                start = file.tell()
                if length > min(size - start - _FOOT.size, MAX_RECORD_BYTES):
                    raise DatasetError(
                        f"{place}: is {length} bytes long, but only {max(size - start, 0)} are "
                        "there; the file is cut off, get or write it again"
                    )
                payload, foot = file.read(length), file.read(_FOOT.size)
                if _FOOT.unpack(foot)[0] != masked_crc(payload):
                    raise DatasetError(f"{place}: is damaged (checksum); get or write it again")
                yield start, payload
    except OSError as error:
        reason = reason_of(error)
        raise DatasetError(f"{path}: cannot be read: {reason}") from None


def _length(head: bytes, place: str, count: int) -> int:
    if head.startswith(b"\x1f\x8b") and count == 1:
        raise DatasetError(
            f"{place}: the file is compressed; unpack it with gunzip < FILE > NEW.record"
        )
    if count == 1 and head.startswith(_POINTER):
        raise DatasetError(
            f"{place}: is a pointer of Git LFS, not the file itself; run git lfs pull"
        )
    if len(head) < _HEAD.size:
        raise DatasetError(f"{place}: breaks off; the file is cut off, get or write it again")
    length, checksum = _HEAD.unpack(head)
    if checksum != masked_crc(head[:8]):
        kind = "this is not a TFRecord file" if count == 1 else "get or write it again"
        raise DatasetError(f"{place}: is damaged (checksum of its length); {kind}")
    return int(length)


def masked_crc(content: bytes) -> int:
    """TensorFlow's checksum: CRC-32C turned by 15 bits, plus a constant."""
    crc = google_crc32c.value(content)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def label_map_of(labels: Path) -> Path | None:
    """The label map of a file or folder of records: the one of its name, or the only one near."""
    folder = labels if labels.is_dir() else labels.parent
    stem = NAME.sub("", labels.name)
    for name in (f"{stem}.pbtxt", f"{stem}_label_map.pbtxt", LABEL_MAP, "labelmap.pbtxt"):
        if (file := folder / name).is_file():
            return file
    for place in (folder, folder.parent, folder.parent / "data", folder.parent / "annotations"):
        maps = [file for file in place.glob("*.pbtxt") if _MAP.search(_start(file))]
        if len(maps) == 1:
            return maps[0]
    return None


_MAP = re.compile(rb"\bitem\s*:?\s*\{")


def _start(file: Path) -> bytes:
    """The first bytes of a file, as graphs are stored under the same name; none if unreadable."""
    try:
        with open(file, "rb") as opened:
            return opened.read(2048)
    except OSError:
        return b""
