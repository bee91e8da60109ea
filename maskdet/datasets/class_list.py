"""Files that list classes: one a line, ``name,id`` rows, a label map, or YOLO's data.yaml."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from maskdet.datasets.builder import check_name, in_order
from maskdet.datasets.problems import Problems
from maskdet.datasets.samples import DataSet
from maskdet.datasets.text import read_rows, read_text, rows_as_csv, whole_number
from maskdet.errors import DatasetError
from maskdet.model.class_names import guess_state
from maskdet.model.label_lists import yaml_names
from maskdet.model.label_map_text import LabelMapError, label_map_items, label_map_text

MAX_BYTES = 2**20


def read_classes(file: Path, *, may_be_empty: bool = False) -> dict[int, str]:
    """Class names by id, in order of the ids.

    Args:
        file: ``.csv`` (rows ``name,id``), ``.pbtxt`` (label map), ``.yaml`` (YOLO's `names`), or
            any other name for one class a line, counted from 0.
        may_be_empty: it may name no class, as that of a data set without any box does.

    Raises:
        DatasetError: it cannot be read, or names or ids repeat; all mistakes together.
    """
    readers = {
        ".csv": _read_csv,
        ".pbtxt": _read_label_map,
        ".yaml": _read_yaml,
        ".yml": _read_yaml,
    }
    problems = Problems()
    classes: dict[int, str] = {}
    for place, number, name in readers.get(file.suffix.lower(), _read_lines)(file, problems):
        try:
            check_name(name)
        except DatasetError as error:
            problems.add(place, str(error))
            continue
        if number in classes:
            problems.add(place, f"id {number} is {classes[number]!r} already")
        elif name in classes.values():
            problems.add(place, f"class {name!r} is there twice")
        else:
            classes[number] = name
    problems.check()
    if not classes and not may_be_empty:
        raise DatasetError(f"{file}: names no class")
    return dict(sorted(classes.items()))


def require_agreement(chosen: Path, others: Iterable[Path]) -> None:
    """Makes sure that no list beside the chosen one gives an id the name of another class.

    LabelImg leaves a classes.txt of its own beside labels that have a data.yaml, for example.

    Raises:
        DatasetError: one does; which of them is right, the files do not show.
    """
    names = read_classes(chosen, may_be_empty=True)
    for file in others:
        try:
            found = read_classes(file, may_be_empty=True)
        except DatasetError:
            continue
        for number in sorted(names.keys() & found.keys()):
            if not _are_alike(names[number], found[number]):
                raise DatasetError(
                    f"class {number} is {names[number][:40]!r} in {chosen} but "
                    f"{found[number][:40]!r} in {file}; remove the wrong file, or name the right "
                    "one by --classes FILE"
                )


def _are_alike(one: str, other: str) -> bool:
    """Whether two names are the same but for their writing, or mean the same mask state."""
    plain = ["".join(filter(str.isalnum, name.casefold())) for name in (one, other)]
    state = guess_state(one)
    return plain[0] == plain[1] or (state is not None and state == guess_state(other))


Found = list[tuple[object, int, str]]
"""Place, id and name of each class of a file."""


def _read_lines(file: Path, problems: Problems) -> Found:
    lines = read_text(file, MAX_BYTES).splitlines()
    while lines and not lines[-1].strip():
        lines.pop()
    numbered = [_NUMBERED.fullmatch(line) for line in lines]
    if len(lines) > 1 and all(found and int(found[1]) == i for i, found in enumerate(numbered)):
        lines = [found[2] for found in numbered if found]
    return [(f"{file}:{i + 1}", i, line.strip()) for i, line in enumerate(lines)]


_NUMBERED = re.compile(r"\s*(\d{1,6})\s*[:\s]\s*([^\W\d].*)")
"""A line of a list whose every line has its own number, from 0, before the name."""


_CLASS_HEADERS = (["name", "id"], ["class", "id"], ["class_name", "id"], ["class_name", "class_id"])


def _read_csv(file: Path, problems: Problems) -> Found:
    found: Found = []
    has_ids_first = False
    for count, (line, row) in enumerate(read_rows(file)):
        names = [field.strip().casefold() for field in row]
        if count == 0 and (names in _CLASS_HEADERS or names[::-1] in _CLASS_HEADERS):
            has_ids_first = names not in _CLASS_HEADERS
            continue
        if count == 0 and names[0] == "filename":
            raise DatasetError(
                f"{file}: is a table of pictures with the classes that each shows, for a "
                "classifier, without boxes; export the data set for a detector"
            )
        row = row[::-1] if has_ids_first else row
        number = whole_number(row[1]) if len(row) == 2 else None
        if number is None or number < 0:
            problems.add(f"{file}:{line}", "expected 'name,id' with a whole id from 0")
        else:
            found.append((f"{file}:{line}", number, row[0].strip()))
    return found


def _read_yaml(file: Path, problems: Problems) -> Found:
    found: Found = []
    for key, name in yaml_names(file, DatasetError).items():
        if (number := whole_number(str(key))) is None or number < 0:
            problems.add(file, f"names: {key!r:.40} is not a class id")
        elif name is None or isinstance(name, list | dict):
            problems.add(
                file, f"names: {name!r:.40} is not a class name; write names: [mask, no_mask]"
            )
        else:
            found.append((file, number, str(name).strip()))
    return found


def _read_label_map(file: Path, problems: Problems) -> Found:
    """``item { id: 1 name: 'mask' }`` …, protobuf's text format."""
    try:
        items = list(label_map_items(read_text(file, MAX_BYTES)))
    except LabelMapError as error:
        raise DatasetError(f"{file}: is not a label map: line {error.line}: {error}") from None
    found: Found = []
    for count, item in enumerate(items, start=1):
        place, name = f"{file}: item {count}", item.name or item.display_name
        if name.startswith("/") and item.display_name:
            name = item.display_name  # the other one is a key, as /m/01x3 of Open Images
        if not item.number or not name:
            problems.add(place, "expected item { id: 1 name: 'class' } with an id from 1")
        else:
            found.append((place, item.number, name.strip()))
    return found


def label_map(names: Sequence[str]) -> str:
    """Class names as a label map, ids from 1."""
    return label_map_text(enumerate(names, start=1))


def class_csv(names: Sequence[str]) -> str:
    """Class names as ``name,id`` rows, ids from 0."""
    return rows_as_csv([[name, number] for number, name in enumerate(names)])


def lost_classes(data: DataSet) -> list[str]:
    """Notes where a format lists no classes: those without a box are not in it, nor is an order."""
    used = {int(index) for sample in data.samples for index in sample.classes}
    lost = [name for index, name in enumerate(data.names) if index not in used]
    kept = [name for index, name in enumerate(data.names) if index in used]
    notes = []
    if lost:
        text = "classes without boxes are not kept, as this format lists none"
        notes.append(f"{text}: {_listed(lost)}")
    if (order := in_order({*kept})) != tuple(kept):
        text = "the order of the classes is not kept, as this format lists none"
        notes.append(f"{text}: they will be read as {_listed(order)}; --classes FILE gives another")
    return notes


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:12]) + f" and {len(names) - 12} more" * (len(names) > 12)
