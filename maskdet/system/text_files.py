"""Text files and CSV rows, whichever program and system wrote them."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator
from pathlib import Path

from maskdet.errors import MaskdetError

_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def decode_text(raw: bytes) -> str:
    """The text of a file in UTF-8, or in UTF-16 with its mark, as Windows' shell redirects it.

    Raises:
        UnicodeDecodeError: it is in neither.
    """
    return raw.decode(_encoding_of(raw))


def decode_start(raw: bytes) -> str:
    """The text of a file's first bytes, which may end within a letter."""
    return raw.decode(_encoding_of(raw), "replace")


def _encoding_of(raw: bytes) -> str:
    return "utf-16" if raw.startswith(_UTF16_MARKS) else "utf-8-sig"


def encoding_problem(raw: bytes, error: UnicodeDecodeError) -> tuple[int, str]:
    """The line of the first byte that is no text, and what is wrong and what to do."""
    line = raw[: error.start].count(b"\n") + 1
    return line, "not a text file in UTF-8; save it as UTF-8"


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
