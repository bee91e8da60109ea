"""The CSV of the Object Detection API's `xml_to_csv`: a row per box.

Beyond that script's own dialect, an image without objects has a row whose class and box are
empty, and coordinates may be fractions: nothing of a data set is lost.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from maskdet.datasets.builder import DatasetBuilder, Labeled
from maskdet.datasets.class_list import lost_classes
from maskdet.datasets.formats.unsupported import csv_tool
from maskdet.datasets.image_lookup import Finder
from maskdet.datasets.problems import Problems
from maskdet.datasets.reader_input import Source
from maskdet.datasets.samples import DataSet
from maskdet.datasets.text import (
    fields_hint,
    number,
    read_rows,
    rows_as_csv,
    shown_number,
    whole_or_point_zero,
)
from maskdet.errors import DatasetError
from maskdet.system.atomic_files import write_whole
from maskdet.system.console import counted

COLUMNS = ("filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax")
SIDES, EDGES = COLUMNS[1:3], COLUMNS[4:]
_OTHER_NAMES = {
    "filename": ("file", "file_name", "image", "image_name", "image_path", "path", "img", "name"),
    "width": ("image_width", "img_width"),
    "height": ("image_height", "img_height"),
    "class": ("label", "class_name", "category", "label_name"),
    "xmin": ("x_min", "x1", "left"),
    "ymin": ("y_min", "y1", "top"),
    "xmax": ("x_max", "x2", "right"),
    "ymax": ("y_max", "y2", "bottom"),
}
"""Names of the columns in tables of other programs."""


def names_columns(first: Sequence[str]) -> bool:
    """Whether a table's first row names the columns of an image's file and of more."""
    columns = _columns(first)
    return "filename" in columns and len(columns) > 2


def _columns(first: Sequence[str]) -> dict[str, int]:
    """Places of the columns that a first row names, by the names above."""
    names = [field.strip().lstrip("#").strip().casefold() for field in first]
    known = {name: (name, *others) for name, others in _OTHER_NAMES.items()}
    found = {name: next((w for w in words if w in names), "") for name, words in known.items()}
    return {name: names.index(word) for name, word in found.items() if word}


def read(source: Source, problems: Problems) -> DataSet:
    """Reads a file of rows under the columns above, in any order, others left aside.

    Raises:
        DatasetError: it is no such file.
    """
    rows = read_rows(source.path, problems)
    line, first = next(rows, (1, []))
    columns = _required_columns(first, source.path, line)
    finder = Finder(source, problems)
    builder = DatasetBuilder(problems, source.names())
    images: dict[str, tuple[Labeled | None, list[str]]] = {}
    for line, row in rows:
        place = f"{source.path}:{line}"
        if row == first:  # of another table that was put behind the first
            continue
        if len(row) < len(first) or any(field.strip() for field in row[len(first) :]):
            hint = fields_hint(row, len(first))
            problems.add(place, f"has {counted(len(row), 'field')}, not {len(first)}{hint}")
            continue
        fields = {name: row[at].strip() for name, at in columns.items()}
        fields["filename"] = row[columns["filename"]]
        name, sides = fields["filename"], [fields.get(side, "") for side in SIDES]
        if name not in images:
            images[name] = _image(name, sides, finder, builder, place), sides
        image, stated = images[name]
        if image and [*map(whole_or_point_zero, sides)] != [*map(whole_or_point_zero, stated)]:
            shown = "×".join(stated)
            problems.add(place, f"states another size than the rows above: {shown:.40}")
        elif image and any(fields[key] for key in (*EDGES, "class")):
            _box(image, fields, builder, place)
    return builder.dataset()


def _required_columns(first: Sequence[str], file: Path, line: int) -> dict[str, int]:
    """Places of the columns; only those of the image's size may lack.

    Raises:
        DatasetError: others do, or it is the table of a tool that is not read.
    """
    if tool := csv_tool(first):
        raise DatasetError(f"{file}: {tool}")
    columns = _columns(first)
    if missing := [name for name in COLUMNS if name not in columns and name not in SIDES]:
        raise DatasetError(
            f"{file}:{line}: has no column {', '.join(missing)}; the first line is to be "
            f"{','.join(COLUMNS)}"
        )
    return columns


def _image(
    name: str, sides: list[str], finder: Finder, builder: DatasetBuilder, place: str
) -> Labeled | None:
    width, height = (whole_or_point_zero(side or "0") for side in sides)
    try:
        if width is None or height is None:
            shown = " and ".join(f"{side:.20}" for side in sides)
            raise DatasetError(f"width and height are {shown}, not whole numbers")
        file = finder.find(name, place)
        return builder.image(file, width, height, place)
    except DatasetError as error:
        builder.problems.add(place, str(error))
        return None


def _box(image: Labeled, fields: dict[str, str], builder: DatasetBuilder, place: str) -> None:
    wrong = [f"{key} is {fields[key][:20]!r}" for key in EDGES
             if math.isnan(number(fields[key]))]  # fmt: skip
    if wrong:
        builder.problems.add(place, f"{', '.join(wrong)}, not a number")
    else:
        builder.box(image, [number(fields[key]) for key in EDGES], fields["class"], place)


def write(data: DataSet, names: Sequence[str], file: Path) -> list[str]:
    """Writes the rows.

    Args:
        data: what is written.
        names: of the images, relative to the file's folder.
        file: to be made.

    Returns:
        What somebody should know about it, a line each.
    """
    rows: list[list[object]] = [list(COLUMNS)]
    for sample, name in zip(data.samples, names, strict=True):
        size = [name, sample.width, sample.height]
        faces = zip(sample.classes.tolist(), sample.boxes.tolist(), strict=True)
        found = [[*size, data.names[index], *map(shown_number, box)] for index, box in faces]
        rows += found or [[*size, "", "", "", "", ""]]
    write_whole(file, rows_as_csv(rows))
    bare = sum(not len(sample.boxes) for sample in data.samples)
    rows_note = (
        f"{counted(bare, 'picture')} without objects: a row with empty class and box; remove such "
        "rows for scripts that know none such"
    )
    return [rows_note] * bool(bare) + lost_classes(data)
