"""A clock that never goes back, out of the times of a source's frames."""

from __future__ import annotations

from maskdet.frame import Frame

_SHARE = 0.2


class SourceClock:
    """Seconds that have passed in a source, whatever its frames' times do.

    Attributes:
        now: seconds since the first frame.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self._before: float | None = None
        self._interval = 0.04
        self._frame_time = self._frame_utc = 0.0

    def advance(self, frame: Frame) -> float:
        """Takes a frame's times; returns the seconds since the frame before.

        A time that lies before the last one (a clock set back, a file moved back in) counts as one
        ordinary interval: people in the image stay who they are.
        """
        self._frame_time, self._frame_utc = frame.time, frame.utc
        return self.step(frame.position)

    def step(self, position: float) -> float:
        """Takes a position alone; returns the seconds since the one before."""
        before, self._before = self._before, position
        if before is None:
            return 0.0
        seconds = position - before
        if seconds < 0:
            seconds = self._interval
        elif seconds > 0:
            self._interval += _SHARE * (seconds - self._interval)
        self.now += seconds
        return seconds

    def time_of(self, moment: float) -> float:
        """A moment of this clock on the source's own time line, as of the newest frame."""
        return self._frame_time - (self.now - moment)

    def utc_of(self, moment: float) -> float:
        """A moment of this clock as Unix time, likewise."""
        return self._frame_utc - (self.now - moment)
