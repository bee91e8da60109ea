"""Files and standard output that the commands around the event store write."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from maskdet.system.atomic_files import STANDARD_OUTPUT, write_or_print
from maskdet.system.console import say

_FORMULA_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r")
"""Beginnings of texts that spreadsheets run as formulas."""


def write(path: Path, text: str, what: str) -> None:
    """Writes a file, whole or not at all, in the place of an older one; ``-`` is standard output.

    Args:
        path: of the file; its folder is created where it is missing.
        text: what to write.
        what: it is, for the line that is printed.

    Raises:
        SinkError: it cannot be written.
    """
    write_or_print(path, text, folder="announce")
    if path != STANDARD_OUTPUT:
        say(f"wrote {path}: {what}")


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows as CSV, with a header line; what is None is empty.

    A text that a spreadsheet would take for a formula, such as a camera named ``=A1``, begins with
    an apostrophe.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_without_formula(value) for value in row] for row in rows)
    return text.getvalue()


def _without_formula(value: object) -> object:
    is_formula = isinstance(value, str) and value.startswith(_FORMULA_BEGINNINGS)
    return f"'{value}" if is_formula else value
