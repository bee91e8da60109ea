"""The files of a recording: one, or segments that get their names when they are whole."""

from __future__ import annotations

import contextlib
import errno
import itertools
import logging
import os
import re
import sys
from collections.abc import Iterator
from datetime import datetime
from io import RawIOBase
from pathlib import Path
from typing import Protocol, cast

from maskdet.errors import reason_of
from maskdet.sinks.output_files import create_numbered, lock
from maskdet.sinks.recording.files.fragment_recovery import playable_bytes
from maskdet.sinks.recording.files.retention import Retention

log = logging.getLogger(__name__)

PART = ".part"
"""What the name of a segment ends in while it is written."""

GONE = "the file or its folder was taken away"


class Draft:
    """A file that is being written.

    Attributes:
        path: where it is.
        final: what it is called once it is finished.
        file: for writing; the writer closes it, then calls `finish`.
    """

    def __init__(self, path: Path, final: Path, file: RawIOBase) -> None:
        self.path, self.final, self.file = path, final, file
        self._identity = os.fstat(file.fileno())

    @property
    def is_gone(self) -> bool:
        """Whether it was deleted or moved, or its folder was: what is written would be lost."""
        try:
            return not os.path.samestat(self._identity, self.path.stat())
        except OSError:
            return True

    def finish(self, *, is_whole: bool) -> Path | None:
        """Gives it its name.

        Args:
            is_whole: it was closed without a fault; otherwise it is cut to what can be played.

        Returns:
            The file, or None: nothing in it can be played.

        Raises:
            OSError: it is gone, or cannot be cut or renamed and stays where it is.
        """
        if self.is_gone:
            raise FileNotFoundError(errno.ENOENT, GONE)
        return _finish(self.path, self.final, is_whole=is_whole)


class Files(Protocol):
    """Where a recording's files come from."""

    def create(self) -> Draft:
        """A new file.

        Raises:
            OSError: it cannot be created.
        """

    def recover(self) -> None:
        """Finishes what could not be finished before, and reports it."""

    def tidy(self) -> None:
        """Makes room, where that is asked for; called now and then.

        Raises:
            OSError: there is too little.
        """


class SingleFile:
    """The path itself, from the first image on; after an interruption ``name-2``, ``name-3`` …"""

    def __init__(self, path: Path) -> None:
        self._path = path

    def create(self) -> Draft:
        """A file that was not there."""
        path, file = create_numbered(self._path)
        return Draft(path, path, file)

    def recover(self) -> None:
        """Its files have their names already."""

    def tidy(self) -> None:
        """Deletes nothing."""


class Segments:
    """Files of one recording after the other: ``door-20260131-235959.mp4``.

    While a segment is written its name ends in ``.part`` and it is locked; its own name it gets in
    one step when it is finished. So a listing of the folder has whole videos only, and the next
    start can distinguish what a killed run has left from what another run is writing.
    """

    def __init__(self, path: Path, retention: Retention | None = None, family: str = "") -> None:
        """Segments beside a path.

        Args:
            path: ``door.mp4``; the time is put into its name.
            retention: how long to keep them.
            family: what the names of all recordings begin with that belong together, where there
                are several sources; default: the path's own.
        """
        self._path = path
        self._retention = retention
        family = re.escape(family or path.stem)
        suffix = re.escape(path.suffix)
        self._pattern = re.compile(rf"{family}(-\d{{1,3}})?-\d{{8}}-\d{{6}}(-\d+)?{suffix}")

    def create(self) -> Draft:
        """A new segment, named after this moment; tidies first.

        Raises:
            OSError: it cannot be created, or there is too little room.
        """
        self.tidy()
        stem = f"{self._path.stem}-{datetime.now():%Y%m%d-%H%M%S}"
        for number in itertools.count(1):
            final = self._path.with_stem(stem if number == 1 else f"{stem}-{number}")
            part = final.with_name(final.name + PART)
            with contextlib.suppress(FileExistsError):
                if final.exists():
                    continue
                file = cast(RawIOBase, part.open("xb", buffering=0))
                lock(file)
                return Draft(part, final, file)
        raise AssertionError("counting never ends")

    def tidy(self) -> None:
        """Deletes the segments that the retention has no room for."""
        if self._retention is not None:
            open_bytes = sum(_size(path) for path in self._list(PART))
            self._retention.enforce(self._path.parent, self._list(), open_bytes)

    def recover(self) -> None:
        """Finishes what a run that was killed, or a disk that was away, has left; reports it."""
        for part in sorted(self._list(PART)):
            try:
                with part.open("rb+", buffering=0) as file:
                    if not lock(file):
                        continue  # another run is writing it
                    if sys.platform == "win32":
                        file.close()  # or it could not be renamed
                    final = _finish(part, part.with_suffix(""), is_whole=False)
            except OSError as error:
                log.warning(
                    "%s cannot be finished and is left as it is: %s", part, reason_of(error)
                )
                continue
            if final is None:
                log.warning("%s held no whole picture and was removed", part)
            else:
                log.warning("recovered %s, which was cut off while it was written", final)

    def _list(self, ending: str = "") -> Iterator[Path]:
        with contextlib.suppress(FileNotFoundError), os.scandir(self._path.parent) as entries:
            for entry in entries:
                if entry.name.endswith(ending) and self._pattern.fullmatch(
                    entry.name.removesuffix(ending)
                ):
                    yield Path(entry.path)


def _finish(path: Path, final: Path, *, is_whole: bool) -> Path | None:
    if not is_whole:
        whole = playable_bytes(path, final.suffix.lower())
        if not whole:
            path.unlink()
            return None
        if whole < path.stat().st_size:
            os.truncate(path, whole)
    if path != final:
        with path.open("rb+") as file:
            os.fsync(file.fileno())  # the name promises that it is whole, after a power cut too
        for number in itertools.count(2):
            if not final.exists():
                break
            final = path.with_name(f"{path.with_suffix('').stem}-{number}{final.suffix}")
        path.rename(final)
    return final


def _size(path: Path) -> int:
    with contextlib.suppress(OSError):
        return path.stat().st_size
    return 0
