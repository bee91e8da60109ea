"""keras-retinanet's CSV: ``path,x1,y1,x2,y2,class``, and a file of classes ``name,id`` from 0."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from maskdet.datasets.builder import DatasetBuilder, Labeled
from maskdet.datasets.class_list import class_csv
from maskdet.datasets.formats import od_csv
from maskdet.datasets.formats.unsupported import csv_tool
from maskdet.datasets.image_files import size_of
from maskdet.datasets.image_lookup import Finder
from maskdet.datasets.problems import Problems
from maskdet.datasets.reader_input import Source
from maskdet.datasets.samples import DataSet
from maskdet.datasets.text import fields_hint, read_rows, rows_as_csv, whole_or_point_zero
from maskdet.errors import DatasetError
from maskdet.system.atomic_files import write_whole
from maskdet.system.console import counted

CLASSES = "classes.csv"
EDGES = ("x1", "y1", "x2", "y2")
_OTHER_COLUMNS = ",".join(od_csv.COLUMNS)
_HEADLESS = f"; a table of {len(od_csv.COLUMNS)} columns begins with {_OTHER_COLUMNS}"
HEADERS = "first rows that name the columns, which were left aside"


def class_file(file: Path) -> Path:
    """Where the classes of a file of boxes stand: ``train.csv`` has ``train_classes.csv``."""
    own = file.with_name(f"{file.stem}_{CLASSES}")
    return file.with_name(CLASSES) if file.stem == "annotations" else own


def read(source: Source, problems: Problems) -> DataSet:
    """Reads a file of boxes; without a file of classes, the classes are those the boxes have.

    Raises:
        DatasetError: it is no such file.
    """
    classes = source.classes((f"{source.path.stem}_{CLASSES}", CLASSES, f"_{CLASSES}"))
    if classes and source.class_list is None and list(classes) != list(range(len(classes))):
        problems.add(source.folder / CLASSES, "ids must be 0, 1, 2 … without a gap")
    finder = Finder(source, problems)
    builder = DatasetBuilder(problems, None if classes is None else tuple(classes.values()))
    images: dict[str, Labeled | None] = {}
    for count, (line, row) in enumerate(read_rows(source.path, problems)):
        place = f"{source.path}:{line}"
        if count == 0 and _is_header(row, source.path, place):
            problems.note(HEADERS, place, ",".join(row))
            continue
        if len(row) != 6:
            hint = _HEADLESS if len(row) == len(od_csv.COLUMNS) else fields_hint(row, 6)
            found = f"found {counted(len(row), 'field')}{hint}"
            problems.add(place, f"expected path,x1,y1,x2,y2,class or path,,,,, and {found}")
            continue
        row = [row[0], *(field.strip() for field in row[1:])]
        if row[0] not in images:
            images[row[0]] = _image(row[0], finder, builder, place)
        if (image := images[row[0]]) and any(row[1:]):
            _box(image, row, builder, place)
    return builder.dataset()


def _is_header(row: Sequence[str], file: Path, place: str) -> bool:
    """Whether a first row names its columns, as tables do but keras-retinanet's files do not.

    Raises:
        DatasetError: it names those of another table.
    """
    if tool := csv_tool(row):
        raise DatasetError(f"{file}: {tool}")
    names = [field.strip().casefold() for field in row]
    if len(names) == 6 and tuple(names[1:5]) in (EDGES, ("xmin", "ymin", "xmax", "ymax")):
        return True
    if all(field.strip().isidentifier() for field in row):
        raise DatasetError(
            f"{place}: the columns {','.join(row):.80} are not known; they are to be "
            f"{_OTHER_COLUMNS}"
        )
    return False


def _image(name: str, finder: Finder, builder: DatasetBuilder, place: str) -> Labeled | None:
    try:
        file = finder.find(name, place)
        return builder.image(file, *size_of(file), place)
    except DatasetError as error:
        builder.problems.add(place, str(error))
        return None


def _box(image: Labeled, row: list[str], builder: DatasetBuilder, place: str) -> None:
    edges = [whole_or_point_zero(text) for text in row[1:5]]
    box = [edge for edge in edges if edge is not None]
    if len(box) < 4:
        wrong = [f"{name} is {text[:20]!r}" for name, text, edge
                 in zip(EDGES, row[1:5], edges, strict=True) if edge is None]  # fmt: skip
        builder.problems.add(place, f"{', '.join(wrong)}, not a whole number")
    elif box[2] <= box[0] or box[3] <= box[1]:
        axis = "x" if box[2] <= box[0] else "y"
        low, high = (box[0], box[2]) if axis == "x" else (box[1], box[3])
        builder.problems.add(place, f"{axis}2 ({high}) must be larger than {axis}1 ({low})")
    else:
        builder.box(image, box, row[5], place)


def write(data: DataSet, names: Sequence[str], file: Path) -> list[str]:
    """Writes boxes in whole pixels, and the classes beside; see `od_csv.write`."""
    rows: list[list[object]] = []
    moved = 0
    for sample, name in zip(data.samples, names, strict=True):
        boxes = whole_pixels(sample.boxes, sample.width, sample.height)
        moved += int((boxes != sample.boxes).any(axis=1).sum())
        faces = zip(boxes.tolist(), sample.classes.tolist(), strict=True)
        found = [[name, *box, data.names[index]] for box, index in faces]
        rows += found or [[name, "", "", "", "", ""]]
    write_whole(class_file(file), class_csv(data.names))
    write_whole(file, rows_as_csv(rows))
    return [
        f"rounded to whole pixels, as this format has them: {counted(moved, 'box', 'boxes')}"
    ] * bool(moved)


def whole_pixels(boxes: np.ndarray, width: int, height: int) -> np.ndarray:
    """Boxes (N, 4) rounded to whole pixels, none empty, none over the edge; int64."""
    rounded = np.rint(boxes).astype(np.int64)
    limit = np.array([width, height])
    low = np.clip(rounded[:, :2], 0, limit - 1)
    return np.concatenate([low, np.clip(rounded[:, 2:], low + 1, limit)], axis=1)
