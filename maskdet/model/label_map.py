"""Label maps of foreign models: which name each class number has.

Two dialects: the protobuf text of the Object Detection API (``.pbtxt``, numbers from 1) and
keras-retinanet's ``name,id`` lines (``.csv``, numbers from 0).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from maskdet.errors import ModelError
from maskdet.model import label_lists

MAX_BYTES = 1024 * 1024
"""Larger files are refused; a map of 10,000 classes is smaller."""

_NAMES = ("label_map.pbtxt", "labelmap.pbtxt", "classes.csv", "labels.csv", "label_map.csv")
_TOKEN = re.compile(
    r"""\s+|\#[^\n]*|(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')"""
    r"|(?P<word>[\w.+-]+)|(?P<mark>[{}<>\[\]:,;])"
)


def read_label_map(path: Path) -> dict[int, str]:
    """Names by class number, as the file has them.

    Raises:
        ModelError: one line: it cannot be read, or what is wrong in which line.
    """
    text = _read(path)
    suffix = path.suffix.lower()
    if suffix in label_lists.SUFFIXES:
        found = label_lists.read_label_list(path, text)
    else:
        found = _read_csv(path, text) if suffix == ".csv" else _read_pbtxt(path, text)
    if not found:
        raise ModelError(f"{path}: a label map without any class")
    return found


def read_found_map(path: Path) -> dict[int, str]:
    """The same of a file that was found beside a model, which may be something else.

    Raises:
        ModelError: one line that says how to name another.
    """
    try:
        return read_label_map(path)
    except ModelError as error:
        raise ModelError(
            f"{error}; it lies beside the model, but is no label map: name the right one with "
            "--labels"
        ) from None


def find_label_map(model: Path, lists: Sequence[str] = ()) -> Path | None:
    """The label map that belongs to a model's file or folder, if one lies about.

    It is looked for beside the model (and inside, if it is a folder), then one folder up, then in
    ``data/`` of either; by its usual name first, else the only ``.pbtxt`` there is.

    Args:
        model: its file or folder.
        lists: further names that count, of lists of class names.

    Raises:
        ModelError: several could be meant.
    """
    model = model.absolute()
    folders = [model, *model.parents] if model.is_dir() else list(model.parents)
    # an exported folder has its SavedModel one further down
    near = folders[: 3 if folders[0].name == "saved_model" else 2]
    for folder in (*near, *(folder / "data" for folder in near)):
        if (found := _map_in(folder, lists)) is not None:
            return found
    return None


def _map_in(folder: Path, lists: Sequence[str]) -> Path | None:
    named = [folder / name for name in (*_NAMES, *lists) if (folder / name).is_file()]
    others = sorted(path for path in folder.glob("*.pbtxt") if path.is_file())
    if len(others) > 1 and not named:  # graphs are stored as text, too
        others = [path for path in others if "label" in path.name.lower()] or others
    if len(others) > 1 and not named:
        names = ", ".join(path.name for path in others)
        raise ModelError(f"{folder}: several label maps ({names}); name one with --labels")
    return next(iter([*named, *others]), None)


def _read(path: Path) -> str:
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ModelError(f"label map {path} cannot be read: {error.strerror}") from None
    if len(data) > MAX_BYTES:
        raise ModelError(f"{path}: larger than {MAX_BYTES // 1024} KiB; no label map")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ModelError(f"{path}: not a text file in UTF-8; no label map") from None


def _read_csv(path: Path, text: str) -> dict[int, str]:
    found: dict[int, str] = {}
    rows = csv.reader(text.splitlines())
    for row in _rows(path, rows):
        if not row:
            continue
        place = f"{path}:{rows.line_num}"
        if len(row) != 2 or not re.fullmatch(r"\s*[0-9]{1,9}\s*", row[1]):
            raise ModelError(f"{place}: expected name,id as in mask,0; found {','.join(row):.60}")
        if (name := row[0].strip()) in found.values():
            raise ModelError(f"{place}: class {name!r:.60} is there twice")
        _add(found, int(row[1]), name, place)
    return found


