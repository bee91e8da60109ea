"""The rows of CSV files, whichever program wrote them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from maskdet.errors import MaskdetError


def csv_rows(file: Path, text: str, error: type[MaskdetError]) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV with the line that each ends on, blank ones left out.

    Args:
        file: for messages.
        text: its content.
        error: raised where it is no CSV.

    Raises:
        MaskdetError: of that kind.
    """
    delimiter = delimiter_of(text.lstrip().partition("\n")[0])
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        for row in rows:
            if any(field.strip() for field in row):
                yield rows.line_num, row
    except csv.Error as found:
        raise error(f"{file}:{rows.line_num}: is no CSV: {found}") from None


def delimiter_of(line: str) -> str:
    """The delimiter of a CSV by its first line: in half of Europe, Excel writes semicolons."""
    return "," if "," in line else next((char for char in ";\t" if line.count(char) > 1), ",")
