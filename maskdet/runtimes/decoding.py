"""Decoding of a network's outputs to the faces of an image, the same for every runtime."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np

from maskdet import boxes as box_ops
from maskdet.detections import Detections
from maskdet.model import anchors as anchor_ops
from maskdet.model.anchors import AnchorGrid
from maskdet.model.class_names import StatesByNumber
from maskdet.model.decision import MIN_VOTER_SHARE, DecisionRule

MAX_CANDIDATES = 1000
"""Best anchors that suppression looks at (Lin et al. 2017)."""
SUPPRESSION_IOU = 0.5
"""IoU above which two boxes are one face's."""
ANCHOR_SUPPRESSION_IOU = 0.55
"""The same for a one-stage network's: in a crowd faces overlap, and it was best on validation
images (mAP50 .835 at .5, .8365 at .55, .836 at .6)."""
VOTING_IOU = 0.7
"""IoU from which on a box of the same face counts for where the face is: validation images gave
mAP .5:.95 .426 instead of .422 (ResNet-50), .397 instead of .392 (light)."""
MAX_DETECTIONS = 300
"""Most faces of an image."""
NO_STATE = -1
"""Instead of a state: the model's class shows no face."""


@dataclass(frozen=True)
class Quantized:
    """An output in eight bits, of which most is never read.

    Attributes:
        values: int8 (N, …), contiguous.
        scale: what they mean is scale · (values − zero).
        zero: see there.
    """

    values: np.ndarray
    scale: float
    zero: int

    def __getitem__(self, rows: np.ndarray | slice) -> np.ndarray:
        """Values of some rows, as float32."""
        return (self.values[rows] - np.float32(self.zero)) * np.float32(self.scale)

    def reaching(self, least: float) -> np.ndarray:
        """Indices (K,) of rows that have a value of at least so much.

        No value is turned into a float.
        """
        limit = least / self.scale + self.zero
        if limit > 127:
            return np.zeros(0, np.int64)
        return _rows_reaching(self.values, np.int8(math.ceil(max(-128, limit - 1e-6))))


Output = np.ndarray | Quantized


class Decoder(Protocol):
    """Decoder of a network's two outputs to faces."""

    def decode(
        self,
        first: Output,
        second: Output,
        size: tuple[int, int],
        image: tuple[int, int],
        factor: float,
        /,
    ) -> Detections:
        """Faces of one image, best first.

        Args:
            first: (N, classes), of whatever the network gives for its classes.
            second: (N, 4), of whatever it gives for its boxes.
            size: height and width of the network's input.
            image: height and width of the image.
            factor: from image pixels to input pixels.
        """


@dataclass(frozen=True)
class AnchorDecoder:
    """Scores, decodes and suppresses the anchors of a one-stage network.

    Attributes:
        grid: the network's anchors.
        deviations: scale of its box deltas.
        rule: turns logits into scores and states.
    """

    grid: AnchorGrid
    deviations: Sequence[float]
    rule: DecisionRule

    def decode(
        self,
        logits: Output,
        deltas: Output,
        size: tuple[int, int],
        image: tuple[int, int],
        factor: float,
    ) -> Detections:
        """Faces of one image, best first.

        Args:
            logits: (N, classes).
            deltas: (N, 4).
            size: height and width of the network's input.
            image: height and width of the image.
            factor: from image pixels to input pixels.
        """
        found = _reaching(logits, self.rule.lowest_logit)
        probabilities = self.rule.calibration.probabilities(logits[found].astype(np.float32))
        if len(found) > MAX_CANDIDATES:
            best = np.argpartition(-probabilities.max(axis=1), MAX_CANDIDATES)[:MAX_CANDIDATES]
            found, probabilities = found[best], probabilities[best]
        anchors = self.grid.anchors(*size)[found]
        boxes = anchor_ops.decode(anchors, deltas[found], self.deviations) / np.float32(factor)
        boxes = box_ops.clip(boxes, image[1], image[0])
        return self.rule.apply(_faces(boxes, probabilities, ANCHOR_SUPPRESSION_IOU))


@dataclass(frozen=True)
class RegionDecoder:
    """Suppresses the regions of a two-stage network.

    Attributes:
        rule: turns the logits of its scores into scores and states.
    """

    rule: DecisionRule

    def decode(
        self,
        scores: Output,
        boxes: Output,
        size: tuple[int, int],
        image: tuple[int, int],
        factor: float,
    ) -> Detections:
        """Faces of one image, best first.

        Args:
            scores: (N, classes), 0 for padding.
            boxes: (N, 4) in input pixels.
            size: not used.
            image: height and width of the image.
            factor: from image pixels to input pixels.
        """
        least = 1 / (1 + math.exp(-max(self.rule.lowest_logit, -14)))  # above padding's 0
        found = _reaching(scores, least)
        clipped = np.clip(scores[found].astype(np.float32), 1e-7, 1 - 1e-6)
        probabilities = self.rule.calibration.probabilities(np.log(clipped / (1 - clipped)))
        inside = box_ops.clip(boxes[found] / np.float32(factor), image[1], image[0])
        return self.rule.apply(_faces(inside, probabilities, SUPPRESSION_IOU))


