"""One source's place in the window."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from maskdet.contracts import Source
from maskdet.drawing.blur import blur_observation
from maskdet.drawing.overlay import Overlay
from maskdet.drawing.status_text import Status
from maskdet.live.gui.playback import Pacing
from maskdet.live.gui.view import View
from maskdet.live.pipeline import Pipeline
from maskdet.live.progress import progress_of
from maskdet.live.recording.evidence import with_bar
from maskdet.observation import Observation, Shape
from maskdet.sinks.recording.recording_switch import RecordingSwitch

_WAITING_SIZE = (1280, 720)


class Tile:
    """A source's last observation, drawn.

    Attributes:
        name: the source's.
        observation: the last one; None before the first.
        image: as last drawn, BGR uint8.
        image_box: x, y, width, height of the frame within it; width 0 before the first one.
        drawn: when that was, by the monotonic clock.
        pacing: when its next one is due.
        source: what is shown here.
        recording: of that source.
        is_off: whether its camera is paused.
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
            pipeline: knows the source's values.
            index: the source's position in the pipeline.
            source: what is shown here.
            recording: of that source.
            overlay: draws.
            picture_seconds: how long a still image stays.
        """
        self.name = source.name
        self.observation: Observation | None = None
        self.image = np.zeros((1, 1, 3), np.uint8)
        self.image_box = (0, 0, 0, 0)
        self.drawn = 0.0
        self.pacing = Pacing(source, picture_seconds)
        self._pipeline = pipeline
        self._index = index
        self.source = source
        self.is_off = False
        self.recording = recording
        self._overlay = overlay
        self._since = time.monotonic()

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
        if self.observation is None or self.is_off:
            return False
        return not self._pipeline.stats.of(self._index).no_signal

    @property
    def image_size(self) -> tuple[int, int]:
        """(width, height) of the source's image; before the first one, of what is shown."""
        if self.observation is None:
            return _WAITING_SIZE
        return self.observation.frame.width, self.observation.frame.height

    def take(self, observation: Observation) -> None:
        """Makes this the observation to show."""
        self.observation = observation
        self._since = observation.frame.captured
        self.pacing.record_shown(observation.frame)

    def show_places(self, shapes: tuple[Shape, ...]) -> None:
        """Shows these zones and lines in an image that is held, too."""
        if self.observation is not None:
            self.observation = self.observation.with_shapes(shapes)

    def draw(
        self,
        size: tuple[int, int],
        text: int,
        view: View,
        *,
        compact: bool = False,
        margins: tuple[int, int] = (0, 0),
    ) -> None:
        """Makes `image` again.

        Args:
            size: (width, height) of it.
            text: size of the text, pixels.
            view: what the user has chosen.
            compact: whether it stands in a grid.
            margins: pixels that stay free beside and below the frame.
        """
        status = replace(self._status(view), compact=compact)
        self.drawn = time.monotonic()
        if self.is_off:
            off = replace(status, paused=True, age_ms=None, capture_fps=None, detect_fps=None)
            self.image = self._overlay.waiting("paused", off, size, text)
            self.image_box = (0, 0, 0, 0)
            return
        if self.observation is None:
            message = "" if status.signal_loss_reason else "waiting for the first picture"
            status = replace(status, no_signal=bool(status.signal_loss_reason))
            self.image = self._overlay.waiting(message, status, size, text)
            self.image_box = (0, 0, 0, 0)
            return
        shown = blur_observation(self.observation) if view.blur else self.observation
        self.image = self._overlay.view(shown, status, size, text, margins)
        self.image_box = self._overlay.image_box

    def evidence(self, *, blur: bool) -> np.ndarray | None:
        """The source's image at its own size, under a bar with the clock; None without one."""
        if self.observation is None or self.is_off:
            return None
        return with_bar(self._overlay)(
            blur_observation(self.observation) if blur else self.observation
        )

    def _status(self, view: View) -> Status:
        stats = self._pipeline.stats.of(self._index)
        no_signal = stats.no_signal and not view.paused
        seen = self.observation
        progress = None if seen is None else progress_of(self.source, seen.frame)
        is_image = progress is not None and progress.count > 0
        age = None if seen is None else (time.monotonic() - self._since) * 1000
        return Status(
            source=self.name,
            capture_fps=stats.capture_fps if stats.captured else None,
            detect_fps=stats.detect_fps if stats.processed and not is_image else None,
            age_ms=age,
            device=self._pipeline.detector.device,
            recording=self.recording.on and not self.recording.failing,
            not_recording=self.recording.failing,
            paused=view.paused,
            no_signal=no_signal,
            signal_loss_reason=(self._pipeline.stats.signal_loss_reason(self._index) or "")
            if no_signal
            else "",
            blurred=view.blur or view.strict,
            is_file=not self.source.is_live,
            progress="" if progress is None or self.pacing.is_single_image else str(progress),
            share=None if progress is None or progress.count == 1 else progress.share,
        )
