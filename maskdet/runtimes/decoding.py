"""From a one-stage network's outputs to the faces of a picture, the same for every runtime."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from maskdet import anchors as anchor_ops
from maskdet import boxes as box_ops
from maskdet.anchors import AnchorGrid
from maskdet.detections import Detections

CANDIDATES = 1000
"""Best anchors that suppression looks at (Lin et al. 2017)."""


@dataclass(frozen=True)
class Decoder:
    """Scores, decodes and suppresses.

    Attributes:
        grid: the network's anchors.
        deviations: scale of its box deltas.
        min_score: lowest score kept.
        overlap: IoU above which the lower of two boxes goes, whatever their states: a face has
            one state.
        limit: most faces of a picture.
    """

    grid: AnchorGrid
    deviations: Sequence[float]
    min_score: float = 0.05
    overlap: float = 0.5
    limit: int = 300

    def decode(
        self,
        logits: np.ndarray,
        deltas: np.ndarray,
        size: tuple[int, int],
        picture: tuple[int, int],
        factor: float,
    ) -> Detections:
        """Faces of one picture, best first.

        Args:
            logits: (N, classes).
            deltas: (N, 4).
            size: height and width of the network's input.
            picture: height and width of the picture.
            factor: from picture pixels to input pixels.
        """
        best = logits.max(axis=1).astype(np.float32)
        found = np.flatnonzero(best >= _logit(self.min_score))
        if len(found) > CANDIDATES:
            found = found[np.argpartition(-best[found], CANDIDATES)[:CANDIDATES]]
        anchors = self.grid.anchors(*size)[found]
        boxes = anchor_ops.decode(anchors, deltas[found], self.deviations) / np.float32(factor)
        boxes = box_ops.clip(boxes, picture[1], picture[0])
        in_picture = box_ops.area(boxes) > 0  # others lie in the padding, or are not numbers
        found, boxes = found[in_picture], boxes[in_picture]
        kept = box_ops.nms(boxes, best[found], self.overlap, self.limit)
        found = found[kept]
        scores = 1 / (1 + np.exp(-np.maximum(best[found], -80)))  # e^89 is too large for a float32
        return Detections(boxes[kept], scores, logits[found].argmax(axis=1))


def _logit(score: float) -> float:
    """The logit that a sigmoid turns into a score; infinite at 0 and 1."""
    if score <= 0:
        return -math.inf
    return math.log(score / (1 - score)) if score < 1 else math.inf
