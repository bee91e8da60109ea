"""Files and standard output that the commands around the event store write."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from maskdet.system.atomic_files import STANDARD_OUTPUT, write_or_print
from maskdet.system.console import say


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
    """Rows as CSV, with a header line; what is None is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()
