"""Annotated video as a sink, which outlives what disks and people do to it.

Every image carries the time it was taken at: the video lasts as long as what it shows, however
unsteady the rate. What fails is reported once, tried again, and reported when it goes on: the
monitor never ends because a disk is full.
"""

from __future__ import annotations

import contextlib
import errno
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar, cast

import numpy as np

from maskdet.drawing.blur import blur_observation
from maskdet.drawing.overlay import Overlay
from maskdet.errors import SinkError
from maskdet.frame import Frame
from maskdet.observation import Observation
from maskdet.sinks.output_files import Folder
from maskdet.sinks.recording.packet_ring import EncodedPacket
from maskdet.sinks.recording.retention import Retention
from maskdet.sinks.recording.segments import GONE, Draft, Files, Segments, SingleFile
from maskdet.sinks.recording.timestamps import Timeline
from maskdet.sinks.recording.video_encoder import SUFFIXES, Video, encoding_errors, even
from maskdet.sinks.retry_state import RetryState
from maskdet.system.folders import make_folder
from maskdet.system.threads import Closed, Mailbox, Worker

T = TypeVar("T")
Tap = Callable[[Frame, EncodedPacket], None]

_QUEUE_LENGTH = 8
"""Observations that wait for the encoder before detection waits, too."""
_WRITE_TIMEOUT_S = 5.0
"""Seconds for a single image after which the disk is taken to hang."""
_CLOSE_TIMEOUT_S = 0.5
"""Seconds at the end in which something must be written, or the disk is taken to hang."""
_CHECK_INTERVAL_S = 1.0
"""Between two looks at whether the file is still there."""
_RETENTION_INTERVAL_S = 10.0
"""Between two looks at what is to be deleted."""
_MIN_FREE_BYTES = 16_000_000
"""Bytes to be free before a disk that was full is tried again, or crumbs would be recorded."""
_MAX_PATHS = 100
"""Paths kept for the report at the end, so that weeks of segments do not add up."""


