"""YOLO txt: beside each picture, or in `labels/` for `images/`, rows of class, centre and size.

All four are shares of the picture's width and height.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from maskdet.config import write_yaml
from maskdet.errors import DatasetError
from maskdet.files import write_whole
from maskdet.training.dataset import DataSet, inside
from maskdet.training.formats.gathering import Gathering, Labelled, pixels
from maskdet.training.formats.pictures import list_pictures, size_of
from maskdet.training.formats.problems import Problems
from maskdet.training.formats.source import Source, class_of
from maskdet.training.formats.text import number, read_text, whole_number

CLASS_LISTS = (
    *("classes.txt", "labels/classes.txt", "data.yaml", "dataset.yaml", "obj.names"),
    *("_darknet.labels", "train/_darknet.labels", "../classes.txt", "../data.yaml"),
)
UNLABELLED = "pictures without a file of labels, taken as without objects"


def read(source: Source, problems: Problems) -> DataSet:
    """Reads every picture below a folder; one without labels has no objects.

    Raises:
        DatasetError: there are no pictures, or no list of classes.
    """
    folder = source.folder
    classes = source.classes(CLASS_LISTS)
    if classes is None:
        raise DatasetError(
            f"{folder}: has no classes.txt or data.yaml; name the list of classes by --classes FILE"
        )
    gathering = Gathering(problems, tuple(classes.values()))
    files = list_pictures(folder)
    if not files:
        raise DatasetError(f"{folder}: no pictures there; give the folder above images/")
    for file in files:
        try:
            inside(source.root, os.path.relpath(file, source.root))
            picture = gathering.picture(file, *size_of(file), file)
            labels = _labels_of(source.root, file)
            if labels is None:
                problems.note(UNLABELLED, file, "")
            elif picture:
                _read_labels(labels, picture, classes, gathering)
        except DatasetError as error:
            problems.add_line(str(error))
    return gathering.dataset()


def _labels_of(root: Path, picture: Path) -> Path | None:
    """The file of a picture's labels, if there is one."""
    parts = list(picture.relative_to(root).parts)
    wanted = [Path(*parts).with_suffix(".txt")]
    if "images" in parts:
        last = len(parts) - 1 - parts[::-1].index("images")
        wanted.insert(0, Path(*parts[:last], "labels", *parts[last + 1 :]).with_suffix(".txt"))
    for path in (inside(root, str(name)) for name in wanted):
        if path.is_file():
            return path
    if root.name == "images" and (root.parent / "labels").is_dir():
        raise DatasetError(f"{picture}: its labels are not below {root}; give the folder above")
    return None


def _read_labels(
    file: Path, picture: Labelled, classes: dict[int, str], gathering: Gathering
) -> None:
    for line, text in enumerate(read_text(file).splitlines(), start=1):
        if fields := text.split():
            place = f"{file}:{line}"
            try:
                box, name = _box(fields, picture, classes)
            except DatasetError as error:
                gathering.problems.add(place, str(error))
                continue
            gathering.box(picture, box, name, place)


def _box(
    fields: list[str], picture: Labelled, classes: dict[int, str]
) -> tuple[tuple[float, ...], str]:
    if len(fields) != 5:
        raise DatasetError(f"has {len(fields)} values, not: class, centre x, y, width, height")
    index = whole_number(fields[0])
    if index is None:
        raise DatasetError(f"class {fields[0][:20]!r} is no whole number")
    name = class_of(classes, index)
    x, y, width, height = map(number, fields[1:])
    if not all(0 <= value <= 1.0001 for value in (x, y, width, height)):
        shown = " ".join(field[:20] for field in fields[1:])
        raise DatasetError(f"{shown}: centre and size must be shares of the picture, from 0 to 1")
    shares = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
    sides = (picture.width, picture.height) * 2
    return tuple(pixels(share, side) for share, side in zip(shares, sides, strict=True)), name


def write(data: DataSet, names: Sequence[str], file: Path) -> list[str]:
    """Writes a folder of labels, and classes.txt and data.yaml beside it; see `od_csv.write`."""
    file.mkdir()
    for sample, name in zip(data.samples, names, strict=True):
        rows = []
        for (x1, y1, x2, y2), index in zip(
            sample.boxes.tolist(), sample.classes.tolist(), strict=True
        ):
            across, down = 1 / sample.width, 1 / sample.height
            shares = ((x1 + x2) / 2 * across, (y1 + y2) / 2 * down, (x2 - x1) * across,
                      (y2 - y1) * down)  # fmt: skip
            rows.append(f"{index} {' '.join(f'{share:.10f}' for share in shares)}\n")
        write_whole(file / f"{Path(name).stem}.txt", "".join(rows))
    write_whole(file.parent / "classes.txt", "".join(f"{name}\n" for name in data.names))
    plan = {"path": ".", "train": "images", "val": "images", "names": list(data.names)}
    write_whole(file.parent / "data.yaml", write_yaml(plan))
    return []
