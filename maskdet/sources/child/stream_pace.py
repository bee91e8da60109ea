"""Whether a stream comes faster than it is decoded, and which of its images are old."""

from __future__ import annotations

import time

import cv2


class Busy:
    """Detects whether one thread, which holds no image back, is too few for a stream.

    Then it never waits for an image, and they would come later and later.
    """

    _WINDOW = 3.0  # seconds
    _MAX_BUSY_SHARE = 0.9

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._began, self._used = time.monotonic(), time.thread_time()

    @property
    def all_the_time(self) -> bool:
        """Whether this thread computed nearly all the time of the window that ends now, if any."""
        elapsed = time.monotonic() - self._began
        if elapsed < self._WINDOW:
            return False
        share = (time.thread_time() - self._used) / elapsed
        self._begin()
        return share > self._MAX_BUSY_SHARE


class Queued:
    """Distinguishes images that queued up before anybody wanted them, which are old, from new ones.

    They come faster than they were filmed.
    """

    _MAX_PERIOD_S = 3.0  # seconds

    def __init__(self, capture: cv2.VideoCapture) -> None:
        self._capture = capture
        self._until = time.monotonic() + self._MAX_PERIOD_S
        self._is_slow = not capture.get(cv2.CAP_PROP_FPS) >= 5  # its next image may be far off
        self._last: tuple[float, float] | None = None

    def has(self, now: float) -> bool:
        """Whether the image grabbed just now is one of them."""
        position = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        last, self._last = self._last, (now, position)
        if self._is_slow or now > self._until:
            return False
        return last is None or now - last[0] < (position - last[1]) / 2
