"""Places of an image that are worth a closer look: something small there may be a face.

A far face is found in one frame, doubtful in most and lost in the others; enlarged twice it is
found in nearly all. Few places are doubtful, so this costs a look or two, where enlarging the whole
image would cost dozens.
"""

from __future__ import annotations

import numpy as np

from maskdet.detections import Detections
from maskdet.model.decision import DecisionRule
from maskdet.runtimes.looks.tiling import place_around

ENLARGEMENT = 2.0
"""Pixels that a closer look has along a side for one that the look at a part has."""
SMALL_SHARE = 1 / 24
"""Share of a part's longest side up to which a box is small: 24 pixels of an input of 576."""
MAX_ENLARGED = 1.5
"""Pixels of the input for one of a part's longest side from which on a part shows all there is."""
MAX_CLOSER_LOOKS = 4
"""At one image: more are needed in crowds alone."""
MIN_DOUBTFUL_SCORE = 0.05
"""Below it a box is not a face, however few a caller leaves out."""
BORDER_PIXELS = 4.0
"""Pixels within a place's edges that a box needs to be seen whole there."""


def shows_more(parts: np.ndarray, side: int) -> bool:
    """Whether a closer look shows more of an image than its parts (N, 4) do.

    Args:
        parts: x1 y1 x2 y2 in pixels.
        side: longest side in pixels of the network's input.
    """
    return bool(side < MAX_ENLARGED * _sides(parts).max())


def closer_places(
    found: Detections, rule: DecisionRule, size: tuple[int, int], parts: np.ndarray, most: int
) -> np.ndarray:
    """Places (N, 4) of an image to look at more closely, x1 y1 x2 y2 in whole pixels.

    The likeliest doubtful box is in the middle of the first one, which shows its neighbors, too.

    Args:
        found: at first sight, with doubtful faces.
        rule: decides which are shown; of those nothing is to be found out here.
        size: height and width of the image.
        parts: of the image (N, 4), likewise, all of one size.
        most: places at most.
    """
    if not most:
        return parts[:0]
    part = _sides(parts)
    sides = np.round(part / ENLARGEMENT)
    boxes = _doubtful(found, rule, SMALL_SHARE * part.max())
    places: list[np.ndarray] = []
    while len(boxes) and len(places) < most:
        place = place_around(boxes[0], sides, size)
        places.append(place)
        whole = (boxes[:, :2] >= place[:2] + BORDER_PIXELS) & (
            boxes[:, 2:] <= place[2:] - BORDER_PIXELS
        )
        is_seen: np.ndarray = np.all(whole, axis=1)
        is_seen[0] = True  # at the image's edge no place shows more of it
        boxes = boxes[~is_seen]
    return np.array(places, np.int64).reshape(-1, 4)


def _sides(parts: np.ndarray) -> np.ndarray:
    """Width and height of one of the parts (N, 4)."""
    sides: np.ndarray = parts[0, 2:] - parts[0, :2]
    return sides


def _doubtful(found: Detections, rule: DecisionRule, width: float) -> np.ndarray:
    """Boxes (N, 4) of up to so many pixels along a side that are not shown, likeliest first."""
    sides = (found.boxes[:, 2:] - found.boxes[:, :2]).max(axis=1, initial=0.0)
    small = (sides <= width) & (found.scores >= MIN_DOUBTFUL_SCORE)
    left = np.setdiff1d(np.flatnonzero(small), rule.shown(found))
    boxes: np.ndarray = found.boxes[left[np.argsort(-found.scores[left], kind="stable")]]
    return boxes
