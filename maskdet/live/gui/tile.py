"""One source's place in the window."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from maskdet.contracts import Source
from maskdet.drawing.blur import blur_observation
from maskdet.drawing.overlay import Overlay
from maskdet.drawing.status_text import Status
from maskdet.live.evidence import with_bar
from maskdet.live.gui.playback import Playback
from maskdet.live.pipeline import Pipeline
from maskdet.live.progress import progress_of
from maskdet.observation import Observation
from maskdet.sinks.recording.recording_switch import RecordingSwitch

_LATE = 0.25
"""Seconds by which a file's frame may be late without moving those after it."""
_WAITING_SIZE = (1280, 720)


class Tile:
    """A source's last observation, drawn; and when its next one is due.

    Attributes:
        name: the source's.
        observation: the last one; None before the first.
        picture: as last drawn, BGR uint8.
        picture_box: x, y, width, height of the frame within it; width 0 before the first one.
        drawn: when that was, by the monotonic clock.
        playback: moves about in the source; None for what cannot.
        by_hand: whether the user turns a folder's pictures: none goes on without him.
    """

    def __init__(
        self,
        pipeline: Pipeline,
        index: int,
        source: Source,
        recording: RecordingSwitch,
        overlay: Overlay,
        picture_seconds: float,
    ) -> None:
        """An empty place.

        Args:
            pipeline: knows the source's figures.
            index: the source's position in the pipeline.
            source: what is shown here.
            recording: whether it is recorded.
            overlay: draws.
            picture_seconds: how long a still picture stays.
        """
        self.name = source.name
        self.observation: Observation | None = None
        self.picture = np.zeros((1, 1, 3), np.uint8)
        self.picture_box = (0, 0, 0, 0)
        self.drawn = 0.0
        self.playback = source if isinstance(source, Playback) else None
        self.by_hand = False
        self._pipeline = pipeline
        self._index = index
        self._source = source
        self._recording = recording
        self._overlay = overlay
        self._picture_seconds = picture_seconds
        self._since = time.monotonic()
        self._start = self._hold = 0.0
        self._has_jumped = self._asked_for_next = False

    @property
    def is_single_picture(self) -> bool:
        """Whether it shows one picture, which stays."""
        return self.playback is not None and self.playback.count == 1

    @property
    def has_ended(self) -> bool:
        """Whether nothing more comes of the source."""
        return self._pipeline.stats.has_ended(self._index)

    @property
    def has_been_read(self) -> bool:
        """Whether the last frame was read already: the way back is closed."""
        return self._pipeline.stats.has_been_read(self._index)

    @property
    def has_signal(self) -> bool:
        """Whether what is shown is of now."""
        return self.observation is not None and not self._pipeline.stats.of(self._index).no_signal

    @property
    def picture_size(self) -> tuple[int, int]:
        """(width, height) of the source's picture; before the first one, of what is shown."""
        if self.observation is None:
            return _WAITING_SIZE
        return self.observation.frame.width, self.observation.frame.height

    def due(self, observation: Observation | None) -> float:
        """When to show it, by the monotonic clock; for None, when the last one may go."""
        if self._source.is_live or observation is None:
            return self._hold
        return 0.0 if self._has_jumped else max(self._hold, self._start + observation.frame.time)

    def is_stale(self, observation: Observation) -> bool:
        """Whether the user has gone elsewhere in the file since it was read."""
        return self.playback is not None and self.playback.is_stale(observation.frame)

    def take(self, observation: Observation) -> None:
        """Makes this the observation to show."""
        now, frame = time.monotonic(), observation.frame
        self.observation = observation
        self._since = frame.captured
        if self._source.is_live:
            return
        if self._has_jumped or now - frame.time - self._start > _LATE:  # what follows is as late
            self._start = now - frame.time
        self._has_jumped = self._asked_for_next = False
        is_still = self._source.fps is None and frame.time == 0
        self._hold = now + self._picture_seconds if is_still else 0.0

    def go_on(self) -> None:
        """Has the next picture of a folder read, once the one that is shown has stayed enough."""
        playback = self.playback
        if playback is None or not playback.count or self.observation is None:
            return
        is_held = self.by_hand or self._has_jumped or time.monotonic() < self._hold
        if self.is_single_picture or is_held:
            return
        if playback.at_end:
            playback.finish()
        elif not self._asked_for_next:  # once for each picture
            self._asked_for_next = True
            playback.go_on()

    def jump(self, position: float) -> None:
        """Goes elsewhere in the file: to a second of a video, or a place in a folder."""
        if self.playback is not None:
            self.playback.seek(position)
            self._has_jumped, self._hold = True, 0.0

    def draw(
        self,
        size: tuple[int, int],
        text: int,
        *,
        paused: bool = False,
        blur: bool = False,
        strict: bool = False,
        compact: bool = False,
    ) -> None:
        """Makes `picture` anew.

        Args:
            size: (width, height) of it.
            text: size of the text, pixels.
            paused: whether the user holds the picture.
            blur: whether to make faces unrecognisable.
            strict: whether they are so already.
            compact: whether it stands in a grid.
        """
        status = replace(self._status(paused=paused, blur=blur or strict), compact=compact)
        self.drawn = time.monotonic()
        if self.observation is None:
            message = "" if status.signal_loss_reason else "waiting for the first picture"
            status = replace(status, no_signal=bool(status.signal_loss_reason))
            self.picture = self._overlay.waiting(message, status, size, text)
            self.picture_box = (0, 0, 0, 0)
            return
        shown = blur_observation(self.observation) if blur else self.observation
        self.picture = self._overlay.view(shown, status, size, text)
        self.picture_box = self._overlay.picture_box

    def evidence(self, *, blur: bool) -> np.ndarray | None:
        """The source's picture at its own size, under a bar with the clock; None without one."""
        if self.observation is None:
            return None
        return with_bar(self._overlay)(
            blur_observation(self.observation) if blur else self.observation
        )

    def _status(self, *, paused: bool, blur: bool) -> Status:
        stats = self._pipeline.stats.of(self._index)
        no_signal = stats.no_signal and not paused
        seen = self.observation
        progress = None if seen is None else progress_of(self._source, seen.frame)
        is_picture = progress is not None and progress.count > 0
        age = None if seen is None else (time.monotonic() - self._since) * 1000
        return Status(
            source=self.name,
            capture_fps=stats.capture_fps if stats.captured else None,
            detect_fps=stats.detect_fps if stats.processed and not is_picture else None,
            age_ms=age,
            device=self._pipeline.detector.device,
            recording=self._recording.on and not self._recording.failing,
            not_recording=self._recording.failing,
            paused=paused,
            no_signal=no_signal,
            signal_loss_reason=(self._pipeline.stats.signal_loss_reason(self._index) or "")
            if no_signal
            else "",
            blurred=blur,
            is_file=not self._source.is_live,
            progress="" if progress is None or self.is_single_picture else str(progress),
            share=None if progress is None or progress.count == 1 else progress.share,
        )
