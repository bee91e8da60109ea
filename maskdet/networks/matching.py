"""Which anchor answers for which box: training targets of one image, in plain numpy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from maskdet import boxes as box_ops

BACKGROUND = -1
IGNORED = -2

Matcher = Callable[[list[np.ndarray], np.ndarray], np.ndarray]
"""Levels' anchors [(n, 4)], boxes (M, 4) → per anchor a box's index, BACKGROUND or IGNORED."""


def match_by_iou(
    levels: list[np.ndarray], boxes: np.ndarray, positive: float = 0.5, negative: float = 0.4
) -> np.ndarray:
    """RetinaNet's rule (Lin et al. 2017): IoU ≥ .5 is the box's, < .4 background, else ignored.

    As in Ren et al. 2015, a box's best anchor is its own even below the limit, so that none goes
    unlearned; an anchor that is the best of several goes to the closest of them.
    """
    anchors = np.concatenate(levels)
    match = np.full(len(anchors), BACKGROUND, np.int64)
    if not len(boxes):
        return match
    overlap = box_ops.iou(anchors, boxes)
    best = overlap.max(axis=1)
    match[best >= negative] = IGNORED
    match[best >= positive] = overlap.argmax(axis=1)[best >= positive]
    closest = overlap.max(axis=0)
    for index in np.argsort(closest, kind="stable"):  # the closest has the last word
        if closest[index] > 0:
            match[overlap[:, index].argmax()] = index
    return match


def match_by_atss(levels: list[np.ndarray], boxes: np.ndarray, nearest: int = 9) -> np.ndarray:
    """Adaptive training sample selection (Zhang et al. 2020).

    Of the `nearest` anchors of each level, those are a box's whose center it holds and whose IoU
    is no less than the candidates' mean plus standard deviation.
    """
    anchors = np.concatenate(levels)
    match = np.full(len(anchors), BACKGROUND, np.int64)
    best = np.zeros(len(anchors))
    centers = box_ops.centers(anchors)
    offsets = np.cumsum([0, *map(len, levels)])
    for index, box in enumerate(boxes):
        distance = ((centers - (box[:2] + box[2:]) / 2) ** 2).sum(axis=1)
        candidates = np.concatenate(
            [
                start + _nearest(distance[start:end], nearest)
                for start, end in zip(offsets, offsets[1:], strict=False)
            ]
        )
        overlap = box_ops.iou(anchors[candidates], box[None])[:, 0]
        inside = np.all((centers[candidates] > box[:2]) & (centers[candidates] < box[2:]), axis=1)
        inside |= overlap == overlap.max()  # a box smaller than a cell still has an anchor
        good = inside & (overlap >= min(overlap.mean() + overlap.std(), overlap.max()))
        good &= overlap > best[candidates]  # an anchor of two boxes goes to the closer one
        match[candidates[good]] = index
        best[candidates[good]] = overlap[good]
    return match


def _nearest(distance: np.ndarray, count: int) -> np.ndarray:
    """Indices of the `count` smallest, in no order."""
    count = min(count, len(distance))
    return np.argpartition(distance, count - 1)[:count]


MATCHERS: dict[str, Matcher] = {"iou": match_by_iou, "atss": match_by_atss}
