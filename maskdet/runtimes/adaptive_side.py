"""Input size by machine: the largest at which the network keeps up with live frames.

A network of free input size is good at some smaller sizes, too (`model.card.InputSize.sides`); a
slow processor does better with one of these than with a picture that is always late.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from maskdet.contracts import Detector
from maskdet.detections import Detections
from maskdet.system.console import say

LOOK_BUDGET_S = 1 / 24
"""Seconds that a look at the whole image may take: with the small look and some 10 ms for what else
a frame needs that is 16 frames a second (measured: looks of 44 to 47 ms leave 14 or 15)."""
MEASURED_IMAGES = 12
"""Images that are timed before a size is chosen; the median counts, as the first ones are slow."""


def choose_side(seconds: float, side: int, sides: Sequence[int], budget_s: float) -> int:
    """The largest side at which an image takes so long at most; the smallest where none does.

    Args:
        seconds: of an image at `side`; it grows with the square of the side.
        side: longest side in pixels of the input that was measured.
        sides: smaller ones.
        budget_s: seconds that an image may take.
    """
    if seconds <= budget_s:
        return side
    smaller = sorted((each for each in sides if each < side), reverse=True)
    fits = (each for each in smaller if seconds * (each / side) ** 2 <= budget_s)
    return next(fits, smaller[-1] if smaller else side)


class ResizableDetector(Detector, Protocol):
    """A detector whose input may have another size.

    Attributes:
        side: longest side in pixels of the network's input, a multiple of 32.
    """

    side: int


class AdaptiveSideDetector:
    """Another detector, whose input becomes smaller where the machine is too slow for it.

    It measures and chooses only after `keep_up`; without, the size stays as it is.
    """

    def __init__(
        self,
        detector: ResizableDetector,
        sides: Sequence[int],
        *,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Wraps a detector, which it closes, too.

        Args:
            detector: on one image after another.
            sides: smaller longest sides of the input at which the model is good.
            clock: seconds.
        """
        self.name = detector.name
        self._detector = detector
        self._sides = sides
        self._own_side = detector.side
        self._clock = clock
        self._budget: float | None = None
        self._seconds: list[float] = []

    @property
    def device(self) -> str:
        """Where it computes, and the size of its input where that is not the model's own."""
        if self._detector.side == self._own_side:
            return self._detector.device
        return f"{self._detector.device}, {self._detector.side} px"

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        """Faces of each image (BGR uint8), best first."""
        began = self._clock()
        found = self._detector.detect(images)
        if self._budget is not None and images:
            self._measure((self._clock() - began) / len(images))
        return found

    def warm_up(self) -> None:
        """Runs once, so that the first image is not late."""
        self._detector.warm_up()

    def keep_up(self, budget_s: float = LOOK_BUDGET_S) -> None:
        """Measures the next images, and makes the input smaller until one is fast enough.

        Args:
            budget_s: seconds that an image may take.
        """
        self._budget = budget_s

    def close(self) -> None:
        """Frees the model."""
        self._detector.close()

    def _measure(self, seconds: float) -> None:
        """Adds the time of an image; after enough of them the size is chosen."""
        self._seconds.append(seconds)
        if len(self._seconds) < MEASURED_IMAGES:
            return
        assert self._budget is not None
        measured, self._seconds = statistics.median(self._seconds), []
        side = self._detector.side
        self._detector.side = choose_side(measured, side, self._sides, self._budget)
        if self._detector.side == side:
            self._budget = None
            return
        say(
            f"an image takes {measured * 1000:.0f} ms at {side} pixels here; the input is "
            f"{self._detector.side} pixels from now on (side={self._own_side} keeps it)"
        )
