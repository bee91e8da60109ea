"""The event log, and snapshots."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import stat
import sys
import time
from datetime import datetime
from io import RawIOBase
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from maskdet.detections import Detections, MaskState
from maskdet.errors import SinkError
from maskdet.live.leaving import within
from maskdet.live.outfiles import Folder, make_folder, write_whole
from maskdet.live.trouble import Trouble
from maskdet.observation import Observation

log = logging.getLogger(__name__)

_CHECK_SECONDS = 1.0
"""Between two looks at whether the file is still there."""
_CLOSING = 0.5
"""Seconds after which a file that does not close is left."""
_TAIL_BYTES = 1 << 20
"""How far from the end the beginning of a torn line is looked for; ours are far shorter."""


class EventLog:
    """A sink that writes one JSON line for each observation.

    Lines are written whole and at once: whoever reads along sees them as they come, and neither
    `kill -9` nor a full disk leaves half a line for long: the next run, or the next attempt, takes
    it back. An existing file is continued; one that is moved away (log rotation) is begun anew.
    Where the disk is full or gone, lines are left out until it goes on, which is said once.
    """

    def __init__(self, path: str | Path, *, retry_seconds: float = 5.0) -> None:
        """Opens the file; ``-`` is standard output.

        Args:
            path: where to write.
            retry_seconds: how soon to try again after a failure.

        Raises:
            SinkError: it cannot be opened.
        """
        self._path = None if str(path) == "-" else Path(path)
        self._name = str(self._path or "standard output")
        self._trouble = Trouble(f"writing events to {self._name}", retry_seconds)
        self._check_due = 0.0
        self._ending = self._is_writing = False
        try:
            if self._path is not None:
                make_folder(self._path.parent)
            self._file = self._open()
            self._folder = None if self._path is None else Folder(self._path.parent)
        except OSError as error:
            raise SinkError(
                f"cannot write events to {path}: {error.strerror}; check folder and rights"
            ) from error

    def write(self, observation: Observation) -> None:
        """Writes one line.

        Raises:
            SinkError: the reader of a pipe has gone.
        """
        if not self._trouble.due:
            self._trouble.miss()
            return
        line = json.dumps(_event(observation), separators=(",", ":")).encode() + b"\n"
        self._is_writing = True
        try:
            self._check()
            self._put(line)
        except BrokenPipeError as error:
            raise SinkError(f"cannot write events to {self._name}: {error.strerror}") from error
        except OSError as error:
            self._trouble.miss()
            self._trouble.fail(
                error.strerror or str(error), "check disk space and rights; it goes on when it can"
            )
        else:
            self._trouble.work("lines")
        finally:
            self._is_writing = False

    def _open(self) -> RawIOBase:
        return _standard_output() if self._path is None else _append_to(self._path)

    def _check(self) -> None:
        """Now and then: begins the file anew where it was deleted or moved away."""
        now = time.monotonic()
        if self._path is None or self._folder is None or now < self._check_due:
            return
        self._check_due = now + _CHECK_SECONDS
        opened = os.fstat(self._file.fileno())
        if not stat.S_ISREG(opened.st_mode):
            return
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(opened, self._path.stat()):
                return
        self._folder.make_again()
        self._check_due = 0.0  # until it is there
        file = _append_to(self._path)
        self._file.close()
        self._file = file

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
        if not is_closing and (within(_CLOSING, {"closing the event log": file.close}) or hangs):
            raise SinkError(f"{self._name} does not answer; lines may be missing at its end")
        if self._trouble.down:
            trouble, self._trouble = self._trouble, Trouble("")
            raise SinkError(f"{trouble.told}; {trouble.missed} lines are missing")


def _standard_output() -> RawIOBase:
    sys.stdout.flush()
    return open(sys.stdout.fileno(), "wb", buffering=0, closefd=False)


def _append_to(path: Path) -> RawIOBase:
    """Opens the file for more lines, and mends a last one that a kill has left unfinished."""
    file = path.open("ab", buffering=0)
    try:
        if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            _mend(path, file)
    except OSError:
        file.close()
        raise
    return file


def _mend(path: Path, file: RawIOBase) -> None:
    """A torn line of ours goes; any other last line is ended."""
    with path.open("rb") as old:
        size = old.seek(0, os.SEEK_END)
        start = max(0, size - _TAIL_BYTES)
        old.seek(start)
        last = old.read()[: size - start].rpartition(b"\n")[2]
    if not last:
        return
    try:
        json.loads(last)
    except ValueError:
        if _BEGINNING.startswith(last) or last.startswith(_BEGINNING):
            log.warning("%s: its last line, which was cut off, was taken out", path)
            file.truncate(size - len(last))
            return
    file.write(b"\n")


_BEGINNING = b'{"frame":'
"""What every line begins with."""


def _event(observation: Observation) -> dict[str, Any]:
    frame, detections = observation.frame, observation.detections
    return {
        "frame": frame.index,
        "time": round(frame.time, 6),
        "source": frame.source,
        "detections": [_detection(detections, i) for i in range(len(detections))],
        "counts": dict(observation.counts) or detections.counts(),
    }


def _detection(detections: Detections, i: int) -> dict[str, Any]:
    track_id = -1 if detections.track_ids is None else int(detections.track_ids[i])
    return {
        "box": [round(side, 2) for side in detections.boxes[i].tolist()],
        "score": round(float(detections.scores[i]), 4),
        "state": MaskState(int(detections.states[i])).name,
        "track_id": track_id if track_id >= 0 else None,
    }


def save_snapshot(
    image: np.ndarray, folder: str | Path = ".", suffix: str = ".png", *, label: str = ""
) -> Path:
    """Saves the picture (BGR uint8) under the time of day, whole or not at all.

    Args:
        image: what to save.
        folder: where; made if need be.
        suffix: ``.png`` or ``.jpg``.
        label: put behind the time, as in ``maskdet-20260131-235959-door.png``.

    Returns:
        The new file; an existing one is never overwritten.

    Raises:
        SinkError: it cannot be written.
    """
    name = f"maskdet-{datetime.now():%Y%m%d-%H%M%S}{label and '-'}{label}{suffix}"
    _, data = cv2.imencode(suffix, image)
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        return write_whole(Path(folder) / name, data.tobytes())
    except OSError as error:
        raise SinkError(
            f"cannot save a snapshot in {folder}: {error.strerror}; check disk space and rights"
        ) from error
