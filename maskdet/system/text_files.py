"""Text files and CSV rows, whichever program and system wrote them."""

from __future__ import annotations

import codecs
import csv
import errno
import io
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

from maskdet.errors import MaskdetError

_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_DELIMITER_LINE = re.compile(r"\s*sep=([,;\t|])\s*?(\r\n|\r|\n)", re.IGNORECASE)
"""Excel's own first line, which names the delimiter of the others."""
_POLL_S = 0.05
_WEB_PAGE = re.compile(rb"(<!doctype html|<html)\b", re.IGNORECASE)
_CONFLICT = re.compile(rb"^<{7} .*\n(?=(.*\n)*?={7}\r?\n)", re.MULTILINE)
"""Git's mark of the first of two versions, with that of the second behind it."""
_DECIMAL_COMMA = re.compile(r"\s*(-?\d+),(\d+)\s*")


def raw_content(path: Path, limit: int = -1, *, timeout: float = 10.0) -> bytes:
    """The bytes of a text file; of a named pipe, as soon as somebody writes to it.

    A plain open would wait for that forever, silently.

    Args:
        path: of the file.
        limit: reads no more bytes than that; -1: all.
        timeout: seconds to wait for the pipe's writer.

    Raises:
        OSError: it cannot be read, or nobody writes to the pipe.
    """
    if os.name == "nt" or not path.is_fifo():
        with path.open("rb") as file:
            return file.read(limit)
    until = time.monotonic() + timeout
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as pipe:
        while (first := pipe.read(1)) == b"":  # None: its writer is there
            if time.monotonic() >= until:
                text = f"nobody writes to this pipe (waited {timeout:g} s); start its writer first"
                raise OSError(errno.ENXIO, text)
            time.sleep(_POLL_S)
        os.set_blocking(pipe.fileno(), True)
        with open(pipe.fileno(), "rb", closefd=False) as rest:
            return (first or b"") + rest.read(limit)


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
    """The line of the first byte that is not text, and what is wrong and what to do."""
    line = raw[: error.start].count(b"\n") + 1
    return line, "not a text file in UTF-8; save it as UTF-8"


def stand_in(raw: bytes) -> str:
    """The kind of a file that came instead of another one, and what to do; empty: it is none.

    Args:
        raw: its content, or its beginning.
    """
    head = raw[:1000].removeprefix(codecs.BOM_UTF8).lstrip()
    if head.startswith(b"version https://git-lfs"):
        return "is a pointer of Git LFS, not the file itself; run git lfs pull"
    if _WEB_PAGE.match(head):
        return "is a web page, as servers send it instead of a file; download the file itself"
    if conflict := _CONFLICT.search(raw):
        line = raw[: conflict.start()].count(b"\n") + 1
        return f"has both sides of a merge (<<<<<<< in line {line}); choose one of them"
    return ""


def csv_rows(file: Path, text: str, error: type[MaskdetError]) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV with the line that each ends on, blank ones left out.

    Args:
        file: for messages.
        text: its content.
        error: raised where it is not CSV.

    Raises:
        MaskdetError: of that kind.
    """
    skipped, delimiter = start_of_csv(text)
    lines_before = text[:skipped].count("\n")
    rows = csv.reader(io.StringIO(text[skipped:], newline=""), delimiter=delimiter, strict=True)
    try:
        for row in rows:
            if any(field.strip() for field in row):
                yield rows.line_num + lines_before, row if delimiter == "," else with_points(row)
    except csv.Error as found:
        place = f"{file}:{rows.line_num + lines_before}"
        raise error(f"{place}: is not CSV: {found}") from None


def start_of_csv(text: str) -> tuple[int, str]:
    """Where the rows of a CSV begin, and its delimiter: in half of Europe, Excel writes semicolons.

    Args:
        text: the file's content, or its beginning.
    """
    if stated := _DELIMITER_LINE.match(text):
        return stated.end(), stated[1]
    begin = sum(map(len, leading_comments(text)))
    first = next(iter(text[begin:].lstrip().splitlines()), "")
    return begin, _delimiter_of(first)


def leading_comments(text: str) -> list[str]:
    """The lines at the beginning of a CSV that are comments: ``# made by …``.

    They begin with ``#``, and have another number of fields than the first line that does not: a
    first row may begin with it as well.
    """
    if not text.startswith("#"):
        return []
    lines = text.splitlines(keepends=True)
    row = next((line for line in lines if line.strip() and not line.startswith("#")), "")
    if not row:
        return []
    delimiter = _delimiter_of(row)
    fields = row.count(delimiter)
    return lines[: next(n for n, line in enumerate(lines) if line.count(delimiter) == fields)]


def _delimiter_of(line: str) -> str:
    return max(",;\t|", key=line.count)  # the first of them, where they are as many


def with_points(row: list[str]) -> list[str]:
    """Fields whose numbers have a point, where the comma is free for their fractions."""
    return [_DECIMAL_COMMA.sub(r"\1.\2", field) if _DECIMAL_COMMA.fullmatch(field) else field
            for field in row]  # fmt: skip
