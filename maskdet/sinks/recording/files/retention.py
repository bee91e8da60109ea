"""Retention of recordings: by age, by their size together, by what is free on the disk."""

from __future__ import annotations

import contextlib
import errno
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from maskdet.errors import reason_of

log = logging.getLogger(__name__)

_CLOCK_WAS_SET = 1_577_836_800  # 2020: an older file was written under a clock that was never set


@dataclass(frozen=True)
class _Kept:
    path: Path
    born: float
    size: int


class Retention:
    """Deletes the oldest recordings, and nothing but recordings.

    Ages are read off the files when they are first seen, and then counted on the monotonic clock:
    a wall clock that leaps a year ahead deletes nothing.
    """

    def __init__(
        self,
        *,
        keep_seconds: float | None = None,
        keep_bytes: float | None = None,
        keep_free_bytes: float | None = None,
        also: Callable[[], Iterable[Path]] = tuple,
    ) -> None:
        """Sets the limits; None for none.

        Args:
            keep_seconds: older recordings go.
            keep_bytes: the oldest go while all together have more.
            keep_free_bytes: the oldest go while less is free on their disk.
            also: further files that share the limits and may go, as clips do.
        """
        self._keep_seconds = keep_seconds
        self._keep_bytes = keep_bytes
        self._keep_free_bytes = keep_free_bytes
        self._also = also
        self._born: dict[Path, float] = {}
        self._refused: set[Path] = set()

    def enforce(self, folder: Path, finished: Iterable[Path], open_bytes: int = 0) -> None:
        """Deletes what is too old or too much.

        Args:
            folder: where the recordings are.
            finished: the recordings that may go.
            open_bytes: the size of those being written, which count and stay.

        Raises:
            OSError: less is free than should be, and nothing is left to delete.
        """
        kept = self._kept_segments([*finished, *self._also()])
        now, total = time.monotonic(), open_bytes + sum(one.size for one in kept)
        while kept and (
            now - kept[0].born > (self._keep_seconds or float("inf"))
            or total > (self._keep_bytes or float("inf"))
            or self._lacking(folder)
        ):
            total -= kept[0].size
            self._delete(kept.pop(0).path)
        if lacking := self._lacking(folder):
            raise OSError(errno.ENOSPC, lacking)

    def _kept_segments(self, finished: Iterable[Path]) -> list[_Kept]:
        """The recordings, the oldest first."""
        found = []
        for path in finished:
            with contextlib.suppress(FileNotFoundError):
                stat = path.stat()
                found.append(_Kept(path, self._born_at(path, stat), stat.st_size))
        self._born = {one.path: one.born for one in found}
        found = [one for one in found if one.path not in self._refused]
        return sorted(found, key=lambda one: (one.born, one.path.name))

    def _born_at(self, path: Path, stat: os.stat_result) -> float:
        """When a file was finished, on the monotonic clock."""
        if path in self._born:
            return self._born[path]
        is_known = stat.st_mtime >= _CLOCK_WAS_SET
        return time.monotonic() - max(0.0, time.time() - stat.st_mtime if is_known else 0.0)

    def _lacking(self, folder: Path) -> str:
        """The lack of free space, in words, if there is one."""
        if self._keep_free_bytes is None:
            return ""
        free = shutil.disk_usage(folder).free
        if free >= self._keep_free_bytes:
            return ""
        limit = f"recording.keep_free_gb asks for {self._keep_free_bytes / 1e9:.3g} GB"
        return f"only {free / 1e9:.3g} GB are free, and {limit}"

    def _delete(self, path: Path) -> None:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            self._refused.add(path)  # reported once
            log.warning("%s should go to make room and cannot: %s", path, reason_of(error))
