"""Files and standard output that the commands around the event store write."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from maskdet.system.atomic_files import STANDARD_OUTPUT, Content, write_or_print
from maskdet.system.console import say

_FORMULA_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings of texts that spreadsheets run as formulas."""
_PART = 1 << 16
"""Characters that are written at once."""


def write(path: Path, content: Content) -> None:
    """Writes a file, whole or not at all, in the place of an older one; ``-`` is standard output.

    Args:
        path: of the file; its folder is created where it is missing.
        content: what to write.

    Raises:
        SinkError: it cannot be written.
    """
    if path == STANDARD_OUTPUT and not isinstance(content, str | bytes):
        content = _read_first(content)
    write_or_print(path, content, folder="announce")


def _read_first(content: Iterable[str]) -> Iterator[str]:
    """The same text, of which all is read before any is given.

    A reader of our output may take hours; as long as rows are read, the store's log would grow.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="surrogatepass", newline="") as kept:
        kept.writelines(content)
        kept.seek(0)
        while part := kept.read(_PART):
            yield part


def say_written(path: Path, what: str) -> None:
    """Prints the line about a file that has been written, and what it holds."""
    if path != STANDARD_OUTPUT:
        say(f"wrote {path}: {what}")


def csv_parts(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """Rows as CSV, with a header line, some at a time; what is None is empty.

    A text that a spreadsheet would take for a formula, such as a camera named ``=A1``, begins with
    an apostrophe.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_without_formula(value) for value in row])
        if text.tell() >= _PART:
            yield text.getvalue()
            text.seek(0)
            text.truncate()
    yield text.getvalue()


def _without_formula(value: object) -> object:
    is_formula = isinstance(value, str) and value.startswith(_FORMULA_BEGINNINGS)
    return f"'{value}" if is_formula else value