def decoder_for(network: str, options: Mapping[str, Any], rule: DecisionRule) -> Decoder:
    """The decoder of a network.

    Args:
        network: its kind, as a model card names it.
        options: of the network, as the card has them.
        rule: turns its outputs into scores and states.

    Raises:
        KeyError, TypeError, AttributeError: options that no network has.
        ValueError: there is no such kind.
    """
    if network == "retinanet":
        grid = {name: tuple(values) for name, values in options["anchors"].items()}
        return AnchorDecoder(AnchorGrid(**grid), tuple(options["deviations"]), rule)
    if network == "faster_rcnn":
        return RegionDecoder(rule)
    raise ValueError(f"unknown network {network!r}")


def _reaching(output: Output, least: float) -> np.ndarray:
    """Rows that have a value of at least so much."""
    if isinstance(output, Quantized):
        return output.reaching(least)
    return _rows_reaching(output, np.float32(least))


def _rows_reaching(values: np.ndarray, least: np.generic) -> np.ndarray:
    """As one long row, which numpy compares many times faster than rows of three."""
    reaching = np.flatnonzero(values.reshape(-1) >= least) // values.shape[1]
    return reaching[np.diff(reaching, prepend=-1) > 0]


def _faces(boxes: np.ndarray, probabilities: np.ndarray, overlap: float) -> Detections:
    """Faces after suppression, each where all boxes say and in its own best state."""
    scores, states = probabilities.max(axis=1), probabilities.argmax(axis=1)
    found = Detections(boxes, scores, states, probabilities=probabilities)
    found = found[box_ops.area(boxes) > 0]  # others lie in the padding, or are not numbers
    kept = box_ops.nms(found.boxes, found.scores, overlap, MAX_DETECTIONS)
    boxes = box_ops.vote(kept, found.boxes, found.scores, VOTING_IOU, MIN_VOTER_SHARE)
    faces = replace(found[kept], boxes=boxes)
    # voters may draw two together
    return faces[box_ops.nms(boxes, faces.scores, VOTING_IOU, MAX_DETECTIONS)]


def states_of(numbers: np.ndarray, states: StatesByNumber) -> np.ndarray:
    """The state (N,) int8 of each class number (N,); `NO_STATE` where a class shows no face.

    Raises:
        KeyError: a number means nothing.
    """
    meant = (states[number] for number in numbers.astype(int).tolist())
    return np.array([NO_STATE if state is None else state for state in meant], np.int8)


def judged(
    rule: DecisionRule,
    found: Detections,
    classes: np.ndarray | None,
    overlap: float = ANCHOR_SUPPRESSION_IOU,
) -> Detections:
    """Faces of a model that has its own suppression, which is not repeated here.

    A model that suppresses class by class may give one face in two classes: the better one counts.
    Boxes of one class stay, however much they overlap: the model holds them for two faces. Boxes
    that are inside out, empty or not finite are not faces, nor are those of no state.

    Args:
        rule: decides which faces are given; one that gives every score gets both states of a face.
        found: in any order, inside the image.
        classes: (N,), the model's own class numbers; None for a model that has already suppressed
            over all classes.
        overlap: IoU above which two boxes of two classes are one face.
    """
    real = np.isfinite(found.boxes).all(axis=1) & np.isfinite(found.scores)
    real &= (found.boxes[:, 2:] > found.boxes[:, :2]).all(axis=1) & (found.states != NO_STATE)
    found, classes = found[real], None if classes is None else classes[real]
    if rule.lowest_score > 0 and classes is not None:
        found = found[_best_of_classes(found, classes, overlap)]
    return rule.apply(found)


def _best_of_classes(found: Detections, classes: np.ndarray, overlap: float) -> np.ndarray:
    """Indices without the boxes that a better box of another class overlaps."""
    kept: list[int] = []
    for index in np.argsort(-found.scores, kind="stable"):
        rivals = [other for other in kept if classes[other] != classes[index]]
        if not (box_ops.iou(found.boxes[[index]], found.boxes[rivals]) > overlap).any():
            kept.append(int(index))
    return np.array(kept, np.int64)
