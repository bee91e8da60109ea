"""States that looks at a camera's last frames have shown: each holds for a while.

A face that stays in doubt needs no look at every frame, which would take the time of other frames.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from maskdet import boxes as box_ops
from maskdet.detections import CLASS_NAMES, Detections
from maskdet.runtimes.looks.state_looks import MAX_SIZE_RATIO, state_shares

HOLD_S = 0.5
"""Seconds that a state holds while its face is followed from frame to frame."""
MAX_STEP = 1.5
"""Widths that a face may have gone from one frame to the next."""


class StateMemory:
    """The states that looks at one camera's frames have shown."""

    def __init__(self) -> None:
        self._boxes = np.zeros((0, 4), np.float32)
        self._shares = np.zeros((0, len(CLASS_NAMES)), np.float32)
        self._until = np.zeros(0)
        self._now = -np.inf

    def begin(self, now: float) -> None:
        """Begins a frame, at so many seconds of the camera's own time line."""
        self._forget((self._until < now) | (self._until > now + HOLD_S))  # or its time has jumped
        self._now = now

    def recall(self, faces: Detections) -> tuple[Detections, Detections]:
        """Divides faces in doubt: those that are known, in that state, and those that are not."""
        if not len(self._boxes) or not len(faces):
            return faces[:0], faces
        assert faces.probabilities is not None
        distances = _distances(faces.boxes, self._boxes)
        best = distances.argmin(axis=1)
        rows = np.arange(len(faces))
        is_known = (distances[rows, best] <= MAX_STEP) & (distances.argmin(axis=0)[best] == rows)
        self._boxes[best[is_known]] = faces.boxes[is_known]
        sums = faces.probabilities.sum(axis=1, keepdims=True)
        return replace(faces, probabilities=self._shares[best] * sums)[is_known], faces[~is_known]

    def keep(self, seen: Detections) -> None:
        """Takes in the faces that a look at this frame has shown."""
        if not len(seen):
            return
        assert seen.probabilities is not None
        shares = state_shares(seen.probabilities)
        self._boxes = np.concatenate([self._boxes, seen.boxes])
        self._shares = np.concatenate([self._shares, shares])
        self._until = np.append(self._until, np.full(len(seen), self._now + HOLD_S))

    def _forget(self, which: np.ndarray) -> None:
        self._boxes, self._shares = self._boxes[~which], self._shares[~which]
        self._until = self._until[~which]


def _distances(boxes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Distances (N, M) of boxes (N, 4) and others (M, 4) in widths; infinite for other sizes."""
    steps = np.linalg.norm(box_ops.centers(boxes)[:, None] - box_ops.centers(others), axis=2)
    widths, other_widths = box_ops.widths(boxes)[:, None], box_ops.widths(others)[None]
    narrower = np.minimum(widths, other_widths)
    ratio = np.maximum(widths, other_widths) / narrower
    return np.where(ratio <= MAX_SIZE_RATIO, steps / narrower, np.inf)
