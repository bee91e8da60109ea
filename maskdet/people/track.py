"""One face while it is followed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from maskdet.people.appearance import blended
from maskdet.people.motion import Motion

UNCONFIRMED = -1
"""Track id of a face that is not known for a person yet."""


@dataclass(eq=False)
class Track:
    """A face followed from frame to frame.

    Attributes:
        motion: where it is.
        began: time of the first detection, seconds of the tracker's own clock.
        seen: time of the newest detection, likewise.
        track_id: number of the person; `UNCONFIRMED` until it is one.
        detections: how many there were.
        frames: processed frames since the first detection.
        row: index of this frame's detection; None where it was not found.
        absent: seconds out of sight before the newest detection.
        grace: further seconds for which it is kept, after a pause of the source.
        is_still: whether it is a poster or a screen, which stays where it is.
        is_hidden: whether it was not found in the frame before, either.
        is_sure: whether one of its detections was beyond doubt.
        origin: center of the first detection, pixels.
        look: its colors, of the last second or so: see `appearance.describe`; None: not known.
    """

    motion: Motion
    began: float
    seen: float
    track_id: int = UNCONFIRMED
    detections: int = 1
    frames: int = 1
    row: int | None = None
    absent: float = 0.0
    grace: float = 0.0
    is_still: bool = False
    is_hidden: bool = False
    is_sure: bool = False
    origin: tuple[float, float] = field(init=False)
    look: np.ndarray | None = None

    def __post_init__(self) -> None:
        self.origin = self.motion.x, self.motion.y

    def found(
        self, row: int, now: float, look: np.ndarray | None = None, is_sure: bool = False
    ) -> None:
        """Takes note of this frame's detection."""
        self.is_sure |= is_sure
        self.absent = now - self.seen - self.grace
        self.row, self.seen, self.grace = row, now, 0.0
        self.detections += 1
        if look is not None:
            self.look = look if self.look is None else blended(self.look, look, self.absent)

    def unseen(self, now: float) -> float:
        """Seconds without a detection, pauses of the source left out."""
        return now - self.seen - self.grace

    @property
    def distance(self) -> float:
        """Face widths from the first detection to where it is."""
        x, y = self.origin
        return math.hypot(self.motion.x - x, self.motion.y - y) / self.motion.size

    def rescale(self, across: float, down: float) -> None:
        """Follows a change of the image's size by these factors."""
        self.motion.rescale(across, down)
        self.origin = self.origin[0] * across, self.origin[1] * down

    @property
    def is_confirmed(self) -> bool:
        """Whether it is a person."""
        return self.track_id != UNCONFIRMED
