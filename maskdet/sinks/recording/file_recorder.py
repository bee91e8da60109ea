"""A recording as files that a thread of its own writes: what every recorder has."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypedDict, TypeVar, Unpack, cast

from maskdet.errors import SinkError
from maskdet.sinks.recording.files.file_sequence import FileSequence, VideoFile
from maskdet.sinks.recording.files.retention import Retention
from maskdet.sinks.recording.packet_ring import EncodedPacket
from maskdet.sinks.retry_state import RetryState
from maskdet.system.threads import Closed, Mailbox, Worker

T = TypeVar("T")
V = TypeVar("V", bound=VideoFile)
Tap = Callable[[float, EncodedPacket], None]
"""Takes a packet and the position of its frame, in seconds."""

_CLOSE_TIMEOUT_S = 0.5
"""Seconds at the end in which something must be written, or the disk is taken to hang."""
_RETRY_S = 5.0
"""Seconds before a new try after a failure, unless others are wanted."""


class FileOptions(TypedDict, total=False):
    """Options of the files of a recording, as keywords.

    Attributes:
        segment_seconds: begins a new file after so long; see `Segments`.
        segment_bytes: begins a new file at about this size.
        retention: how long to keep segments.
        family: what the names of recordings begin with that are kept or deleted together.
        retry_seconds: how soon to try again after a failure.
    """

    segment_seconds: float | None
    segment_bytes: float | None
    retention: Retention | None
    family: str
    retry_seconds: float


class FileRecorder(ABC, Generic[T, V]):
    """A queue of what is to be recorded, and the thread that writes it.

    Attributes:
        tap: takes each packet, for clips; None: nobody wants them.
    """

    def __init__(self, path: str | Path, queue_length: int, **options: Unpack[FileOptions]) -> None:
        """Checks the path; of this recording nothing is written yet.

        With a length or size of segments, what a killed run has left of them is finished here.

        Args:
            path: ends in ``.mp4`` or ``.mkv``.
            queue_length: of what waits for the thread.
            options: of the files.

        Raises:
            SinkError: another suffix, no such folder, or no right to write there.
        """
        self.tap: Tap | None = None
        self._path = Path(path)
        options.setdefault("retry_seconds", _RETRY_S)
        self._files: FileSequence[V] = FileSequence(self._path, **options)
        self._hanging = RetryState(f"recording to {self._path}", options["retry_seconds"])
        self._written = 0
        self._error: BaseException | None = None
        self._inbox: Mailbox[T] = Mailbox(queue_length)
        self._worker = Worker("recorder", self._run, [cast(Mailbox[object], self._inbox)])
        self._is_started = False

    @property
    def paths(self) -> list[Path]:
        """The files written so far, the newest last; of very many, the newest ones."""
        return self._files.paths

    @property
    def files(self) -> int:
        """Their number."""
        return self._files.number

    @property
    def failing(self) -> bool:
        """Whether, at the moment, nothing is recorded."""
        return self._files.failing or self._hanging.active

    def close(self) -> None:
        """Writes what is queued and finishes the file; may be called twice.

        Raises:
            SinkError: it does not work at the moment; what was recorded before can be played.
        """
        self._inbox.close()
        seen = -1
        while not self._worker.join(_CLOSE_TIMEOUT_S):
            if seen == self._written:
                raise SinkError(
                    f"recording to {self._path}: the disk does not answer; what it did not take "
                    "is left"
                )
            seen = self._written
        self._raise_error()

    @abstractmethod
    def _record(self, item: T) -> None:
        """Writes an item of the queue; called in the thread."""

    def _raise_error(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _run(self) -> None:
        """The thread: writes until the queue ends."""
        try:
            with contextlib.suppress(Closed):
                while True:
                    self._record(cast(T, self._inbox.get()))
                    self._written += 1
            self._error = self._files.close()
        except BaseException as error:  # raised in the thread that writes next
            self._error = error
            self._files.close()
