"""Selection of frames at a rate: the first frame of each interval of the source's own time."""

from __future__ import annotations

from math import floor

_FILE_SLACK_S = 0.001
"""Time stamps of files are rounded to milliseconds."""
_LIVE_SLACK = 0.25
"""Part of an interval by which a camera's frame may come early: cameras are never quite even."""


class Pace:
    """Takes the first frame at or after each multiple of an interval, counted in the source's time.

    So the same file gives the same frames each time. Frames without times, such as the images of
    a folder, are all taken.
    """

    def __init__(self, fps: float | None, *, is_live: bool) -> None:
        """Takes the first frame, whatever its position.

        Args:
            fps: frames to take in a second; None: all.
            is_live: whether the positions are a camera's, which are uneven.
        """
        self._step = 1 / fps if fps else 0.0
        self._slack = self._step * _LIVE_SLACK
        if not is_live:
            self._slack = min(self._slack, _FILE_SLACK_S)
        self._last: float | None = None
        self._next = 0.0

    def is_due(self, position: float) -> bool:
        """Whether a frame at this position, in seconds, would be taken."""
        is_first = self._last is None or position <= self._last  # also after going back in a file
        return is_first or not self._step or position + self._slack >= self._next

    def takes(self, position: float) -> bool:
        """Whether to take the frame at this position, in seconds; called for every frame."""
        is_due, self._last = self.is_due(position), position
        if is_due and self._step:
            self._next = (floor((position + self._slack) / self._step) + 1) * self._step
        return is_due
