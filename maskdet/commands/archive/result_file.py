"""Result files: event lines of a recording, whole under their name or not there at all."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

from maskdet.detections import MaskState
from maskdet.observation import Observation
from maskdet.sinks.event_line import event, face_counts
from maskdet.system.atomic_files import cannot_write

SUFFIX = ".jsonl.gz"
_PART_SUFFIX = ".part"
_COMPRESSION = 6


class ResultFile:
    """A sink for the observations of one recording: event lines in a part file, and totals.

    `keep` gives the file its name when all of it is on the disk; what a killed process leaves is
    a part file, which the next run removes.

    Attributes:
        frames: processed frames.
        faces: faces by state, summed over these frames.
        people: unique people by state; None where nobody is followed.
        seconds: position of the last frame.
        width: of the frames, in pixels.
        height: likewise.
    """

    def __init__(self, folder: Path, key: str) -> None:
        """Begins the part file.

        Args:
            folder: of results.
            key: of the result.

        Raises:
            SinkError: it cannot be written.
        """
        self.frames = self.width = self.height = 0
        self.faces: Counter[str] = Counter({state.name: 0 for state in MaskState})
        self.people: dict[str, int] | None = None
        self.seconds = 0.0
        self._path = path_of_result(folder, key)
        self._part = folder / f".{key}.{os.getpid()}{_PART_SUFFIX}"
        try:
            self._raw = self._part.open("wb")
        except OSError as error:
            raise cannot_write(self._part, error) from None
        self._file = gzip.GzipFile("", "wb", _COMPRESSION, self._raw, mtime=0)

    def write(self, observation: Observation) -> None:
        """Writes a line for each frame.

        Raises:
            SinkError: the disk is full, or gone.
        """
        if observation.is_end:  # a frame that has its line
            return
        frame = observation.frame
        self.frames += 1
        self.faces.update(face_counts(observation))
        self.seconds = round(frame.position, 3)
        self.width, self.height = frame.width, frame.height
        if observation.people_counts is not None:
            self.people = dict(observation.people_counts.run)
        line = json.dumps(event(observation), separators=(",", ":")).encode() + b"\n"
        try:
            self._file.write(line)
        except OSError as error:
            raise cannot_write(self._part, error) from None

    def close(self) -> None:
        """Nothing: `keep` or `discard` ends it, when the source's own end is known."""

    def keep(self) -> None:
        """Brings all of it onto the disk, then gives it its name.

        Raises:
            SinkError: the disk is full, or gone.
        """
        try:
            self._file.close()
            self._raw.flush()
            os.fsync(self._raw.fileno())
            self._raw.close()
            os.replace(self._part, self._path)
            _sync_folder(self._path.parent)
        except OSError as error:
            raise cannot_write(self._path, error) from None

    def discard(self) -> None:
        """Removes the part file; nothing happens after `keep`."""
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            self._raw.close()
        self._part.unlink(missing_ok=True)

    def totals(self) -> dict[str, Any]:
        """The totals, as the archive store keeps them."""
        return {
            "frames": self.frames,
            "seconds": self.seconds,
            "width": self.width,
            "height": self.height,
            "faces": dict(self.faces),
            "people": self.people,
        }


def results_folder(output: Path) -> Path:
    """Where the result files of an archive lie."""
    return output / "results"


def path_of_result(folder: Path, key: str) -> Path:
    """The result file of a key."""
    return folder / f"{key}{SUFFIX}"


def remove_parts(folder: Path) -> None:
    """Removes what runs, or processes, that were killed have left."""
    for part in folder.glob(f".*{_PART_SUFFIX}"):
        part.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    """Brings a rename onto the disk; some systems cannot open a folder for that."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
