"""Label maps of third-party and legacy models: which name each class number has.

Two dialects: the protobuf text of the Object Detection API (``.pbtxt``, numbers from 1) and
keras-retinanet's ``name,id`` lines (``.csv``, numbers from 0).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from maskdet.errors import ModelError, reason_of
from maskdet.model import label_lists
from maskdet.model.label_map_text import LabelMapError, label_map_items
from maskdet.system.text_files import (
    csv_rows,
    decode_text,
    encoding_problem,
    raw_content,
    stand_in,
)

MAX_BYTES = 1024 * 1024
"""Larger files are refused; a map of 10,000 classes is smaller."""

_ITEM = re.compile(r"\ufeff?(\s|#[^\n]*\n)*item\s*:?\s*[{<]")
"""How the protobuf text begins."""
_ROW = re.compile(r"[^,;]+,\s*[0-9]+\s*")
_NAMES = ("label_map.pbtxt", "labelmap.pbtxt", "classes.csv", "labels.csv", "label_map.csv")


def read_label_map(path: Path) -> dict[int, str]:
    """Names by class number, as the file has them.

    Raises:
        ModelError: one line: it cannot be read, or what is wrong in which line.
    """
    text = _read(path)
    suffix = path.suffix.lower()
    if _ITEM.match(text):  # whatever it is called
        found = _read_pbtxt(path, text)
    elif suffix == ".csv" or all(map(_ROW.fullmatch, text.strip().splitlines() or [""])):
        found = _read_csv(path, text)
    elif suffix in label_lists.SUFFIXES:
        found = label_lists.read_label_list(path, text)
    else:
        found = _read_pbtxt(path, text)
    if not found:
        raise ModelError(f"{path}: a label map without any class")
    return found


def read_found_map(path: Path) -> dict[int, str]:
    """The same of a file that was found beside a model, which may be something else.

    Raises:
        ModelError: one line with the option that names another.
    """
    try:
        return read_label_map(path)
    except ModelError as error:
        raise ModelError(
            f"{error}; it lies beside the model, but is not a label map: name the right one with "
            "--labels"
        ) from None


def find_label_map(model: Path, lists: Sequence[str] = (), *, first: str = ".pbtxt") -> Path | None:
    """The label map that belongs to a model's file or folder, if there is one near.

    It is looked for beside the model (and inside, if it is a folder), then one folder up, then in
    ``data/`` of either; by its usual name first, else the only ``.pbtxt`` there is.

    Args:
        model: its file or folder.
        lists: further names that count, of lists of class names.
        first: how those end that go before others in a folder.

    Raises:
        ModelError: several could be meant.
    """
    model = model.absolute()
    folders = [model, *model.parents] if model.is_dir() else list(model.parents)
    # an exported folder has its SavedModel one further down, one of versions each of them
    is_below = folders[0].name == "saved_model" or folders[0].name.isdecimal()
    near = folders[: 3 if is_below else 2]
    for folder in (*near, *(folder / "data" for folder in near)):
        if (found := _map_in(folder, lists, first)) is not None:
            return found
    return None


def _map_in(folder: Path, lists: Sequence[str], first: str) -> Path | None:
    ordered = sorted((*_NAMES, *lists), key=lambda name: not name.endswith(first))
    named = [folder / name for name in ordered if (folder / name).is_file()]
    others = sorted(path for path in folder.glob("*.pbtxt") if path.is_file())
    if len(others) > 1 and not named:  # graphs are stored as text, too
        others = [path for path in others if "label" in path.name.lower()] or others
    if len(others) > 1 and not named:
        names = ", ".join(path.name for path in others)
        raise ModelError(f"{folder}: several label maps ({names}); name one with --labels")
    return next(iter([*named, *others]), None)


def _read(path: Path) -> str:
    try:
        data = raw_content(path, MAX_BYTES + 1)
    except OSError as error:
        raise ModelError(f"label map {path} cannot be read: {reason_of(error)}") from None
    if other := stand_in(data):
        raise ModelError(f"{path}: {other}")
    if len(data) > MAX_BYTES:
        raise ModelError(f"{path}: larger than {MAX_BYTES // 1024} KiB; no label map")
    try:
        return decode_text(data)
    except UnicodeDecodeError as error:
        line, problem = encoding_problem(data, error)
        raise ModelError(f"{path}:{line}: {problem}") from None


def _read_csv(path: Path, text: str) -> dict[int, str]:
    found: dict[int, str] = {}
    has_ids_first = False
    for count, (line, row) in enumerate(csv_rows(path, text, ModelError)):
        place = f"{path}:{line}"
        if count == 0 and len(row) == 2 and "id" in (names := [one.strip().lower() for one in row]):
            has_ids_first = names[0] == "id"  # the first row names the columns
            continue
        row = row[::-1] if has_ids_first else row
        if len(row) != 2 or not re.fullmatch(r"\s*[0-9]{1,9}\s*", row[1]):
            raise ModelError(f"{place}: expected name,id as in mask,0; found {','.join(row):.60}")
        if (name := row[0].strip()) in found.values():
            raise ModelError(f"{place}: class {name!r:.60} is there twice")
        _add(found, int(row[1]), name, place)
    return found


def _read_pbtxt(path: Path, text: str) -> dict[int, str]:
    found: dict[int, str] = {}
    try:
        for item in label_map_items(text):
            place = f"{path}:{item.line}"
            if item.number is None:
                raise ModelError(f"{place}: item without an id, a whole number")
            _add(found, item.number, item.display_name or item.name, place)
    except LabelMapError as error:
        raise ModelError(f"{path}:{error.line}: {error}") from None
    return found


def _add(found: dict[int, str], number: int, name: str, place: str) -> None:
    if not name:
        raise ModelError(f"{place}: class {number} has no name")
    if number in found:
        raise ModelError(f"{place}: class {number} is there twice: {found[number]}, {name}")
    found[number] = name
