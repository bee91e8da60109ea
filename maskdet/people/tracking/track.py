"""One face while it is followed."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from maskdet.people.tracking.appearance import blended
from maskdet.people.tracking.motion import Motion

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
        was_hidden: whether it was not found in the frame before.
        is_certain: whether one of its detections was beyond doubt.
        origin: center of the first detection, pixels.
        appearance: colors of the last second or so, as of `appearance.describe`; None: not known.
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
    was_hidden: bool = False
    is_certain: bool = False
    origin: tuple[float, float] = field(init=False)
    appearance: np.ndarray | None = None

    def __post_init__(self) -> None:
        self.origin = self.motion.x, self.motion.y

    def begin_frame(self, seconds: float) -> None:
        """Moves on by so many seconds to a frame in which it is not found yet."""
        self.motion.predict(0.0 if self.is_still else seconds)
        self.frames += 1
        self.was_hidden = self.row is None
        self.row = None

    def found(self, row: int, now: float, appearance: np.ndarray | None, is_certain: bool) -> None:
        """Takes note of this frame's detection.

        Args:
            row: of the detection in the frame.
            now: time of the frame, seconds.
            appearance: of the face (cells · 3,), see `describe`; None: not known.
            is_certain: whether it is a face beyond doubt.
        """
        self.is_certain |= is_certain
        self.absent = now - self.seen - self.grace
        self.row, self.seen, self.grace = row, now, 0.0
        self.detections += 1
        if appearance is not None:
            old = self.appearance
            self.appearance = appearance if old is None else blended(old, appearance, self.absent)

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
