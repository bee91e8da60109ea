"""Plan of the looks at an image: as many as suit its size, and the time for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

Looks = Literal["auto"] | int
"""Number of looks at an image: what suits it automatically, or 1 (once), 2 (with a small look) or
more: with so many parts along either side."""
MAX_LOOKS = 8
"""Parts along a side that may be asked for."""

ENLARGEMENT = 1.25
"""From so many pixels of the image for one of the input on, parts of it show more."""
STILL_ENLARGEMENT = 0.6
"""The same for an image that is not a frame of a video, for which there is time: more faces of 8
to 32 pixels are found in its parts."""
STILL_PARTS = 1.4
"""Parts of such an image along a side, for each pixel of it for one of the input."""
STILL_SIDE = 600
"""Longest input side in pixels up to which that gains anything: the heavy networks, of 640 and 768,
find as much in one look."""
FAR_PARTS = 3
"""Parts along a side from which on most faces of an image are small: 1300 pixels and more."""
SMALL_COST = 0.25
"""What the small look takes, a look at full size being one: its input has a fifth of the pixels."""
MAX_PARTS = 4
"""Along either side, by default: more would find faces that nobody can recognize."""
TIME_BUDGET_S = 1 / 16
"""Seconds that all looks at a live frame may take together …"""
FAR_FPS = 5.0
"""… and frames a second that are left of large ones, whose parts take long: without parts a third
of the faces of a frame of 1920×1080 is found, and people are followed as well at so many …"""
BUSY_SHARE = 0.6
"""… and the share of the time that frames may take of several cameras, or at a rate that is set."""
FULL_FPS = 30.0
"""Frames a second of a camera whose frames have no parts: closer looks are to drop none of them."""
USUAL_FPS = 15.0
"""Frames a second that a camera is worth which is not limited to fewer."""


@dataclass(frozen=True)
class LookPlan:
    """Looks beside the one at the whole image.

    Attributes:
        small: whether the image is processed once more, made small.
        parts: along either side; 1: none.
        far: whether the image is so large that most faces are too small for a look at the whole.
    """

    small: bool
    parts: int
    far: bool = False

    @property
    def looks(self) -> int:
        """Looks in all."""
        return 1 + self.small + (self.parts**2 if self.parts > 1 else 0)

    @property
    def cost(self) -> float:
        """Time that they take together, in looks at full size."""
        return self.looks - self.small * (1 - SMALL_COST)


def plan_looks(looks: Looks, height: int, width: int, side: int, *, still: bool = True) -> LookPlan:
    """The looks that suit an image.

    Args:
        looks: as asked for.
        height: of the image.
        width: of the image.
        side: longest side in pixels of the network's input.
        still: whether it is an image for itself, not a frame of a video.
    """
    if looks != "auto":
        return LookPlan(looks > 1, looks if looks > 2 else 1)
    ratio = max(height, width) / side
    parts = int(np.ceil(ratio - 0.25)) if ratio > ENLARGEMENT else 1
    if still and side <= STILL_SIDE and ratio > STILL_ENLARGEMENT:
        parts = max(parts, 2, round(STILL_PARTS * ratio))
    return LookPlan(True, min(parts, MAX_PARTS), far=parts >= FAR_PARTS)


def time_budget(fps: Sequence[float | None]) -> float:
    """Seconds that all looks at a frame may take, where cameras share the detector.

    Args:
        fps: frames a second to process, of each camera; None: all.
    """
    wanted = sum(each or USUAL_FPS for each in fps)
    longest = 1 / FAR_FPS if all(fps) else TIME_BUDGET_S
    shared = min(longest, BUSY_SHARE / wanted)
    return shared if len(fps) > 1 else max(shared, TIME_BUDGET_S)


def far_budget(fps: Sequence[float | None]) -> float:
    """Seconds that the looks at a frame may take where most of its faces are small.

    Args:
        fps: as for `time_budget`.
    """
    wanted = sum(each / BUSY_SHARE if each else FAR_FPS for each in fps)
    return max(time_budget(fps), 1 / max(FAR_FPS, wanted))
