"""The settings file while the monitor runs: it is read again when its content has changed."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from maskdet.errors import MaskdetError
from maskdet.system.console import say
from maskdet.system.threads import Event, Worker

POLL_INTERVAL_S = 1.0
"""Between two checks of the file; one that is being written is read once it rests so long."""
HURRY_INTERVAL_S = 0.1
"""Until a file is read that a signal has asked for."""
MISSING_S = 5.0
"""Seconds without the file before that is worth a line: editors put a new one in its place."""
STOP_TIMEOUT_S = 0.5


class SettingsFile:
    """A thread that has the settings applied whenever the file has changed.

    Its time and size are compared once a second, its content only where they differ: a file that
    was only touched changes nothing. After `hurry` it is read in any case.
    """

    def __init__(self, path: Path, apply: Callable[[], object]) -> None:
        """Takes note of the file as it is.

        Args:
            path: of the file.
            apply: reads and applies it; raises what is wrong with it.
        """
        self._path, self._apply = path, apply
        self._state = self._rested = _state_of(path)
        self._digest = _digest_of(path)
        self._missing = 0
        self._is_hurried = False
        self._stopping = Event()
        self._worker = Worker("settings file", self._run, is_alone=True)

    def __enter__(self) -> Self:
        """Begins to check."""
        self._worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Ends it."""
        self._stopping.set()
        self._worker.join(STOP_TIMEOUT_S)

    def hurry(self) -> None:
        """Has the file read again very soon; may be called by a signal's handler."""
        self._is_hurried = True

    def _run(self) -> None:
        due = time.monotonic() + POLL_INTERVAL_S
        while not self._stopping.wait(HURRY_INTERVAL_S):
            if self._is_hurried or time.monotonic() >= due:
                due = time.monotonic() + POLL_INTERVAL_S
                self.poll()

    def poll(self) -> None:
        """Checks the file once."""
        is_hurried, self._is_hurried = self._is_hurried, False
        before, self._state = self._state, _state_of(self._path)
        self._note_missing()
        rests = self._state == before
        if self._state is None or not (is_hurried or (rests and self._state != self._rested)):
            return
        self._rested = self._state
        digest = _digest_of(self._path)
        if digest == self._digest and not is_hurried:
            return
        self._digest = digest
        try:
            self._apply()
        except MaskdetError as error:
            for line in str(error).splitlines():
                say(f"{line}; the settings stay as they were", "error")

    def _note_missing(self) -> None:
        self._missing = 0 if self._state is not None else self._missing + 1
        if self._missing == round(MISSING_S / POLL_INTERVAL_S):
            say(f"{self._path} is gone; the settings stay as they were", "warning")


def _state_of(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _digest_of(path: Path) -> bytes:
    """Of its content; empty of a pipe, which can be read once."""
    if path.is_fifo():
        return b""
    try:
        return hashlib.sha256(path.read_bytes()).digest()
    except OSError:
        return b""
