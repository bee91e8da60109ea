"""From a network's outputs to the faces of a picture, the same for every runtime."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from maskdet import anchors as anchor_ops
from maskdet import boxes as box_ops
from maskdet.anchors import AnchorGrid
from maskdet.detections import Detections

CANDIDATES = 1000
"""Best anchors that suppression looks at (Lin et al. 2017)."""


class Decoder(Protocol):
    """What turns a network's two outputs into faces."""

    def decode(
        self,
        first: np.ndarray,
        second: np.ndarray,
        size: tuple[int, int],
        picture: tuple[int, int],
        factor: float,
        /,
    ) -> Detections:
        """Faces of one picture, best first.

        Args:
            first: (N, classes), of whatever the network says of its classes.
            second: (N, 4), of whatever it says of its boxes.
            size: height and width of the network's input.
            picture: height and width of the picture.
            factor: from picture pixels to input pixels.
        """


@dataclass(frozen=True)
class AnchorDecoder:
    """Scores, decodes and suppresses the anchors of a one-stage network.

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
        # e^89 is too large for a float32
        scores = 1 / (1 + np.exp(-np.maximum(best[found], -80)))
        states = logits[found].argmax(axis=1)
        return _faces(boxes, scores, states, self.overlap, self.limit)


@dataclass(frozen=True)
class RegionDecoder:
    """Suppresses the regions of a two-stage network.

    Attributes:
        min_score: lowest score kept.
        overlap: IoU above which the lower of two boxes goes, whatever their states.
        limit: most faces of a picture.
    """

    min_score: float = 0.05
    overlap: float = 0.5
    limit: int = 300

    def decode(
        self,
        scores: np.ndarray,
        boxes: np.ndarray,
        size: tuple[int, int],
        picture: tuple[int, int],
        factor: float,
    ) -> Detections:
        """Faces of one picture, best first.

        Args:
            scores: (N, classes), 0 for padding.
            boxes: (N, 4) in input pixels.
            size: not used.
            picture: height and width of the picture.
            factor: from picture pixels to input pixels.
        """
        best = scores.max(axis=1).astype(np.float32)
        found = np.flatnonzero(best >= max(self.min_score, 1e-6))
        boxes = box_ops.clip(boxes[found] / np.float32(factor), picture[1], picture[0])
        states = scores[found].argmax(axis=1)
        return _faces(boxes, best[found], states, self.overlap, self.limit)


def decoder_for(network: str, options: Mapping[str, Any], min_score: float) -> Decoder:
    """The decoder of a network.

    Args:
        network: its kind, as a model card names it.
        options: of the network, as the card has them.
        min_score: lowest score kept.

    Raises:
        KeyError, TypeError, AttributeError: options that no network has.
        ValueError: there is no such kind.
    """
    if network == "retinanet":
        grid = {name: tuple(values) for name, values in options["anchors"].items()}
        return AnchorDecoder(AnchorGrid(**grid), tuple(options["deviations"]), min_score)
    if network == "faster_rcnn":
        return RegionDecoder(min_score)
    raise ValueError(f"unknown network {network!r}")


def _faces(
    boxes: np.ndarray, scores: np.ndarray, states: np.ndarray, overlap: float, limit: int
) -> Detections:
    """What is left of overlapping boxes."""
    found = Detections(boxes, scores, states)
    found = found[box_ops.area(boxes) > 0]  # others lie in the padding, or are not numbers
    return found[box_ops.nms(found.boxes, found.scores, overlap, limit)]


def _logit(score: float) -> float:
    """The logit that a sigmoid turns into a score; infinite at 0 and 1."""
    if score <= 0:
        return -math.inf
    return math.log(score / (1 - score)) if score < 1 else math.inf
