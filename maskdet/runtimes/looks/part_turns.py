"""Which parts of a camera's frames are processed: those with small faces always, others in turn.

Where all that is seen is close, or nobody is there, parts of every frame would show nothing, and
take most of the time. Somebody small who comes into a part without faces is found half a second
later at most, and from then on in every frame.
"""

from __future__ import annotations

import numpy as np

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
        self._now = -np.inf

    def due(self, parts: np.ndarray, now: float) -> np.ndarray:
        """Which parts of a frame (N,) are due; at first, or where they are new ones, all.

        Args:
            parts: all of the frame (N, 4), x1 y1 x2 y2 in pixels.
            now: seconds of the frame on the camera's own time line.
        """
        if not np.array_equal(parts, self._parts) or now <= self._now:
            self._parts, self._now = parts, -np.inf
            self._taken_at, self._held_until = np.full((2, len(parts)), -np.inf)
        due: np.ndarray = self._held_until >= now
        quiet = np.flatnonzero(~due)
        count = int(np.ceil(len(quiet) * min(1.0, (now - self._now) / ROUND_S)))
        due[quiet[np.argsort(self._taken_at[quiet], kind="stable")[:count]]] = True
        self._taken_at[due] = self._now = now
        return due

    def hold(self, faces: np.ndarray) -> None:
        """Keeps the parts due that small faces (M, 4) of the last frame are in, or may step into.

        Args:
            faces: x1 y1 x2 y2 in pixels; each may move by its own size.
        """
        sizes = np.tile(faces[:, 2:] - faces[:, :2], 2) * (-1, -1, 1, 1)
        near = (faces + sizes)[:, None]
        meets = (near[..., :2] < self._parts[:, 2:]) & (near[..., 2:] > self._parts[:, :2])
        self._held_until[meets.all(axis=2).any(axis=0)] = self._now + HOLD_S