class Recorder:
    """A sink that records annotated video, encoded in a thread of its own.

    No observation is left out; where the encoder is slower than detection, `write` waits for it. An
    existing file is never overwritten: ``door.mp4`` then becomes ``door-2.mp4``. So does what
    follows a change of the image's size, which a video cannot hold, or an interruption. A file
    appears with the first observation, not before.

    Where the disk is full, read-only or gone, images are left out until it can go on, and a disk
    that hangs does not hold up detection for longer than `_WRITE_TIMEOUT_S`.

    Attributes:
        blur: whether what is written from now on has its faces made unrecognizable.
        paths: the files written so far, the newest last; of very many, the newest ones.
        files: how many there were.
        tap: called with each frame and its packet, for clips; None: nobody wants them.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        draw: Callable[[Observation], np.ndarray] | None = None,
        blur: bool = False,
        segment_seconds: float | None = None,
        segment_bytes: float | None = None,
        retention: Retention | None = None,
        family: str = "",
        retry_seconds: float = 5.0,
    ) -> None:
        """Checks the path; of this recording nothing is written yet.

        With a length or size of segments, what a killed run has left of them is finished here.

        Args:
            path: ends in ``.mp4`` or ``.mkv``.
            draw: makes the image to record, BGR uint8; called in the recorder's thread. Default:
                the frame with boxes and labels, without bar.
            blur: makes faces unrecognizable before that.
            segment_seconds: begins a new file after so long; see `Segments`.
            segment_bytes: begins a new file at about this size.
            retention: how long to keep segments.
            family: what the names of recordings begin with that are kept or deleted together.
            retry_seconds: how soon to try again after a failure.

        Raises:
            SinkError: another suffix, no such folder, or no right to write there.
        """
        self._path = Path(path)
        _check(self._path)
        encoding_errors()  # imports PyAV here, before the first frame, not while frames wait for it
        self.blur = blur
        self.paths: list[Path] = []
        self.files = 0
        self.tap: Tap | None = None
        self._draw = draw or Overlay().draw
        self._segment_seconds = segment_seconds or float("inf")
        self._segment_bytes = segment_bytes or float("inf")
        self._files: Files = SingleFile(self._path)
        if segment_seconds or segment_bytes:
            self._files = Segments(self._path, retention, family)
        self._files.recover()
        self._folder = Folder(self._path.parent)
        self._retry = RetryState(f"recording to {self._path}", retry_seconds)
        self._hanging = RetryState(f"recording to {self._path}", retry_seconds)
        self._video: Video | None = None
        self._draft: Draft | None = None
        self._check_due = self._tidy_due = 0.0
        self._error: BaseException | None = None
        self._inbox: Mailbox[tuple[Observation, bool]] = Mailbox(_QUEUE_LENGTH)
        self._worker = Worker("recorder", self._run, [cast(Mailbox[object], self._inbox)])
        self._started = False
        self._written = 0

    @property
    def failing(self) -> bool:
        """Whether, at the moment, nothing is recorded."""
        return self._retry.active or self._hanging.active

    def write(self, observation: Observation) -> None:
        """Queues one observation; raises what killed the recorder's thread, a fault of ours."""
        if not self._started:
            self._started = True
            self._worker.start()
        timeout = 0.0 if self._hanging.active else _WRITE_TIMEOUT_S
        if self._inbox.put((observation, self.blur), timeout):
            self._hanging.record_success("pictures")
        elif self._inbox.closed:
            self._raise_error()
        else:
            self._hanging.count_dropped()
            if not self._hanging.active:
                self._hanging.fail("the disk does not answer", "the monitor goes on without it")

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

    def _raise_error(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _run(self) -> None:
        """The recorder's thread: encodes until the inbox ends."""
        try:
            for observation, blur in _drain(self._inbox):
                self._record(observation, blur)
                self._written += 1
            self._try(self._finish)
            if self._retry.down:
                self._error = SinkError(f"{self._retry.reported}; check disk space and rights")
        except BaseException as error:  # raised in the thread that writes next
            self._error = error
            self._try(self._finish)

    def _record(self, observation: Observation, blur: bool) -> None:
        seen = blur_observation(observation) if blur else observation
        image = even(self._draw(seen))
        if not (self._retry.due and self._try(lambda: self._add(image, observation.frame))):
            self._retry.count_dropped()
        else:
            self._retry.record_success("pictures")

    def _try(self, do: Callable[[], None]) -> bool:
        """Does it; where the disk does not allow it, notes that and ends the file as it is."""
        try:
            do()
        except encoding_errors() as error:
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            self._abandon()
            advice = "check disk space and rights; it goes on when it can"
            self._retry.fail(reason, advice)
            return False
        return True

    def _add(self, image: np.ndarray, frame: Frame) -> None:
        self._frame = frame
        self._check()
        if self._video is not None:
            position = self._timeline.position(frame)
            is_over = position >= self._segment_seconds or self._video.size >= self._segment_bytes
            if not is_over and self._video.shape == image.shape:
                self._video.add(image, position)
                return
            self._finish()
        self._begin(image.shape)
        assert self._video is not None
        self._video.add(image, self._timeline.position(frame))

    def _check(self) -> None:
        """Now and then: whether the file is still there and there is room for more."""
        now = time.monotonic()
        if self._draft is None or now < self._check_due:
            return
        self._check_due = now + _CHECK_INTERVAL_S
        if self._draft.is_gone:
            raise FileNotFoundError(errno.ENOENT, GONE)
        if now > self._tidy_due:
            self._tidy_due = now + _RETENTION_INTERVAL_S
            self._files.tidy()

    def _begin(self, shape: tuple[int, ...]) -> None:
        self._folder.make_again()
        if self._retry.active:
            if self._folder.free < _MIN_FREE_BYTES:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._files.recover()
        self._draft = self._files.create()
        self._video = Video(self._draft.file, self._path.suffix.lower(), shape)
        self._video.on_packet = self._take if self.tap is not None else None
        self._timeline = Timeline()

    def _take(self, packet: EncodedPacket) -> None:
        if self.tap is not None:
            self.tap(self._frame, packet)

    def _finish(self) -> None:
        """Ends the file well."""
        if self._video is not None and self._draft is not None:
            self._video.close()
            self._video = None
            self._keep(self._draft.finish(is_whole=True))
            self._draft = None

    def _abandon(self) -> None:
        """Ends a file that cannot be written any more, so that what it holds can be played."""
        video, draft = self._video, self._draft
        self._video = self._draft = None
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
            self.files += 1
            self.paths = [*self.paths[1 - _MAX_PATHS :], path]


def _check(path: Path) -> None:
    if path.suffix.lower() not in SUFFIXES:
        raise SinkError(f"cannot record to {path}: the name must end in .mp4 or .mkv")
    try:
        make_folder(path.parent)
    except OSError as error:
        raise SinkError(
            f"cannot record to {path}: the folder {path.parent} is not there and cannot be made: "
            f"{error.strerror}; check its path and rights"
        ) from None
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise SinkError(f"cannot record to {path}: {path.parent} is read-only; check its rights")


def _drain(inbox: Mailbox[T]) -> Iterator[T]:
    """Takes items out of the inbox until it is closed."""
    with contextlib.suppress(Closed):
        while True:
            yield cast(T, inbox.get())
