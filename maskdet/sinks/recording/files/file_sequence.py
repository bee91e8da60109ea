"""The files of a recording, one after the other, which outlive what disks do to them.

What fails is reported once, tried again, and reported when it goes on: the monitor never ends
because a disk is full.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Callable
from io import RawIOBase
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from maskdet.errors import SinkError, reason_of
from maskdet.sinks.output_files import Folder
from maskdet.sinks.recording.files.retention import Retention
from maskdet.sinks.recording.files.segments import GONE, Draft, Files, Segments, SingleFile
from maskdet.sinks.recording.video_encoder import SUFFIXES, encoding_errors
from maskdet.sinks.retry_state import RetryState
from maskdet.system.folders import make_folder

_CHECK_INTERVAL_S = 1.0
"""Between two looks at whether the file is still there."""
_RETENTION_INTERVAL_S = 10.0
"""Between two looks at what is to be deleted."""
_MIN_FREE_BYTES = 16_000_000
"""Bytes to be free before a disk that was full is tried again, or crumbs would be recorded."""
_MAX_PATHS = 100
"""Paths kept for the report at the end, so that weeks of segments do not add up."""


class VideoFile(Protocol):
    """A video that is being written."""

    @property
    def size(self) -> int:
        """Bytes written so far."""

    def close(self) -> None:
        """Finishes it."""


V = TypeVar("V", bound=VideoFile)


class FileSequence(Generic[V]):
    """Files of one recording; for the one thread that writes.

    Attributes:
        paths: those written so far, the newest last; of very many, the newest ones.
        number: how many there were.
        video: the one being written; None before the first and after a failure.
    """

    def __init__(
        self,
        path: Path,
        *,
        segment_seconds: float | None = None,
        segment_bytes: float | None = None,
        retention: Retention | None = None,
        family: str = "",
        retry_seconds: float = 5.0,
    ) -> None:
        """Checks the path; see `maskdet.sinks.recording.file_recorder.FileOptions`.

        Raises:
            SinkError: another suffix, no such folder, or no right to write there.
        """
        _check_path(path)
        encoding_errors()  # imports PyAV here, before the first frame, not while frames wait for it
        self.paths: list[Path] = []
        self.number = 0
        self.video: V | None = None
        self._segment_seconds = segment_seconds or float("inf")
        self._segment_bytes = segment_bytes or float("inf")
        self._suffix = path.suffix.lower()
        self._files: Files = SingleFile(path)
        if segment_seconds or segment_bytes:
            self._files = Segments(path, retention, family)
        self._files.recover()
        self._folder = Folder(path.parent)
        self._retry = RetryState(f"recording to {path}", retry_seconds)
        self._draft: Draft | None = None
        self._check_due = self._tidy_due = 0.0

    @property
    def failing(self) -> bool:
        """Whether, at the moment, nothing can be written."""
        return self._retry.active

    def record(self, add: Callable[[], None]) -> None:
        """Adds an image, if the disk may be tried now; else, or where that fails, counts it."""
        if not (self._retry.due and self.attempt(add)):
            self._retry.count_dropped()
        else:
            self._retry.record_success("picture")

    def count_dropped(self) -> None:
        """An image is left out as nothing can be written."""
        if self.failing:
            self._retry.count_dropped()

    def attempt(self, do: Callable[[], None]) -> bool:
        """Does it; where the disk does not allow it, notes that and ends the file as it is."""
        try:
            do()
        except encoding_errors() as error:
            reason = reason_of(error)
            self._abandon()
            advice = "check disk space and rights; it goes on when it can"
            self._retry.fail(reason, advice)
            return False
        return True

    def check(self) -> None:
        """Now and then: whether the file is still there and there is room for more.

        Raises:
            OSError: it is not, or there is not.
        """
        now = time.monotonic()
        if self._draft is None or now < self._check_due:
            return
        self._check_due = now + _CHECK_INTERVAL_S
        if self._draft.is_gone:
            raise FileNotFoundError(errno.ENOENT, GONE)
        if now > self._tidy_due:
            self._tidy_due = now + _RETENTION_INTERVAL_S
            self._files.tidy()

    def is_over(self, seconds: float) -> bool:
        """Whether the file is to be followed by another one.

        Args:
            seconds: that it is long.
        """
        is_full = self.video is not None and self.video.size >= self._segment_bytes
        return seconds >= self._segment_seconds or is_full

    def begin(self, new_video: Callable[[RawIOBase, str], V]) -> V:
        """Begins the next file.

        Args:
            new_video: makes a video of an open file and its suffix.

        Raises:
            BaseException: one of `encoding_errors`.
        """
        self._folder.make_again()
        if self._retry.active:
            self._files.tidy()  # first: what it deletes may be the room that is lacking
            if self._folder.free < _MIN_FREE_BYTES:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._files.recover()
        self._draft = self._files.create()
        self.video = new_video(self._draft.file, self._suffix)
        return self.video

    def finish(self) -> None:
        """Ends the file well.

        Raises:
            BaseException: one of `encoding_errors`.
        """
        if self.video is not None and self._draft is not None:
            self.video.close()
            self.video = None
            self._keep(self._draft.finish(is_whole=True))
            self._draft = None

    def close(self) -> SinkError | None:
        """Ends the file; the fault that keeps anything from being recorded, if there is one."""
        self.attempt(self.finish)
        if not self._retry.down:
            return None
        return SinkError(f"{self._retry.reported}; check disk space and rights")

    def _abandon(self) -> None:
        """Ends a file that cannot be written any more, so that what it holds can be played."""
        video, draft = self.video, self._draft
        self.video = self._draft = None
        if video is not None:
            with contextlib.suppress(*encoding_errors()):
                video.close()
        if draft is not None:
            with contextlib.suppress(OSError):
                draft.file.close()
            with contextlib.suppress(OSError):  # then `recover` will
                self._keep(draft.finish(is_whole=False))

    def _keep(self, path: Path | None) -> None:
        if path is not None:
            self.number += 1
            self.paths = [*self.paths[1 - _MAX_PATHS :], path]


def _check_path(path: Path) -> None:
    if path.suffix.lower() not in SUFFIXES:
        raise SinkError(f"cannot record to {path}: the name must end in .mp4 or .mkv")
    try:
        make_folder(path.parent)
    except OSError as error:
        raise SinkError(
            f"cannot record to {path}: the folder {path.parent} is not there and cannot be made: "
            f"{reason_of(error)}; check its path and rights"
        ) from None
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise SinkError(f"cannot record to {path}: {path.parent} is read-only; check its rights")
