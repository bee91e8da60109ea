"""Annotated video as a sink, which outlives what disks and people do to it.

Every image carries the time it was taken at: the video lasts as long as what it shows, however
unsteady the rate.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar, cast

import numpy as np

from maskdet.drawing.blur import blur_observation
from maskdet.drawing.overlay import Overlay
from maskdet.errors import SinkError
from maskdet.frame import Frame
from maskdet.observation import Observation
from maskdet.sinks.recording.file_sequence import FileSequence
from maskdet.sinks.recording.packet_ring import EncodedPacket
from maskdet.sinks.recording.retention import Retention
from maskdet.sinks.recording.timestamps import Timeline
from maskdet.sinks.recording.video_encoder import Video, even
from maskdet.sinks.retry_state import RetryState
from maskdet.system.threads import Closed, Mailbox, Worker

T = TypeVar("T")
Tap = Callable[[float, EncodedPacket], None]
"""Takes a packet and the position of its frame, in seconds."""

_QUEUE_LENGTH = 8
"""Observations that wait for the encoder before detection waits, too."""
_WRITE_TIMEOUT_S = 5.0
"""Seconds for a single image after which the disk is taken to hang."""
_CLOSE_TIMEOUT_S = 0.5
"""Seconds at the end in which something must be written, or the disk is taken to hang."""


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
        tap: takes each packet, for clips; None: nobody wants them.
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
        self._files: FileSequence[Video] = FileSequence(
            self._path,
            segment_seconds=segment_seconds,
            segment_bytes=segment_bytes,
            retention=retention,
            family=family,
            retry_seconds=retry_seconds,
        )
        self.blur = blur
        self.tap: Tap | None = None
        self._draw = draw or Overlay().draw
        self._timeline = Timeline()
        self._hanging = RetryState(f"recording to {self._path}", retry_seconds)
        self._error: BaseException | None = None
        self._inbox: Mailbox[tuple[Observation, bool]] = Mailbox(_QUEUE_LENGTH)
        self._worker = Worker("recorder", self._run, [cast(Mailbox[object], self._inbox)])
        self._started = self._wants_key = False
        self._written = 0

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

    def want_key(self) -> None:
        """Makes one of the next images one that a player can begin with; for any thread."""
        self._wants_key = True

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
            for observation, blur in drain(self._inbox):
                self._record(observation, blur)
                self._written += 1
            self._error = self._files.close()
        except BaseException as error:  # raised in the thread that writes next
            self._error = error
            self._files.close()

    def _record(self, observation: Observation, blur: bool) -> None:
        seen, self._is_blurred = blur_observation(observation) if blur else observation, blur
        image = even(self._draw(seen))
        self._files.record(lambda: self._add(image, observation.frame))

    def _add(self, image: np.ndarray, frame: Frame) -> None:
        self._frame = frame
        self._files.check()
        video = self._files.video
        if video is not None:
            position = self._timeline.position(frame)
            if not self._files.is_over(position) and video.shape == image.shape:
                key, self._wants_key = self._wants_key, False
                video.add(image, position, key=key)
                return
            self._files.finish()
        video = self._files.begin(lambda file, suffix: Video(file, suffix, image.shape))
        video.on_packet = self._take  # a tap may come while the file grows
        self._timeline = Timeline()
        video.add(image, self._timeline.position(frame))

    def _take(self, packet: EncodedPacket) -> None:
        if self.tap is not None:
            self.tap(self._frame.position, replace(packet, is_blurred=self._is_blurred))


def drain(inbox: Mailbox[T]) -> Iterator[T]:
    """Takes items out of the inbox until it is closed."""
    with contextlib.suppress(Closed):
        while True:
            yield cast(T, inbox.get())
