"""Telling a data set's format by its files, and reading it."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from pathlib import Path

from maskdet.errors import DatasetError
from maskdet.training.dataset import DataSet
from maskdet.training.formats import FORMATS
from maskdet.training.formats.od_csv import COLUMNS
from maskdet.training.formats.problems import Problems
from maskdet.training.formats.source import Source
from maskdet.training.formats.tfrecord import NAME
from maskdet.training.formats.voc import LAYOUTS
from maskdet.training.formats.yolo import CLASS_LISTS

AUTO = "auto"
KINDS = {".json": "coco", ".yaml": "yolo", ".yml": "yolo", ".csv": ""}
"""Formats by the name of the file of labels; which CSV it is, its first line tells."""


def read(
    path: Path,
    root: Path,
    kind: str = AUTO,
    class_list: Path | None = None,
    problems: Problems | None = None,
) -> tuple[DataSet, str]:
    """Reads a data set of any format.

    Args:
        path: its labels, or a folder that they are found in.
        root: no picture may lie outside of this folder.
        kind: a key of `FORMATS`; `AUTO` for telling it by the files.
        class_list: see `Source`.
        problems: collects what is wrong and lets the rest be read; None: anything wrong is raised.

    Returns:
        The data set, and the format it had.

    Raises:
        DatasetError: it cannot be read; with `problems`, not even in part.
    """
    found, labels = locate(path, kind)
    mistakes = Problems() if problems is None else problems
    data = FORMATS[found].read(Source(labels, root, class_list), mistakes)
    if problems is None:
        mistakes.check()
    if not data.samples and not mistakes.count:
        raise DatasetError(f"{labels}: has no pictures")
    return data, found


def locate(path: Path, kind: str = AUTO) -> tuple[str, Path]:
    """The format of a data set, and the file or folder of its labels.

    Raises:
        DatasetError: it cannot be told.
    """
    if not os.path.exists(path) and kind != "voc":
        raise DatasetError(f"{path}: no such file or folder")
    if not path.is_dir():
        return (kind if kind != AUTO else _kind_of(path)), path
    try:
        candidates = [entry for entry in _candidates(path) if kind in (AUTO, entry[0])]
        if not candidates and kind == AUTO and (inner := _unpacked(path)):
            return locate(inner)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DatasetError(f"{path}: cannot be looked into: {reason}") from None
    if kind != AUTO and (not candidates or not FORMATS[kind].one_file):
        return kind, path
    return _chosen(path, candidates)


def _unpacked(folder: Path) -> Path | None:
    """The one folder in a folder that holds labels, as an archive unpacks into one of its own."""
    if any((folder / pictures).is_dir() for pictures, _ in LAYOUTS):
        return None
    inner = [path for path in folder.iterdir() if path.is_dir() and path.name[0] not in "._"]
    holding = [path for path in inner if next(_candidates(path), None)]
    return holding[0] if len(holding) == 1 else None


def _chosen(folder: Path, candidates: list[tuple[str, Path]]) -> tuple[str, Path]:
    """The one candidate, or xml, which is where other labels were made from.

    Raises:
        DatasetError: there is none, or more than one.
    """
    if len(candidates) == 1 or (candidates and candidates[0][0] == "voc"):
        return candidates[0]
    if candidates:
        listed = ", ".join(f"{labels.name} ({kind})" for kind, labels in candidates[:6])
        raise DatasetError(f"{folder}: holds several sets of labels: {listed}; name one of them")
    if any((folder / pictures).is_dir() for pictures, _ in LAYOUTS):
        return "voc", folder  # whose reader says what is missing
    raise DatasetError(
        f"{folder}: holds no labels that are known ({', '.join(FORMATS)}); give their file, or "
        "the folder above images/ and annotations/"
    )


def is_labels(file: Path) -> bool:
    """Whether a path is that of labels, not of a list of pictures."""
    return file.is_dir() or bool(NAME.search(file.name)) or file.suffix.lower() in KINDS


def _candidates(folder: Path) -> Iterator[tuple[str, Path]]:
    """Formats that a folder's files speak for, with their labels."""
    xml_folders = [folder, *(folder / annotations for _, annotations in LAYOUTS)]
    if any(next(place.glob("*.xml"), None) for place in xml_folders):
        yield "voc", folder
    entries = sorted(folder.iterdir())
    if any(NAME.search(file.name) for file in entries):
        yield "tfrecord", folder
    inner = folder / "annotations"
    for file in [*entries, *(sorted(inner.iterdir()) if inner.is_dir() else [])]:
        if file.suffix.lower() == ".json" and file.is_file():
            yield "coco", file
        elif file.suffix.lower() == ".csv" and file.is_file() and _holds_boxes(file):
            yield _kind_of(file), file
    if (folder / "labels").is_dir() or any((folder / name).is_file() for name in CLASS_LISTS):
        yield "yolo", folder


def _kind_of(file: Path) -> str:
    """The format of a file, by its name; that of a CSV by its first line."""
    suffix = file.suffix.lower()
    if NAME.search(file.name):
        return "tfrecord"
    if suffix == ".csv":
        return "csv" if set(COLUMNS) & set(_first_fields(file)) >= set(COLUMNS[:2]) else "retinanet"
    if suffix == ".txt":
        return "voc"
    if suffix in (".zip", ".tar", ".gz", ".7z"):
        raise DatasetError(f"{file}: is an archive; unpack it and give its folder")
    if suffix not in KINDS:
        raise DatasetError(
            f"{file}: cannot tell the format by its name; say it: {', '.join(FORMATS)}"
        )
    return KINDS[suffix]


def _holds_boxes(file: Path) -> bool:
    """Whether a CSV is more than a list of classes."""
    return len(_first_fields(file)) > 2


def _first_fields(file: Path) -> list[str]:
    try:
        with open(file, "rb") as opened:
            line = opened.readline(4096).decode("utf-8-sig", "replace")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DatasetError(f"{file}: cannot be read: {reason}") from None
    try:
        return [field.strip() for field in next(csv.reader([line]), [])]
    except csv.Error:
        return []  # whose reader says what is wrong
