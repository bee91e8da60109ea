"""Text files that labels and class names stand in, read with care."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from maskdet.errors import DatasetError
from maskdet.system.text_files import csv_rows, decode_text, encoding_problem

MAX_BYTES = 256 * 2**20
"""Larger files of labels are refused: those of a million boxes are smaller."""


def read_text(file: Path, limit: int = MAX_BYTES) -> str:
    """A text in UTF-8, with or without a byte order mark, or in UTF-16 with one.

    Raises:
        DatasetError: it cannot be read, is no text, or is too large.
    """
    try:
        if (size := file.stat().st_size) > limit:
            raise DatasetError(f"{file}: {size / 2**20:.0f} MiB is more than labels can take")
        raw = file.read_bytes()
        text = decode_text(raw)
    except UnicodeDecodeError as error:
        line, problem = encoding_problem(raw, error)
        raise DatasetError(f"{file}:{line}: {problem}") from None
    except (OSError, ValueError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or type(error).__name__
        raise DatasetError(f"{file}: cannot be read: {reason}") from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise DatasetError(f"{file}:{line}: holds NUL characters; this is no text file")
    return text


def read_rows(file: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV with the line that each ends on, blank ones left out.

    Raises:
        DatasetError: it is no CSV.
    """
    return csv_rows(file, read_text(file), DatasetError)


def rows_as_csv(rows: list[list[object]]) -> str:
    """Rows as the text of a CSV."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\n").writerows(rows)
    return buffer.getvalue()


def whole_number(text: str) -> int | None:
    """The whole number that a field holds, or None; at most 18 digits."""
    text = text.strip()
    digits = text.removeprefix("-")
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) <= 18 else None


def whole_or_point_zero(text: str) -> int | None:
    """The same where ``12.0`` counts, as tables of numbers are written with fractions of none."""
    head, point, tail = text.strip().partition(".")
    return whole_number(head if point and tail and not tail.strip("0") else text)


def number(text: str) -> float:
    """The number that a field holds; not-a-number if it holds none."""
    try:
        return float(text) if "_" not in text else float("nan")
    except ValueError:
        return float("nan")


def shown_number(value: float) -> str:
    """A coordinate as text: whole ones without a point, others so that nothing is lost."""
    return str(int(value)) if value == int(value) else repr(float(value))
