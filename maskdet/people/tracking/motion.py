"""Movement of one face: a constant-velocity Kalman filter in units of the face's own width.

Noise is measured in face widths, so the same filter serves a face of 15 pixels far away and one of
300 pixels at a webcam; time is measured in seconds, so it serves every frame rate.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

MEASUREMENT_NOISE = 0.09
"""Standard deviation of a detection's center, in face widths."""
INITIAL_SPEED = 2.5
"""Standard deviation of the speed of a new face, in face widths per second."""
ACCELERATION = 1.2
"""How fast a velocity changes: standard deviation after one second, in face widths per second."""
SIZE_NOISE = 0.13
"""Standard deviation of the logarithm of a detection's size."""
SIZE_DRIFT = 0.25
"""Standard deviation of that logarithm's change in a second without a detection."""
_SIZE_GAIN_S = 0.35
"""Time constant of the smoothed size, seconds."""


class Motion:
    """Position, velocity and size of a face, and how certain they are.

    Attributes:
        x: center from the left edge, pixels.
        y: center from the top edge, pixels.
        vx: velocity, pixels per second.
        vy: likewise, downwards.
        width: smoothed width, pixels.
        height: smoothed height, pixels.
        variance: of the position along one axis, in square face widths.
        unseen: seconds since the last detection.
    """

    __slots__ = (
        "_covariance",
        "_speed_variance",
        "height",
        "unseen",
        "variance",
        "vx",
        "vy",
        "width",
        "x",
        "y",
    )

    def __init__(self, box: Sequence[float]) -> None:
        """Begins with a first detection.

        Args:
            box: x1, y1, x2, y2 in pixels.
        """
        self.x, self.y, self.width, self.height = _center(box)
        self.vx = self.vy = self.unseen = 0.0
        self.variance = MEASUREMENT_NOISE**2
        self._covariance = 0.0
        self._speed_variance = INITIAL_SPEED**2

    @property
    def size(self) -> float:
        """The face's width and height in one number, pixels."""
        return math.sqrt(self.width * self.height)

    @property
    def box(self) -> np.ndarray:
        """The box x1, y1, x2, y2 where the face should be, float32 (4,)."""
        half = np.array([self.width / 2, self.height / 2])
        center = np.array([self.x, self.y])
        return np.concatenate([center - half, center + half]).astype(np.float32)

    def predict(self, seconds: float) -> None:
        """Moves on in time without a detection."""
        self.x += self.vx * seconds
        self.y += self.vy * seconds
        self.unseen += seconds
        noise = ACCELERATION**2
        self.variance += (
            2 * seconds * self._covariance
            + seconds**2 * self._speed_variance
            + noise * seconds**3 / 3
        )
        self._covariance += seconds * self._speed_variance + noise * seconds**2 / 2
        self._speed_variance += noise * seconds

    def correct(self, box: Sequence[float]) -> None:
        """Takes a detection in.

        Args:
            box: x1, y1, x2, y2 in pixels.
        """
        x, y, width, height = _center(box)
        total = self.variance + MEASUREMENT_NOISE**2
        gain, speed_gain = self.variance / total, self._covariance / total
        dx, dy = x - self.x, y - self.y
        self.x += gain * dx
        self.y += gain * dy
        self.vx += speed_gain * dx
        self.vy += speed_gain * dy
        self._speed_variance -= speed_gain * self._covariance
        self._covariance *= 1 - gain
        self.variance *= 1 - gain
        share = 1 - math.exp(-max(self.unseen, 0.04) / _SIZE_GAIN_S)
        self.width += share * (width - self.width)
        self.height += share * (height - self.height)
        self.unseen = 0.0

    def leap(self, box: Sequence[float]) -> None:
        """Goes on at a detection that the velocity does not explain.

        Args:
            box: x1, y1, x2, y2 in pixels.
        """
        self.x, self.y, _, _ = _center(box)
        self.variance, self._covariance = MEASUREMENT_NOISE**2, 0.0
        self.correct(box)

    def rescale(self, across: float, down: float) -> None:
        """Follows a change of the image's size by these factors."""
        self.x, self.vx, self.width = self.x * across, self.vx * across, self.width * across
        self.y, self.vy, self.height = self.y * down, self.vy * down, self.height * down

    def halt(self, spread: float) -> None:
        """Forgets the velocity: it is about where it was.

        Args:
            spread: standard deviation of the position along one axis, in face widths.
        """
        self.vx = self.vy = self._covariance = 0.0
        self._speed_variance = INITIAL_SPEED**2
        self.variance = spread**2


def _center(box: Sequence[float]) -> tuple[float, float, float, float]:
    """Center and size of a box; the size is at least one pixel."""
    x1, y1, x2, y2 = (float(side) for side in box)
    return (x1 + x2) / 2, (y1 + y2) / 2, max(x2 - x1, 1.0), max(y2 - y1, 1.0)
