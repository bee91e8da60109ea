"""Where labels of faces and names of zones go: inside the image, off the faces."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

Size = tuple[int, int]


def place(
    face: np.ndarray, variants: Sequence[Size], taken: np.ndarray, image: Size
) -> tuple[int, tuple[int, int]]:
    """Chooses a label's variant and place.

    Beside the face the longest variant that covers nothing is best; a close face has room for
    the label in itself; in a crowd it is whatever covers least, most often the shortest. What an
    edge of the image would cut off weighs as what is covered.

    Args:
        face: the face's own box (4,), int, x1 y1 x2 y2.
        variants: (width, height) of each variant, longest first.
        taken: boxes (N, 4) not to be covered: other faces, labels already placed.
        image: (width, height) that the label must stay in, where it can.

    Returns:
        The variant's index and the label's top left corner.
    """
    corners = np.array([corner for size in variants for corner in _corners(face, size)])
    sizes = np.repeat(np.array(variants), len(corners) // len(variants), axis=0)
    corners = np.minimum(np.maximum(corners, 0), np.maximum(np.array(image) - sizes, 0))
    rects = np.hstack([corners, corners + sizes])
    own = _overlaps(rects, face[None])
    roomy = sizes[:, 1] * 4 <= face[3] - face[1]
    own[roomy & (np.arange(len(rects)) % len(_corners(face, (0, 0))) == 0)] = 0
    cut = sizes.prod(axis=1) - _overlaps(rects, np.array([[0, 0, *image]]))
    cost = _overlaps(rects, taken) + own + cut
    best = int(np.argmin(cost))
    return best * len(variants) // len(rects), (int(corners[best, 0]), int(corners[best, 1]))


def place_name(
    corners: Sequence[tuple[int, int]], size: Size, taken: np.ndarray, image: Size
) -> tuple[int, int] | None:
    """Chooses the place of a name that may stand at several: the first that covers nothing.

    Args:
        corners: top left corners, best first.
        size: (width, height) of the name.
        taken: boxes (N, 4) not to be covered.
        image: (width, height) that the name must stay in.

    Returns:
        Its top left corner; None where it has no room.
    """
    most = np.array(image) - size
    if (most < 0).any():
        return None
    inside = np.clip(np.array(corners), 0, most)
    free = np.flatnonzero(_overlaps(np.hstack([inside, inside + size]), taken) == 0)
    return (int(inside[free[0], 0]), int(inside[free[0], 1])) if len(free) else None


def _corners(face: np.ndarray, size: Size) -> list[tuple[int, int]]:
    """Top left corners worth trying, best first."""
    (x1, y1, x2, y2), (width, height) = face.tolist(), size
    return [
        (x1, y1 - height),
        (x1, y2),
        (x2 - width, y1 - height),
        (x2 - width, y2),
        (x2, y1),
        (x1 - width, y1),
    ]


def _overlaps(rects: np.ndarray, taken: np.ndarray) -> np.ndarray:
    """Number of pixels of each of the rectangles (K, 4) that lie on the boxes (N, 4)."""
    top_left = np.maximum(rects[:, None, :2], taken[None, :, :2])
    bottom_right = np.minimum(rects[:, None, 2:], taken[None, :, 2:])
    sides = np.maximum(bottom_right - top_left, 0)
    pixels: np.ndarray = (sides[..., 0] * sides[..., 1]).sum(axis=1)
    return pixels
