"""Box arithmetic on numpy arrays; a box is x1 y1 x2 y2, its right and bottom edge outside."""

from __future__ import annotations

import numpy as np


def widths(boxes: np.ndarray) -> np.ndarray:
    """Widths of boxes.

    Args:
        boxes: (N, 4).

    Returns:
        (N,), in the boxes' unit; below 0 where one is inside out.
    """
    across: np.ndarray = boxes[:, 2] - boxes[:, 0]
    return across


def centers(boxes: np.ndarray) -> np.ndarray:
    """Middles of boxes.

    Args:
        boxes: (N, 4), x1 y1 x2 y2 in any unit.

    Returns:
        (N, 2), x and y.
    """
    middles: np.ndarray = (boxes[:, :2] + boxes[:, 2:]) / 2
    return middles


def area(boxes: np.ndarray) -> np.ndarray:
    """Areas of boxes.

    Args:
        boxes: (N, 4).

    Returns:
        (N,); 0 where a box is inside out.
    """
    sides: np.ndarray = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    return sides[:, 0] * sides[:, 1]


def iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Intersection over union of each box of one list with each of another.

    Args:
        first: (N, 4).
        second: (M, 4).

    Returns:
        (N, M), 0 to 1; 0 for empty boxes.
    """
    top_left = np.maximum(first[:, None, :2], second[None, :, :2])
    bottom_right = np.minimum(first[:, None, 2:], second[None, :, 2:])
    overlap = np.prod(np.clip(bottom_right - top_left, 0, None), axis=2)
    union = area(first)[:, None] + area(second)[None, :] - overlap
    return np.where(union > 0, overlap / np.where(union > 0, union, 1), 0.0)


def clip(boxes: np.ndarray, width: float, height: float) -> np.ndarray:
    """The boxes' parts inside an image.

    Args:
        boxes: (N, 4) in pixels.
        width: of the image in pixels.
        height: of the image in pixels.

    Returns:
        (N, 4) of the same type; empty ones at the edge where a box lies outside.
    """
    limit = np.array([width, height, width, height], boxes.dtype)
    return np.minimum(np.maximum(boxes, 0), limit)  # np.clip takes twice as long to begin


def warp(boxes: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Boxes under an affine map, a face taken as the ellipse inside its box.

    Args:
        boxes: (N, 4).
        matrix: (2, 3), as of `cv2.warpAffine`.

    Returns:
        float32 (N, 4), which fit around the turned ellipses.
    """
    center = centers(boxes) @ matrix[:, :2].T + matrix[:, 2]
    half = np.sqrt(((boxes[:, 2:] - boxes[:, :2]) / 2) ** 2 @ (matrix[:, :2] ** 2).T)
    return np.concatenate([center - half, center + half], axis=1).astype(np.float32)


def nms(boxes: np.ndarray, scores: np.ndarray, threshold: float, limit: int) -> np.ndarray:
    """Greedy non-maximum suppression.

    Args:
        boxes: (N, 4).
        scores: (N,).
        threshold: a box that overlaps a better one by more than this IoU goes.
        limit: no more boxes than this are kept.

    Returns:
        Indices of the kept boxes, best first; equal scores keep their order.
    """
    rest = np.argsort(-scores, kind="stable")
    x1, y1, x2, y2 = np.ascontiguousarray(boxes.T)
    areas = area(boxes)
    kept: list[int] = []
    while rest.size and len(kept) < limit:
        best, rest = rest[0], rest[1:]
        kept.append(int(best))
        # `iou` says the same, of any number of boxes, in twice the time
        width = np.minimum(x2[best], x2[rest]) - np.maximum(x1[best], x1[rest])
        height = np.minimum(y2[best], y2[rest]) - np.maximum(y1[best], y1[rest])
        shared = np.maximum(width, 0) * np.maximum(height, 0)
        rest = rest[shared <= threshold * (areas[best] + areas[rest] - shared)]
    return np.array(kept, np.int64)


def vote(
    kept: np.ndarray, boxes: np.ndarray, scores: np.ndarray, threshold: float, share: float
) -> np.ndarray:
    """Box voting (Gidaris & Komodakis 2015): what a face's boxes say together.

    Args:
        kept: indices (K,) of the boxes that `nms` kept; none of them empty.
        boxes: (N, 4).
        scores: (N,), above 0.
        threshold: IoU with a kept box from which on a box votes for it,
        share: if it has this share of its score.

    Returns:
        The kept boxes (K, 4), each the mean of its voters by their scores.
    """
    voters = iou(boxes[kept], boxes) >= threshold
    voters &= scores >= share * scores[kept, None]
    # in double precision, so that rounding leads no box out of the image
    weights = np.where(voters, scores, 0).astype(np.float64)
    voted: np.ndarray = weights @ boxes / weights.sum(axis=1, keepdims=True)
    return voted.astype(boxes.dtype)
