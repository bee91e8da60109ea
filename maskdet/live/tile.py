"""One source's place in the window."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from maskdet.contracts import Source
from maskdet.live.blur import blur_observation
from maskdet.live.montage import fit
from maskdet.live.overlay import Overlay
from maskdet.live.pipeline import Pipeline
from maskdet.live.status import Status
from maskdet.live.switch import RecordingSwitch
from maskdet.observation import Observation

_LATE = 0.25
"""Seconds by which a file's frame may be late without moving those after it."""
_WAITING_SIZE = (640, 480)


class Tile:
    """A source's last observation, drawn; and when its next one is due.

    Attributes:
        name: the source's.
        observation: the last one; None before the first.
        picture: as last drawn, BGR uint8.
        drawn: when that was, by the monotonic clock.
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
        self.drawn = 0.0
        self._pipeline = pipeline
        self._index = index
        self._source = source
        self._recording = recording
        self._overlay = overlay
        self._picture_seconds = picture_seconds
        self._since = time.monotonic()
        self._start = self._hold = 0.0

    def due(self, observation: Observation | None) -> float:
        """When to show it, by the monotonic clock; for None, when the last one may go."""
        if self._source.is_live or observation is None:
            return self._hold
        return max(self._hold, self._start + observation.frame.time)

    def take(self, observation: Observation) -> None:
        """Makes this the observation to show."""
        now, frame = time.monotonic(), observation.frame
        self.observation = observation
        self._since = frame.captured
        if not self._source.is_live:
            if now - frame.time - self._start > _LATE:  # then what follows is as late
                self._start = now - frame.time
            is_still = self._source.fps is None and frame.time == 0
            self._hold = now + self._picture_seconds if is_still else 0.0

    def draw(self, cell: tuple[int, int] | None, *, paused: bool, blur: bool, help_: bool) -> None:
        """Makes `picture` anew.

        Args:
            cell: (width, height) in a window of several; None for the frame's own size.
            paused: whether the user holds the picture.
            blur: whether to make faces unrecognisable.
            help_: whether to show the keys.
        """
        status = self._status(paused=paused, blur=blur, help_=help_)
        self.drawn = time.monotonic()
        if self.observation is None:
            text = "" if status.trouble else "waiting for the first picture"
            status = replace(status, no_signal=bool(status.trouble))
            self.picture = self._overlay.message(text, cell or _WAITING_SIZE, status)
            return
        shown = blur_observation(self.observation) if blur else self.observation
        self.picture = self._overlay.draw(fit(shown, cell) if cell else shown, status)

    def _status(self, *, paused: bool, blur: bool, help_: bool) -> Status:
        stats = self._pipeline.stats(self._index)
        no_signal = stats.no_signal and not paused
        age = None if self.observation is None else (time.monotonic() - self._since) * 1000
        return Status(
            source=self.name,
            capture_fps=stats.capture_fps if stats.captured else None,
            detect_fps=stats.detect_fps if stats.processed else None,
            age_ms=age,
            device=self._pipeline.detector.device,
            recording=self._recording.on and not self._recording.failing,
            not_recording=self._recording.failing,
            paused=paused,
            no_signal=no_signal,
            trouble=(self._pipeline.trouble(self._index) or "") if no_signal else "",
            blurred=blur,
            help=help_,
        )
