"""Close faces: those of the look at the whole image and of the small look, where both agree.

What fills the view and is not a face at all to one of both is none: a hand, a sleeve or a blurred
wall, of which the network sees too little at full size; a fruit or a clock that looks like a face
when it is small.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from maskdet import boxes as box_ops
from maskdet.detections import Detections

CLOSE_WIDTH = 0.15
"""Faces narrower than this share of the image are left to the other looks."""
LARGE_WIDTH = 0.2
"""Share of the image from which on a face needs the small look's agreement, as all that the small
look adds needs that of the look at the whole …"""
MIN_AGREED_SCORE = 0.05
"""… which is a face of this score or more, and all that is left to it without one …"""
MIN_AGREED_IOU = 0.4
"""… that overlaps it by so much."""


def agreed_faces(whole: Detections, small: Detections, side: int) -> tuple[Detections, Detections]:
    """The faces of the look at the whole, and the close ones of the small look.

    Args:
        whole: faces of that look, with doubtful ones.
        small: of the small look, likewise, in the same pixels.
        side: of the image, the longer one, in pixels.
    """
    close = small[box_ops.widths(small.boxes) >= CLOSE_WIDTH * side]
    return _agreed(whole, small, LARGE_WIDTH * side), _agreed(close, whole)


def _agreed(found: Detections, other: Detections, width: float = 0.0) -> Detections:
    """Faces, the large ones with a score of next to nothing where another look sees no face.

    Args:
        found: of one look.
        other: of the other look, with doubtful ones.
        width: in pixels, from which on they are large.
    """
    likely = other.boxes[other.scores >= MIN_AGREED_SCORE]
    denied = box_ops.widths(found.boxes) >= width
    denied &= ~(box_ops.iou(found.boxes, likely) > MIN_AGREED_IOU).any(axis=1)
    if not denied.any() or found.probabilities is None:
        return found
    factor = np.where(denied, np.minimum(1, MIN_AGREED_SCORE / found.scores), 1)
    scores, probabilities = found.scores * factor, found.probabilities * factor[:, None]
    return replace(found, scores=scores, probabilities=probabilities)
