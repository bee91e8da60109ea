"""The event log: one JSON line for each observation, or for those that are wanted."""

from __future__ import annotations

import contextlib
import errno
import json
import logging
import os
import stat
import sys
import time
from io import RawIOBase
from pathlib import Path
from typing import Literal

from maskdet.errors import SinkError, reason_of
from maskdet.observation import Observation
from maskdet.sinks.event_line import event, face_counts, has_changed
from maskdet.sinks.log_file import open_log
from maskdet.sinks.log_rotation import Rotation
from maskdet.sinks.output_files import Folder
from maskdet.sinks.output_pipes import takes_more
from maskdet.sinks.retry_state import RetryState, missing_words
from maskdet.sources.frame_rate import Pace
from maskdet.system.console import require_stdout, say
from maskdet.system.folders import make_folder
from maskdet.system.timeouts import run_all_with_timeout

log = logging.getLogger(__name__)

_CHECK_INTERVAL_S = 1.0
"""Between two looks at whether the file is still there."""
_CLOSE_TIMEOUT_S = 0.5
"""Seconds after which a file that does not close is left."""
_STALL_S = 10.0
"""Seconds after which a pipe that nobody empties is named."""

Every = Literal["frame", "change", "seconds"]


class EventLog:
    """A sink that writes one JSON line for each observation, or for those that are wanted.

    Lines are written whole and at once, so that others can read along. Neither `kill -9` nor a
    full disk leaves half a line for long: the next run, or the next attempt, removes it. An
    existing file stays as it is, and ``name-2`` is written, unless it is to be continued; one that
    is moved away (log rotation) is started again. Where the disk is full or gone, lines are left
    out until it works again, which is reported once. A pipe that is full is waited for, and named.

    Attributes:
        name: the file that is written.
        lines: how many were written.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        every: Every = "frame",
        seconds: float = 10.0,
        append: bool = False,
        rotation: Rotation | None = None,
        retry_seconds: float = 5.0,
    ) -> None:
        """Opens the file; ``-`` is standard output.

        Args:
            path: where to write.
            every: a line for each frame, for each change of the counts or of the people followed,
                or every so many seconds of a source.
            seconds: how many.
            append: goes on with an existing file.
            rotation: when to begin a new file, and how many to keep.
            retry_seconds: how soon to try again after a failure.

        Raises:
            SinkError: it cannot be opened.
        """
        self._every = every
        self._seconds = seconds
        self._rotation = rotation
        self._paces: dict[str, Pace] = {}
        self._before: dict[str, dict[str, int]] = {}
        self.lines = 0
        self._path = None if str(path) == "-" else Path(path)
        try:
            if self._path is not None:
                make_folder(self._path.parent)
                if rotation is not None:
                    rotation.require_file(self._path)
                self._path, self._file = open_log(self._path, append=append)
                if rotation is not None:
                    rotation.begin(self._path)
                self._folder = Folder(self._path.parent)
            else:
                self._file = _standard_output()
        except OSError as error:
            raise SinkError(
                f"cannot write events to {path}: {reason_of(error)}"
                + ("" if error.errno == errno.ENXIO else "; check folder and rights")
            ) from error
        self.name = self._name = str(self._path or "standard output")
        self._retry = RetryState(f"writing events to {self._name}", retry_seconds)
        self._check_due = 0.0
        self._ending = self._is_writing = self._is_stalled = False

    def write(self, observation: Observation) -> None:
        """Writes one line.

        Raises:
            SinkError: the reader of a pipe has gone.
        """
        is_first = observation.frame.source not in self._before
        if not self._is_wanted(observation):
            return
        if not self._retry.due:
            self._retry.count_dropped()
            return
        is_followed = observation.people_counts is not None
        of_changes = self._every == "change" and is_followed and not is_first
        facts = event(observation, of_changes=of_changes)
        line = json.dumps(facts, separators=(",", ":")).encode() + b"\n"
        self._is_writing = True
        try:
            self._check()
            self._rotate(len(line))
            self._name_stall()
            self._put(line)
            self.lines += 1
        except BrokenPipeError as error:
            raise SinkError(f"cannot write events to {self._name}: {reason_of(error)}") from error
        except OSError as error:
            self._retry.count_dropped()
            self._retry.fail(
                reason_of(error), "check disk space and rights; it goes on when it can"
            )
        else:
            self._retry.record_success("line")
        finally:
            self._is_writing = False

    def _is_wanted(self, observation: Observation) -> bool:
        frame = observation.frame
        if self._every == "seconds":
            if frame.source not in self._paces:
                self._paces[frame.source] = Pace(1 / self._seconds, is_live=False)
            return self._paces[frame.source].takes(frame.position)
        if self._every == "change":
            before = self._before.get(frame.source)
            self._before[frame.source] = face_counts(observation)
            return has_changed(before, observation)
        return not observation.is_carried or (bool(observation.events) and not observation.is_end)

    def _rotate(self, coming: int) -> None:
        """Begins a new file where it is time, or where the line that comes has no room."""
        if self._rotation is None or self._path is None:
            return
        if self._rotation.is_due(os.fstat(self._file.fileno()).st_size, coming):
            if sys.platform == "win32":  # where a file that is open cannot be renamed
                self._file.close()
            self._rotation.rotate(self._path)
            self._begin_again(self._path)

    def _begin_again(self, path: Path) -> None:
        """Writes a new file under the name, or beside it, where another monitor was faster."""
        self._path, file = open_log(path, append=True)
        self.name = self._name = str(self._path)
        self._file.close()
        self._file = file

    def _check(self) -> None:
        """Now and then: begins the file again where it was deleted or moved away."""
        now = time.monotonic()
        if self._path is not None and self._file.closed:  # for a rotation that failed
            self._begin_again(self._path)
        if self._path is None or self._folder is None or now < self._check_due:
            return
        self._check_due = now + _CHECK_INTERVAL_S
        opened = os.fstat(self._file.fileno())
        if not stat.S_ISREG(opened.st_mode):
            return
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(opened, self._path.stat()):
                return
        self._folder.make_again()
        self._check_due = 0.0  # until it is there
        self._begin_again(self._path)

    def _name_stall(self) -> None:
        """Reports once that the run waits, where the reader of a pipe has stopped reading."""
        stalled = not takes_more(self._file, timeout=0 if self._is_stalled else _STALL_S)
        if stalled and not self._is_stalled and not self._ending:
            say(f"{self._name} is full: its reader has taken nothing for {_STALL_S:g} s; waiting")
        self._is_stalled = stalled

    def _put(self, line: bytes) -> None:
        written = 0
        try:
            while written < len(line):
                written += self._file.write(line[written:]) or 0
        except OSError:
            self._cut_off(written)
            raise

    def _cut_off(self, count: int) -> None:
        """Takes back the bytes of a line that was not finished; a pipe cannot."""
        if count:
            with contextlib.suppress(OSError):
                self._file.truncate(os.fstat(self._file.fileno()).st_size - count)

    def close(self) -> None:
        """Closes the file; may be called twice.

        Raises:
            SinkError: it could not be written to of late, or does not answer.
        """
        is_closing, self._ending = self._ending, True
        hangs = self._is_writing  # in another thread, which was waited for
        file = self._file
        if self._rotation is not None:
            self._rotation.close()
        if not is_closing and (
            run_all_with_timeout(_CLOSE_TIMEOUT_S, {"closing the event log": file.close}) or hangs
        ):
            raise SinkError(f"{self._name} does not answer; lines may be missing at its end")
        if self._retry.down:
            fault, self._retry = self._retry, RetryState("")
            raise SinkError(f"{fault.reported}; {missing_words(fault.missed, 'line')}")


def _standard_output() -> RawIOBase:
    require_stdout()
    sys.stdout.flush()
    return open(sys.stdout.fileno(), "wb", buffering=0, closefd=False)
