"""The usual view of a camera, and the difference of an image from it: a cheap measure."""

from __future__ import annotations

import cv2
import numpy as np

SIZE = (64, 48)
"""Pixels that an image is made smaller to."""
MEASURE_INTERVAL_S = 0.5
"""Seconds between two measurements; each takes a fraction of a millisecond."""
LEARN_S = 60.0
"""Seconds over which the usual view follows what is seen."""
ADOPT_S = 600.0
"""Seconds after which another view is taken for the usual one: the camera was moved permanently."""
_MIN_DETAIL = 1.5
"""Gray levels of edges below which an image shows nothing, whatever was usual."""
_UNUSUAL_DETAIL, _UNUSUAL_LIKENESS = 0.5, 0.6
"""Below these the usual view does not follow."""


class UsualView:
    """Compares the images of one camera with what it usually shows."""

    def __init__(self) -> None:
        """Knows no image yet."""
        self._usual: np.ndarray | None = None
        self._measured: float | None = None
        self._unusual_since: float | None = None
        self._last: tuple[float, float] | None = None

    def measure(self, image: np.ndarray, seconds: float) -> tuple[float, float] | None:
        """Detail and likeness of an image; None before the first measurement.

        Detail is the strength of edges over the usual one, likeness the correlation of the edges
        with the usual ones. Between two measurements the last one is returned.

        Args:
            image: BGR uint8.
            seconds: of the source, on a clock that never goes back.
        """
        if self._measured is not None and 0 <= seconds - self._measured < MEASURE_INTERVAL_S:
            return self._last
        passed = 0.0 if self._measured is None else max(0.0, seconds - self._measured)
        self._measured = seconds
        edges = _edges(image)
        if self._usual is None:
            self._usual = edges
        usual = float(self._usual.mean())
        strength = float(edges.mean())
        detail = 0.0 if strength < _MIN_DETAIL else strength / max(usual, _MIN_DETAIL)
        likeness = _correlation(edges, self._usual)
        self._last = (detail, likeness)
        self._learn(edges, detail, likeness, seconds, passed)
        return self._last

    def _learn(
        self, edges: np.ndarray, detail: float, likeness: float, seconds: float, passed: float
    ) -> None:
        assert self._usual is not None
        is_usual = detail >= _UNUSUAL_DETAIL and likeness >= _UNUSUAL_LIKENESS
        if is_usual:
            self._unusual_since = None
            share = min(1.0, passed / LEARN_S)
            self._usual += share * (edges - self._usual)
        elif self._unusual_since is None:
            self._unusual_since = seconds
        elif seconds - self._unusual_since >= ADOPT_S and detail > 0:
            self._usual, self._unusual_since = edges, None


def _edges(image: np.ndarray) -> np.ndarray:
    """Strength of edges in a small gray image, float32."""
    small = cv2.resize(image, SIZE, interpolation=cv2.INTER_AREA)
    gray = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.float32)
    return np.asarray(
        np.abs(cv2.Sobel(gray, -1, 1, 0, scale=0.125))
        + np.abs(cv2.Sobel(gray, -1, 0, 1, scale=0.125))
    )


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / norm if norm > 1e-6 else 1.0
