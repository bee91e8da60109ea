"""Rotation of a log: the file at its path is always the one being written."""

from __future__ import annotations

import itertools
import re
import time
from datetime import datetime
from pathlib import Path

from maskdet.sinks.log_compression import SUFFIX, Compressor


class Rotation:
    """When a log's file is put aside as ``name-20260131-235959.jsonl``, and how many are kept."""

    def __init__(
        self,
        *,
        max_bytes: float | None = None,
        seconds: float | None = None,
        keep: int | None = None,
        compress: bool = False,
    ) -> None:
        """Sets the limits; None for none.

        The order of files is that in which they were put aside, whatever the clock shows.

        Args:
            max_bytes: a file grows no larger, but for a single line that is larger.
            seconds: a file is written for so long.
            keep: files put aside that stay; the oldest are deleted.
            compress: files put aside become ``name-20260131-235959.jsonl.gz``.
        """
        self._max_bytes = max_bytes or float("inf")
        self._seconds = seconds or float("inf")
        self._keep = keep
        self._compressor = Compressor() if compress else None
        self._began = time.monotonic()
        self._aside: list[Path] = []
        self._last = ("", 0)

    @staticmethod
    def require_file(path: Path) -> None:
        """Makes sure that a file is there, or nothing.

        Raises:
            OSError: it is not a file that can be put aside.
        """
        if path.exists() and not path.is_file():
            raise OSError(22, "only a file can be rotated")

    def begin(self, path: Path) -> None:
        """A run is about to go on with this file, or has begun it.

        Raises:
            OSError: it is not a file that can be put aside, or its folder cannot be read.
        """
        self.require_file(path)
        found = _put_aside(path)
        self._aside = [aside for _, _, aside in found]
        if found:
            self._last = found[-1][:2]
        self._began = time.monotonic()
        for aside in self._aside:
            if aside.exists():
                self._compress(aside)

    def is_due(self, size: int, coming: int) -> bool:
        """Whether to put the file aside now.

        Args:
            size: bytes in it.
            coming: bytes of the line to be written.
        """
        is_old = time.monotonic() - self._began >= self._seconds
        return size > 0 and (is_old or size + coming > self._max_bytes)

    def rotate(self, path: Path) -> None:
        """Puts the file aside and deletes the oldest beyond `keep`.

        Raises:
            OSError: it cannot be renamed, or an old one cannot be deleted.
        """
        aside = self._next_name(path)
        path.rename(aside)
        self._began = time.monotonic()
        self._aside.append(aside)
        self._compress(aside)
        if self._keep is not None:
            while len(self._aside) > self._keep:
                self._aside[0].unlink(missing_ok=True)
                _compressed(self._aside[0]).unlink(missing_ok=True)
                del self._aside[0]

    def close(self) -> None:
        """Waits a moment for a file that is being compressed."""
        if self._compressor is not None:
            self._compressor.close()

    def _compress(self, aside: Path) -> None:
        if self._compressor is not None:
            self._compressor.add(aside)

    def _next_name(self, path: Path) -> Path:
        """A name that no file has, nor had one in this run: it may still be being compressed."""
        stamp = f"{datetime.now():%Y%m%d-%H%M%S}"
        first = self._last[1] + 1 if stamp == self._last[0] else 1
        for number in itertools.count(first):
            stem = f"{path.stem}-{stamp}"
            aside = path.with_stem(stem if number == 1 else f"{stem}-{number}")
            if aside not in self._aside and not aside.exists():
                break  # nor is there a compressed one of that name: it would be in the list
        self._last = (stamp, number)
        return aside


def _put_aside(path: Path) -> list[tuple[str, int, Path]]:
    """The files that earlier runs have put aside, the oldest first: time, number, first name."""
    name = rf"{re.escape(path.stem)}-(\d{{8}}-\d{{6}})(?:-(\d+))?{re.escape(path.suffix)}"
    found = {
        (match[1], int(match[2] or 1), other.with_name(other.name.removesuffix(SUFFIX)))
        for other in path.parent.iterdir()
        if (match := re.fullmatch(rf"{name}(?:{re.escape(SUFFIX)})?", other.name))
    }
    return sorted(found)


def _compressed(path: Path) -> Path:
    return path.with_name(path.name + SUFFIX)
