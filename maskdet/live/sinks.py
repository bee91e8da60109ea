"""The event log, and snapshots."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from datetime import datetime
from io import RawIOBase
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from maskdet.detections import Detections, MaskState
from maskdet.errors import SinkError
from maskdet.live.outfiles import write_whole
from maskdet.observation import Observation


class EventLog:
    """A sink that writes one JSON line for each observation.

    Lines are written whole and at once: whoever reads along sees them as they come, and where the
    disk is full the file ends with the last whole line. An existing file is continued.
    """

    def __init__(self, path: str | Path) -> None:
        """Opens the file; ``-`` is standard output.

        Raises:
            SinkError: it cannot be opened.
        """
        self._name = "standard output" if str(path) == "-" else str(path)
        try:
            self._file = _standard_output() if str(path) == "-" else _append_to(Path(path))
        except OSError as error:
            raise SinkError(
                f"cannot write events to {path}: {error.strerror}; check folder and rights"
            ) from error

    def write(self, observation: Observation) -> None:
        """Writes one line.

        Raises:
            SinkError: it cannot be written: full disk, reader gone.
        """
        line = json.dumps(_event(observation), separators=(",", ":")).encode() + b"\n"
        written = 0
        try:
            while written < len(line):
                written += self._file.write(line[written:]) or 0
        except OSError as error:
            self._cut_off(written)
            raise SinkError(
                f"cannot write events to {self._name}: {error.strerror}; what was logged is whole"
            ) from error

    def _cut_off(self, count: int) -> None:
        """Takes back the bytes of a line that was not finished; a pipe cannot."""
        if count:
            with contextlib.suppress(OSError):
                self._file.truncate(os.fstat(self._file.fileno()).st_size - count)

    def close(self) -> None:
        """Closes the file; may be called twice."""
        self._file.close()


def _standard_output() -> RawIOBase:
    sys.stdout.flush()
    return open(sys.stdout.fileno(), "wb", buffering=0, closefd=False)


def _append_to(path: Path) -> RawIOBase:
    """Opens the file for more lines; one that a crash left unfinished is ended."""
    file = path.open("ab", buffering=0)
    size = os.fstat(file.fileno()).st_size
    if size:
        with path.open("rb") as old:
            old.seek(size - 1)
            if old.read(1) != b"\n":
                file.write(b"\n")
    return file


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


def save_snapshot(image: np.ndarray, folder: str | Path = ".", suffix: str = ".png") -> Path:
    """Saves the picture (BGR uint8) under the time of day, whole or not at all.

    Args:
        image: what to save.
        folder: where; made if need be.
        suffix: ``.png`` or ``.jpg``.

    Returns:
        The new file; an existing one is never overwritten.

    Raises:
        SinkError: it cannot be written.
    """
    name = f"maskdet-{datetime.now():%Y%m%d-%H%M%S}{suffix}"
    _, data = cv2.imencode(suffix, image)
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
        return write_whole(Path(folder) / name, data.tobytes())
    except OSError as error:
        raise SinkError(
            f"cannot save a snapshot in {folder}: {error.strerror}; check disk space and rights"
        ) from error
