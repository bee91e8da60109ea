"""Text files that labels and class names stand in, read with care."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from maskdet.datasets.problems import Problems
from maskdet.errors import DatasetError
from maskdet.images.kinds import IMAGE_SUFFIXES
from maskdet.system.text_files import (
    csv_rows,
    decode_text,
    encoding_problem,
    leading_comments,
    raw_content,
    stand_in,
)

COMMENTS = "comments at the beginning of a table, which were left aside"
WESTERN = "names of pictures that are not in UTF-8, read as Windows-1252"
MAX_BYTES = 256 * 2**20
"""Larger files of labels are refused: those of a million boxes are smaller."""


def read_text(file: Path, limit: int = MAX_BYTES) -> str:
    """A text in UTF-8, with or without a byte order mark, or in UTF-16 with one.

    Raises:
        DatasetError: it cannot be read, is not text, or is too large.
    """
    return _decoded(file, _raw(file, limit))


def _raw(file: Path, limit: int) -> bytes:
    try:
        if (size := file.stat().st_size) > limit:
            raise DatasetError(f"{file}: {size / 2**20:.0f} MiB is more than labels can take")
        return raw_content(file)
    except (OSError, ValueError) as error:
        reason = (isinstance(error, OSError) and error.strerror) or type(error).__name__
        raise DatasetError(f"{file}: cannot be read: {reason}") from None


def _decoded(file: Path, raw: bytes) -> str:
    if other := stand_in(raw):
        raise DatasetError(f"{file}: {other}")
    try:
        text = decode_text(raw)
    except UnicodeDecodeError as error:
        line, problem = encoding_problem(raw, error)
        raise DatasetError(f"{file}:{line}: {problem}") from None
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        is_torn = text.endswith("\0\0") and "\0" not in text.rstrip("\0")
        found = "zero bytes at its end, as a copy that was broken off; copy it again"
        what = f"has {found}" if is_torn else "holds NUL characters; this is not a text file"
        raise DatasetError(f"{file}:{line}: {what}")
    return text


def read_rows(file: Path, problems: Problems | None = None) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV with the line that each ends on, blank ones and first comments left out.

    Args:
        file: the CSV.
        problems: takes notes of the comments and of another encoding; None: UTF-8 alone is read.

    Raises:
        DatasetError: it is not CSV.
    """
    raw = _raw(file, MAX_BYTES)
    text = None if problems is None else _western(file, raw, problems)
    if text is None:
        text = _decoded(file, raw)
    for number, line in enumerate(leading_comments(text), start=1):
        if problems is not None and line.strip():
            problems.note(COMMENTS, f"{file}:{number}", line.strip())
    return csv_rows(file, text, DatasetError)


def _western(file: Path, raw: bytes, problems: Problems) -> str | None:
    """A table as Excel writes it in western Europe; None: it is in UTF-8, or in no such encoding.

    Names of pictures alone may need it, as a wrong guess shows there: no such picture is found. The
    name of a class could be any, so that of a table in Chinese, say, would be read as nonsense.
    """
    try:
        decode_text(raw)
        return None
    except UnicodeDecodeError:
        pass
    try:
        text = raw.decode("cp1252")
        lines = [(line, field) for line, row in csv_rows(file, text, DatasetError) for field in row]
    except (UnicodeDecodeError, DatasetError):
        return None
    read = [(line, field.strip()) for line, field in lines if not field.isascii()]
    if "\0" in text or not all(name.lower().endswith(IMAGE_SUFFIXES) for _, name in read):
        return None
    for line, name in read:
        problems.note(WESTERN, f"{file}:{line}", name)
    problems.hints.append(f"{file}: not in UTF-8, and read as Windows-1252; save it as UTF-8")
    return text


def fields_hint(row: Sequence[str], wanted: int) -> str:
    """The probable mistake of a row with another number of fields, and what to do."""
    if row[0].lstrip().startswith("#"):
        return "; this is a comment: remove the line"
    if len(row) == 1 and any(sign in row[0] for sign in ",;\t"):
        return "; the line is in quotes as a whole: remove them"
    if len(row) < wanted:
        return "; write one for each column, and nothing between two commas where one is empty"
    return "; put a field that has commas in quotes, and write numbers with a point"


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
