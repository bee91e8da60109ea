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
        best = logits.max(axis=1)
        least = math.log(self.min_score / (1 - self.min_score)) if self.min_score > 0 else -np.inf
        found = np.flatnonzero(best >= least)
        if len(found) > CANDIDATES:
            found = found[np.argpartition(-best[found], CANDIDATES)[:CANDIDATES]]
        anchors = self.grid.anchors(*size)[found]
        boxes = anchor_ops.decode(anchors, deltas[found], self.deviations) / np.float32(factor)
        boxes = box_ops.clip(boxes, picture[1], picture[0])
        kept = box_ops.nms(boxes, best[found], self.overlap, self.limit)
        kept = kept[box_ops.area(boxes[kept]) > 0]
        scores = 1 / (1 + np.exp(-best[found][kept].astype(np.float32)))
        return Detections(boxes[kept], scores, logits[found[kept]].argmax(axis=1))
