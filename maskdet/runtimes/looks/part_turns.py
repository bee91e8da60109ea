"""Which parts of a camera's frames are processed: those with small faces always, others in turn.

Where all that is seen is close, or nobody is there, parts of every frame would show nothing, and
take most of the time. Somebody small who comes into a part without faces is found half a second
later at most, and from then on in every frame, or, where there is no time for that, in every second
one: the face stays where it was for a frame.
"""

from __future__ import annotations

import numpy as np

from maskdet import boxes as box_ops
from maskdet.detections import Detections

ROUND_S = 0.5
"""Seconds in which each part without small faces has a turn."""
HOLD_S = 1.0
"""Seconds that a part is due in every frame after the last small face near it: one that is
missed in a frame, or hidden by somebody who passes, is still there."""


class PartTurns:
    """The turns of one camera's parts."""

    def __init__(self) -> None:
        self._parts = np.zeros((0, 4), np.int64)
        self._taken_at = np.zeros(0)
        self._held_until = np.zeros(0)
        self._now = np.inf
        self._pending = 0.0  # parts, in fractions
        self._is_held = self._is_due = np.zeros(0, bool)
        self._faces = Detections.empty()

    def due(self, parts: np.ndarray, now: float, most: int) -> np.ndarray:
        """Which parts of a frame (N,) are due; at first, or where they are new ones, all.

        Args:
            parts: all of the frame (N, 4), x1 y1 x2 y2 in pixels.
            now: seconds of the frame on the camera's own time line.
            most: parts with small faces that there is time for; more are due in every second frame.
        """
        if not np.array_equal(parts, self._parts) or now <= self._now:
            self._parts, self._now = parts, now - ROUND_S
            self._taken_at, self._held_until = np.full((2, len(parts)), -np.inf)
            self._faces = Detections.empty()
        self._is_held = self._held_until >= now
        held, quiet = np.flatnonzero(self._is_held), np.flatnonzero(~self._is_held)
        due = np.zeros(len(parts), bool)
        due[self._longest_ago(held)[: max(most, -(-len(held) // 2))]] = True
        self._pending = min(len(quiet), self._pending + len(quiet) * (now - self._now) / ROUND_S)
        count = int(self._pending)
        self._pending -= count
        due[self._longest_ago(quiet)[:count]] = True
        self._taken_at[due] = self._now = now
        self._is_due = due
        return due

    def keep(self, faces: Detections) -> Detections:
        """Takes in the small faces of the frame; gives those of the last one that still hold.

        Parts that they are in, or may step into, are due from now on: each may move by its own
        size. Of parts with faces that were not due, the last frame's faces are this frame's, too.
        """
        boxes = faces.boxes
        sizes = np.tile(boxes[:, 2:] - boxes[:, :2], 2) * (-1, -1, 1, 1)
        self._held_until[_meet(boxes + sizes, self._parts).any(axis=0)] = self._now + HOLD_S
        before, self._faces = self._faces, faces
        middles = np.tile(box_ops.centers(before.boxes), 2)
        inside = _meet(middles, self._parts)
        waits = (inside & self._is_held & ~self._is_due).any(axis=1)
        return before[waits & ~(inside & self._is_due).any(axis=1)]

    def _longest_ago(self, parts: np.ndarray) -> np.ndarray:
        """Indices of parts, those first that were due the longest ago."""
        return parts[np.argsort(self._taken_at[parts], kind="stable")]


def _meet(boxes: np.ndarray, parts: np.ndarray) -> np.ndarray:
    """Whether each box (M, 4) meets each part (N, 4): (M, N)."""
    near = boxes[:, None]
    meets: np.ndarray = (near[..., :2] < parts[:, 2:]) & (near[..., 2:] > parts[:, :2])
    return np.asarray(meets.all(axis=2))
