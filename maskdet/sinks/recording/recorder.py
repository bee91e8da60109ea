"""Annotated video as a sink, which outlives what disks and people do to it.

Every image carries the time it was taken at: the video lasts as long as what it shows, however
unsteady the rate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Unpack

import numpy as np

from maskdet.drawing.blur import blur_observation
from maskdet.drawing.overlay import Overlay
from maskdet.frame import Frame
from maskdet.observation import Observation
from maskdet.sinks.recording.file_recorder import FileOptions, FileRecorder
from maskdet.sinks.recording.packet_ring import EncodedPacket
from maskdet.sinks.recording.timestamps import Timeline
from maskdet.sinks.recording.video_encoder import Video, even

_QUEUE_LENGTH = 8
"""Observations that wait for the encoder before detection waits, too."""
_WRITE_TIMEOUT_S = 5.0
"""Seconds for a single image after which the disk is taken to hang."""


class Recorder(FileRecorder[tuple[Observation, bool], Video]):
    """A sink that records annotated video, encoded in a thread of its own.

    No observation is left out; where the encoder is slower than detection, `write` waits for it. An
    existing file is never overwritten: ``door.mp4`` then becomes ``door-2.mp4``. So does what
    follows a change of the image's size, which a video cannot hold, or an interruption. A file
    appears with the first observation, not before.

    Where the disk is full, read-only or gone, images are left out until it can go on, and a disk
    that hangs does not hold up detection for longer than `_WRITE_TIMEOUT_S`.

    Attributes:
        blur: whether what is written from now on has its faces made unrecognizable.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        draw: Callable[[Observation], np.ndarray] | None = None,
        blur: bool = False,
        **options: Unpack[FileOptions],
    ) -> None:
        """Checks the path; see `FileRecorder`.

        Args:
            path: ends in ``.mp4`` or ``.mkv``.
            draw: makes the image to record, BGR uint8; called in the recorder's thread. Default:
                the frame with boxes and labels, without bar.
            blur: makes faces unrecognizable before that.
            options: of the files.

        Raises:
            SinkError: another suffix, no such folder, or no right to write there.
        """
        super().__init__(path, _QUEUE_LENGTH, **options)
        self.blur = blur
        self._draw = draw or Overlay().draw
        self._timeline = Timeline()
        self._wants_key = False

    def want_key(self) -> None:
        """Makes one of the next images one that a player can begin with; for any thread."""
        self._wants_key = True

    def write(self, observation: Observation) -> None:
        """Queues one observation; raises what killed the recorder's thread, a fault of ours."""
        if not self._is_started:
            self._is_started = True
            self._worker.start()
        timeout = 0.0 if self._hanging.active else _WRITE_TIMEOUT_S
        if self._inbox.put((observation, self.blur), timeout):
            self._hanging.record_success("picture")
        elif self._inbox.closed:
            self._raise_error()
        else:
            self._hanging.count_dropped()
            if not self._hanging.active:
                self._hanging.fail("the disk does not answer", "the monitor goes on without it")

    def _record(self, item: tuple[Observation, bool]) -> None:
        observation, blur = item
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
