"""Motion gating: a cheap difference on a small gray image decides whether to process a frame."""

from __future__ import annotations

import cv2
import numpy as np

MAX_SKIP_S = 1.0
"""Seconds between two processed frames, at most."""
HOLD_S = 1.0
"""Seconds after the last motion in which every frame is processed: people are confirmed, and what
they wear and where they stand is known, before frames are left out."""
SMALL_SIDE = 160
"""Pixels of the small image's longest side."""
MIN_STEP = 6.0
"""Gray levels by which a pixel must change, however quiet the camera is."""
MAX_STEP = 16.0
"""Gray levels beyond which a change counts, however noisy the camera is."""
MIN_PIXELS = 4
"""Pixels of the small image that must change."""
NOISE_FACTOR = 6.0
"""Standard deviations of the camera's noise by which a pixel must change."""
NOISE_GROWTH_PER_FRAME = 0.05
"""Gray levels by which the noise is taken to grow at most: a large motion is not noise."""
_LOWER_QUARTILE = 0.3186
"""Of the absolute value of noise, in its standard deviations."""
_SAMPLE_STEP = 3


class MotionGate:
    """Decides for each frame of one live source whether anything has moved.

    A frame is compared with one that is a second old at most, so that slow motion adds up. A change
    of the whole image's brightness is not motion; a light that falls on part of it is. In doubt a
    frame is processed.
    """

    def __init__(self) -> None:
        """Knows no frame yet; the first one passes."""
        self._anchor: np.ndarray | None = None
        self._anchored = self._passed = self._seconds = self._open_until = 0.0
        self._noise = 0.0
        self._shape: tuple[int, ...] = ()

    def passes(self, image: np.ndarray, seconds: float) -> bool:
        """Whether a frame has to be processed; called with every frame, in order.

        Args:
            image: BGR uint8.
            seconds: of the source, on a clock that never goes back.
        """
        small = small_gray(image)
        gap, self._seconds = seconds - self._seconds, seconds
        if image.shape != self._shape or gap < 0:
            self._shape = image.shape
            self._open_until = seconds + HOLD_S
            self._take_anchor(small, seconds)
        elif self._has_moved(small):
            self._open_until = seconds + HOLD_S
        is_due = seconds + gap - self._passed > MAX_SKIP_S  # the next frame would be too late
        if seconds >= self._open_until and not is_due:
            return False
        self._passed = seconds
        if seconds - self._anchored >= MAX_SKIP_S or is_due:
            self._take_anchor(small, seconds)
        return True

    def hold(self) -> None:
        """Lets the frames of the next moment pass: the faces found differ from those before."""
        self._open_until = self._seconds + HOLD_S

    def _take_anchor(self, small: np.ndarray, seconds: float) -> None:
        self._anchor, self._anchored = small, seconds

    def _has_moved(self, small: np.ndarray) -> bool:
        assert self._anchor is not None
        change = small - self._anchor
        sample = change[::_SAMPLE_STEP, ::_SAMPLE_STEP]
        change -= np.median(sample)
        change = np.abs(change, out=change)
        noise = float(np.percentile(change[::_SAMPLE_STEP, ::_SAMPLE_STEP], 25)) / _LOWER_QUARTILE
        self._noise = min(noise, self._noise + NOISE_GROWTH_PER_FRAME)
        step = min(max(NOISE_FACTOR * self._noise, MIN_STEP), MAX_STEP)
        return int(np.count_nonzero(change > step)) >= MIN_PIXELS


def small_gray(image: np.ndarray) -> np.ndarray:
    """A small, slightly blurred gray image, float32.

    Args:
        image: BGR uint8.
    """
    height, width = image.shape[:2]
    scale = min(1.0, SMALL_SIDE / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    gray = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.float32)
    return np.asarray(cv2.blur(gray, (3, 3)), np.float32)
