"""Targets of a network for one image, in plain numpy: made without Keras at hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from maskdet import boxes as box_ops
from maskdet.model.anchors import AnchorGrid
from maskdet.networks.matching import BACKGROUND, IGNORED, MATCHERS, match_by_iou

Targets = dict[str, np.ndarray]
MAX_FACES = 120
"""Boxes of an image that Faster R-CNN's second stage gets, each alone."""
PADDING, LEFT_OUT, CROWD = -1, -2, -3
"""Instead of a class: no box; neither face nor background; around boxes that are too many to be
labeled one by one, where nothing is background."""


class TargetMaker(Protocol):
    """A maker of a network's targets; it is pickled where batches are made in processes."""

    def targets(self, boxes: np.ndarray, classes: np.ndarray, height: int, width: int) -> Targets:
        """Targets of one image.

        Args:
            boxes: (M, 4) in input pixels.
            classes: (M,); −1 for a box that neither counts as a face nor as background.
            height: of the input.
            width: of the input.
        """


@dataclass(frozen=True)
class RetinaNetTargets:
    """Makes a RetinaNet's targets.

    Attributes:
        anchors: the network's.
        matcher: a key of `maskdet.networks.matching.MATCHERS`.
    """

    anchors: AnchorGrid
    matcher: str

    def targets(self, boxes: np.ndarray, classes: np.ndarray, height: int, width: int) -> Targets:
        """Targets of one image's N anchors; arguments as `TargetMaker` has them.

        Returns:
            ``classes`` int32 (N,): class, BACKGROUND or IGNORED; ``boxes`` float32 (N, 4).
        """
        match = MATCHERS[self.matcher](self.anchors.levels(height, width), boxes)
        values = np.where(classes < 0, IGNORED, classes)
        wanted, target = _of_anchors(match, boxes, values, BACKGROUND, IGNORED)
        return {"classes": wanted.astype(np.int32), "boxes": target}


@dataclass(frozen=True)
class FasterRCNNTargets:
    """Makes a Faster R-CNN's targets.

    Attributes:
        anchors: of its region proposal network.
    """

    anchors: AnchorGrid

    def targets(self, boxes: np.ndarray, classes: np.ndarray, height: int, width: int) -> Targets:
        """Targets of one image's N anchors and its regions; arguments as `TargetMaker` has them.

        Returns:
            ``anchors`` float32 (N,): 1 face, 0 background, −1 left out; ``anchor_boxes`` float32
            (N, 4); ``boxes`` float32 (MAX_FACES, 4) and ``classes`` int32 (MAX_FACES,), or
            LEFT_OUT, CROWD or PADDING.
        """
        match = match_by_iou(self.anchors.levels(height, width), boxes, 0.5, 0.3)
        wanted, target = _of_anchors(match, boxes, np.where(classes < 0, -1, 1), 0, -1)
        truth, labels = _of_fixed_number(boxes, np.where(classes < 0, LEFT_OUT, classes))
        return {
            "anchors": wanted.astype(np.float32),
            "anchor_boxes": target,
            "boxes": truth,
            "classes": labels,
        }


def _of_anchors(
    match: np.ndarray, boxes: np.ndarray, values: np.ndarray, background: int, ignored: int
) -> tuple[np.ndarray, np.ndarray]:
    """The class of each anchor (N,), and its box (N, 4) float32, 0 where it has none.

    Args:
        match: (N,), of a matcher.
        boxes: (M, 4).
        values: (M,), the target of an anchor of each box.
        background: what one without a box should.
        ignored: instead of it, where nothing is asked.
    """
    wanted = np.where(match == IGNORED, ignored, background)
    target = np.zeros((len(match), 4), np.float32)
    matched = match >= 0
    wanted[matched] = values[match[matched]]
    target[matched] = boxes[match[matched]]
    return wanted, target


def _of_fixed_number(boxes: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Boxes (MAX_FACES, 4) and their classes; of too many, the smallest become one crowd."""
    if len(boxes) > MAX_FACES:
        order = np.argsort(-box_ops.area(boxes), kind="stable")
        kept, rest = np.sort(order[: MAX_FACES - 1]), boxes[order[MAX_FACES - 1 :]]
        crowd = np.concatenate([rest[:, :2].min(axis=0), rest[:, 2:].max(axis=0)])
        boxes, classes = np.vstack([boxes[kept], crowd]), np.append(classes[kept], CROWD)
    truth = np.zeros((MAX_FACES, 4), np.float32)
    labels = np.full(MAX_FACES, PADDING, np.int32)
    truth[: len(boxes)], labels[: len(boxes)] = boxes, classes
    return truth, labels
