"""Selection of the images of a camera that are converted and sent: the others are decoded alone."""

from __future__ import annotations

from maskdet.sources.frame_rate import Pace

REPORT_INTERVAL_S = 0.5
"""Seconds after which left out images are reported without one that is sent: they are a sign of
life, and rates are counted by them."""


class Thinning:
    """Chooses the images that are sent, and counts the others.

    Attributes:
        skipped: images left out since the last report.
    """

    def __init__(self, fps: float | None) -> None:
        """Takes the first image.

        Args:
            fps: images to send in a second; None: all.
        """
        self.skipped = 0
        self._pace = Pace(fps, is_live=True)
        self._first: float | None = None
        self._reported = 0.0

    def takes(self, seconds: float, has_image: bool = True) -> bool:
        """Whether to send the image grabbed at that moment; called for each one.

        Args:
            seconds: when.
            has_image: False: it cannot be decoded alone.
        """
        if self._first is None:
            self._first = self._reported = seconds
        if has_image and self._pace.takes(seconds - self._first):
            return True
        self.skipped += 1
        return False

    def is_due(self, seconds: float) -> bool:
        """Whether an image grabbed at that moment would be sent."""
        return self._first is None or self._pace.is_due(seconds - self._first)

    def is_report_due(self, seconds: float) -> bool:
        """Whether the count has waited long enough."""
        return seconds - self._reported >= REPORT_INTERVAL_S

    def report(self, seconds: float) -> int:
        """The count, which begins again."""
        self._reported, count, self.skipped = seconds, self.skipped, 0
        return count