def _rows(path: Path, rows: Iterator[list[str]]) -> Iterator[list[str]]:
    try:
        yield from rows
    except csv.Error as error:
        raise ModelError(f"{path}: is no CSV: {error}") from None


def _read_pbtxt(path: Path, text: str) -> dict[int, str]:
    found: dict[int, str] = {}
    tokens = _tokens(path, text)
    for line, kind, token in tokens:
        if token in (",", ";"):
            continue
        if (kind, token) != ("word", "item"):
            raise _unexpected(path, line, token, "item { … }")
        _item(path, tokens, found)
    return found


def _item(path: Path, tokens: Iterator[tuple[int, str, str]], found: dict[int, str]) -> None:
    """One ``item { id: 1 name: 'x' }``; fields that are not of interest are passed over."""
    line, _, token = _skip(path, tokens, ":")
    closing = {"{": "}", "<": ">"}.get(token)
    if closing is None:
        raise _unexpected(path, line, token, "{ after item")
    fields: dict[str, str] = {}
    begun = line
    for line, kind, token in tokens:
        if token == closing and kind == "mark":
            break
        if token in (",", ";"):
            continue
        if kind != "word":
            raise _unexpected(path, line, token, "a field such as id or name")
        fields[token] = _value(path, tokens)
    else:
        raise ModelError(f"{path}:{begun}: item without its closing {closing}")
    number, name = fields.get("id", ""), fields.get("display_name") or fields.get("name", "")
    if not re.fullmatch(r"[0-9]{1,9}", number):
        raise ModelError(f"{path}:{begun}: item without an id, a whole number")
    _add(found, int(number), name, f"{path}:{begun}")


def _value(path: Path, tokens: Iterator[tuple[int, str, str]]) -> str:
    """What stands after a field's name: a word, a text, or a group, which does not matter."""
    line, kind, token = _skip(path, tokens, ":")
    if kind == "mark" and token in "{<[":
        depth = 1
        while depth:
            _, kind, inner = _skip(path, tokens)
            depth += (kind == "mark") * ((inner in "{<[") - (inner in "}>]"))
        return ""
    if kind == "mark":
        raise _unexpected(path, line, token, "a value")
    return _unescaped(path, line, token) if kind == "text" else token


def _skip(
    path: Path, tokens: Iterator[tuple[int, str, str]], optional: str = ""
) -> tuple[int, str, str]:
    """The next token, an optional mark before it left out."""
    for line, kind, token in tokens:
        if token != optional or kind != "mark":
            return line, kind, token
    raise ModelError(f"{path}: ends in the middle of an item; the label map is cut off")


def _tokens(path: Path, text: str) -> Iterator[tuple[int, str, str]]:
    """Line number, kind (``text``, ``word``, ``mark``) and characters of each token."""
    position, line = 0, 1
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _unexpected(path, line, text[position], "item { id: 1 name: 'mask' }")
        if match.lastgroup:
            yield line, match.lastgroup, match.group()
        line += match.group().count("\n")
        position = match.end()


_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}


def _unescaped(path: Path, line: int, token: str) -> str:
    """A quoted text without its quotes; numeric escapes are bytes of UTF-8."""

    def byte(match: re.Match[bytes]) -> bytes:
        code = match.group(1).decode("latin-1")
        if code[0] in "xX" and len(code) > 1:
            return bytes([int(code[1:], 16)])
        if code.isdigit():
            return bytes([int(code, 8) & 255])
        return _ESCAPES.get(code, code).encode("latin-1")

    raw = re.sub(rb"\\([xX][0-9a-fA-F]{1,2}|[0-7]{1,3}|[\x00-\xff])", byte, token[1:-1].encode())
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise ModelError(f"{path}:{line}: a name that is not UTF-8") from None


def _add(found: dict[int, str], number: int, name: str, place: str) -> None:
    if not name:
        raise ModelError(f"{place}: class {number} has no name")
    if number in found:
        raise ModelError(f"{place}: class {number} is there twice: {found[number]}, {name}")
    found[number] = name


def _unexpected(path: Path, line: int, token: str, expected: str) -> ModelError:
    return ModelError(f"{path}:{line}: no label map: expected {expected}, found {token!r:.40}")
