"""What a network should answer for one picture, in plain numpy: made without Keras at hand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from maskdet.anchors import AnchorGrid
from maskdet.networks.matching import BACKGROUND, IGNORED, MATCHERS, match_by_iou

Targets = dict[str, np.ndarray]
MOST_FACES = 120
"""Faces of a picture that Faster R-CNN's training looks at."""


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
        """What one picture's anchors should say.

        Args:
            boxes: (M, 4) in input pixels.
            classes: (M,); −1 for a box that neither counts as a face nor as background.
            height: of the input.
            width: of the input.

        Returns:
            ``classes`` int32 (N,): class, BACKGROUND or IGNORED; ``boxes`` float32 (N, 4).
        """
        match = MATCHERS[self.matcher](self.anchors.levels(height, width), boxes)
        matched = match >= 0
        wanted = np.where(match == IGNORED, IGNORED, BACKGROUND).astype(np.int32)
        wanted[matched] = np.where(classes < 0, IGNORED, classes)[match[matched]]
        target = np.zeros((len(match), 4), np.float32)
        target[matched] = boxes[match[matched]]
        return {"classes": wanted, "boxes": target}


@dataclass(frozen=True)
class FasterRCNNTargets:
    """Makes a Faster R-CNN's targets.

    Attributes:
        anchors: of its region proposal network.
    """

    anchors: AnchorGrid

    def targets(self, boxes: np.ndarray, classes: np.ndarray, height: int, width: int) -> Targets:
        """What one picture's anchors and regions should say.

        Args:
            boxes: (M, 4) in input pixels.
            classes: (M,); −1 for a box that neither counts as a face nor as background.
            height: of the input.
            width: of the input.

        Returns:
            ``anchors`` float32 (N,): 1 face, 0 background, −1 left out; ``anchor_boxes`` float32
            (N, 4); ``boxes`` float32 (MOST_FACES, 4) and ``classes`` int32 (MOST_FACES,), −2 for
            a box left out and −1 for padding.
        """
        match = match_by_iou(self.anchors.levels(height, width), boxes, 0.5, 0.3)
        wanted = np.where(match == IGNORED, -1, 0).astype(np.float32)
        target = np.zeros((len(match), 4), np.float32)
        matched = match >= 0
        wanted[matched] = np.where(classes < 0, -1, 1)[match[matched]]
        target[matched] = boxes[match[matched]]
        truth = np.zeros((MOST_FACES, 4), np.float32)
        labels = np.full(MOST_FACES, -1, np.int32)
        count = min(len(boxes), MOST_FACES)
        truth[:count], labels[:count] = boxes[:count], np.where(classes < 0, -2, classes)[:count]
        return {"anchors": wanted, "anchor_boxes": target, "boxes": truth, "classes": labels}
