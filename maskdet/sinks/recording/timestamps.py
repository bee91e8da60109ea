"""Positions in a video, by the times of frames."""

from __future__ import annotations

from maskdet.frame import Frame

_MAX_STEP_S = 10.0
"""Seconds between frames above which a file's time line is taken to have jumped."""


class Timeline:
    """Turns the frames' times into positions in the video, which only ever grow."""

    def __init__(self) -> None:
        self._last: Frame | None = None
        self._position = 0.0

    def position(self, frame: Frame) -> float:
        """Seconds since the first frame.

        Live sources have the time of day, which can be set: for them the time counts that passed
        on this machine. So it does where a file's time stands still, runs back or leaps.
        """
        if self._last is not None:
            step = frame.time - self._last.time
            if frame.has_clock_time or not 0 < step <= _MAX_STEP_S:
                step = max(frame.captured - self._last.captured, 1e-3)
            self._position += step
        self._last = frame
        return self._position
