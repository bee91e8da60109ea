"""The format of one file of labels, by its name and its first line."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from maskdet.datasets.formats.od_csv import names_columns
from maskdet.datasets.formats.tfrecord.tfrecord_files import NAME
from maskdet.datasets.formats.unsupported import xml_tool
from maskdet.datasets.formats.voc.voc_xml import parse
from maskdet.errors import DatasetError, reason_of
from maskdet.system.text_files import decode_start, start_of_csv

KINDS = {".json": "coco", ".yaml": "yolo", ".yml": "yolo", ".csv": "", ".tsv": ""}
"""Formats by the name of the file of labels; which CSV it is, its first line shows."""
TABLES = (".csv", ".tsv")
RETINANET_FIELDS = 6
"""Fields of a row of keras-retinanet's."""
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".7z", ".rar")


def kind_of_labels(file: Path, formats: str) -> str:
    """The format of a file, by its name; that of a CSV by its first line.

    Args:
        file: of labels.
        formats: those there are, for the message.

    Raises:
        DatasetError: neither shows it.
    """
    suffix = file.suffix.lower()
    if NAME.search(file.name):
        return "tfrecord"
    if suffix in TABLES:
        return "csv" if names_columns(first_fields(file)) else "retinanet"
    if suffix == ".txt":
        return "voc"
    if suffix in _ARCHIVES:
        raise DatasetError(f"{file}: is an archive; unpack it and give its folder")
    if suffix == ".xml":
        tool = xml_tool(parse(file).tag)
        raise DatasetError(f"{file}: {tool or 'is the xml of one picture; give its folder'}")
    if suffix in (".data", ".cfg", ".names"):
        raise DatasetError(f"{file}: is of darknet's settings; give the folder of the pictures")
    if suffix not in KINDS:
        raise DatasetError(f"{file}: the name does not show the format; choose one of {formats}")
    return KINDS[suffix]


def holds_boxes(file: Path) -> bool:
    """Whether a CSV is more than a list of classes."""
    return len(first_fields(file)) > 2


def first_fields(file: Path) -> list[str]:
    """The fields of a CSV's first line; none where it is not CSV, as its reader will report.

    Raises:
        DatasetError: it cannot be read.
    """
    try:
        with open(file, "rb") as opened:
            start = decode_start(opened.read(4096))
    except OSError as error:
        reason = reason_of(error)
        raise DatasetError(f"{file}: cannot be read: {reason}") from None
    try:
        skipped, delimiter = start_of_csv(start)
        line = next(iter(start[skipped:].lstrip().splitlines()), "")
        row = next(csv.reader([line], delimiter=delimiter), [])
        return [field.strip() for field in row]
    except csv.Error:
        return []


_SHARDS = re.compile(r"(-\?{5}-of-\d{5}|-\*(-of-\*)?|@\d{1,5}|\*)$")


def first_shard(path: Path) -> Path | None:
    """The first shard of a set that is named as TensorFlow's settings name it, if there is one.

    ``train.record-?????-of-00010``, ``train.record@10``, or ``train.record`` alone.
    """
    stem = _SHARDS.sub("", path.name)
    if not NAME.search(stem) or not path.parent.is_dir():
        return None
    start = f"{stem}-00000-of-"
    found = sorted(file for file in path.parent.iterdir() if file.name.startswith(start))
    return found[0] if len(found) == 1 else None
