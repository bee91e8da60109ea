"""The CSV of the Object Detection API's `xml_to_csv`: a row per box.

Beyond that script's own dialect, an image without objects has a row whose class and box are
empty, and coordinates may be fractions: nothing of a data set is lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from maskdet.datasets.builder import DatasetBuilder, Labelled
from maskdet.datasets.class_list import lost_classes
from maskdet.datasets.formats.unsupported import csv_tool
from maskdet.datasets.image_lookup import Finder
from maskdet.datasets.problems import Problems
from maskdet.datasets.reader_input import Source
from maskdet.datasets.samples import DataSet
from maskdet.datasets.text import (
    number,
    read_rows,
    rows_as_csv,
    shown_number,
    whole_or_point_zero,
)
from maskdet.errors import DatasetError
from maskdet.system.atomic_files import write_whole

COLUMNS = ("filename", "width", "height", "class", "xmin", "ymin", "xmax", "ymax")
EDGES = COLUMNS[4:]


def read(source: Source, problems: Problems) -> DataSet:
    """Reads a file of rows under the columns above, in any order, others left aside.

    Raises:
        DatasetError: it is no such file.
    """
    rows = read_rows(source.path)
    line, first = next(rows, (1, []))
    header = [field.strip().casefold() for field in first]
    if tool := csv_tool(first):
        raise DatasetError(f"{source.path}: {tool}")
    if missing := [name for name in COLUMNS if name not in header]:
        raise DatasetError(
            f"{source.path}:{line}: has no column {', '.join(missing)}; the first line is to be "
            f"{','.join(COLUMNS)}"
        )
    finder = Finder(source, problems)
    builder = DatasetBuilder(problems, source.names())
    images: dict[str, Labelled | None] = {}
    for line, row in rows:
        place = f"{source.path}:{line}"
        if len(row) != len(header):
            problems.add(place, f"has {len(row)} fields, not {len(header)}")
            continue
        fields = {key: field if key == "filename" else field.strip()
                  for key, field in zip(header, row, strict=True)}  # fmt: skip
        name = fields["filename"]
        if name not in images:
            images[name] = _image(fields, finder, builder, place)
        if image := images[name]:
            _box(image, fields, builder, place)
    return builder.dataset()


def _image(
    fields: dict[str, str], finder: Finder, builder: DatasetBuilder, place: str
) -> Labelled | None:
    width, height = (whole_or_point_zero(fields[side]) for side in ("width", "height"))
    try:
        if width is None or height is None:
            shown = f"{fields['width']:.20} and {fields['height']:.20}"
            raise DatasetError(f"width and height are {shown}, not whole numbers")
        file = finder.find(fields["filename"], place)
    except DatasetError as error:
        builder.problems.add(place, str(error))
        return None
    return builder.image(file, width, height, place)


def _box(image: Labelled, fields: dict[str, str], builder: DatasetBuilder, place: str) -> None:
    size = (image.width, image.height)
    if tuple(whole_or_point_zero(fields[side]) for side in ("width", "height")) != size:
        shown = f"{image.width}×{image.height}"
        builder.problems.add(place, f"states another size than the rows above: {shown}")
    elif any(fields[key] for key in (*EDGES, "class")):
        edges = [fields[key] for key in EDGES]
        wrong = [f"{key} is {fields[key][:20]!r}" for key in EDGES
                 if number(fields[key]) != number(fields[key])]  # fmt: skip
        if wrong:
            builder.problems.add(place, f"{', '.join(wrong)}, not a number")
        else:
            builder.box(image, [number(edge) for edge in edges], fields["class"], place)


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
        f"{bare} pictures without objects have a row with empty class and box; remove these rows "
        "for scripts that know none such"
    )
    return [rows_note] * bool(bare) + lost_classes(data)
