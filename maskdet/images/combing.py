"""Combs: what moves in an interlaced image is torn into lines of two moments, and faces with it.

Of 188 faces that the light model finds in images of 720×576, it finds 137 where they move by four
pixels from one half of the lines to the other, and 73 where they move by twelve; repaired, 185 and
184.
"""

from __future__ import annotations

import cv2
import numpy as np

HEIGHTS = (480, 486, 576, 1080)
"""Lines of images that may be interlaced: analog video of both systems, and HDTV."""
_LOOK_EVERY = 10
"""Images of a source from one look to the next, until one has a comb."""
_MIN_STEP = 12
"""Brightness by which a line has to differ from both of its neighbors, to the same side."""
_BLOCK = (8, 16)
"""Columns and lines of a neighborhood."""
_MIN_SHARE = 0.5
"""Share of such pixels in a neighborhood from which on it is a comb; thin lines have a third."""
_MARGIN = (33, 17)
"""Columns, and pairs of lines, around a comb that are repaired with it."""


class CombRemover:
    """Repairs the torn parts of one source's images."""

    def __init__(self) -> None:
        self._count = 0
        self._is_interlaced = False

    def repaired(self, image: np.ndarray) -> np.ndarray:
        """An image (height, width, 3), without combs; the same one where it has none."""
        self._count += 1
        is_due = self._is_interlaced or self._count % _LOOK_EVERY == 1
        if not is_due or image.shape[0] not in HEIGHTS:
            return image
        combs = find_combs(image)
        if combs is None:
            return image
        self._is_interlaced = True
        return without_combs(image, combs)


def find_combs(image: np.ndarray) -> np.ndarray | None:
    """Where an image (height, width, 3) is torn: uint8 (height - 2, width); None: nowhere."""
    brightness = np.ascontiguousarray(image[:, :, 1])
    above, line, below = brightness[:-2], brightness[1:-1], brightness[2:]
    over = cv2.subtract(line, cv2.max(above, below))
    under = cv2.subtract(cv2.min(above, below), line)
    _, differs = cv2.threshold(cv2.max(over, under), _MIN_STEP, 255, cv2.THRESH_BINARY)
    _, combs = cv2.threshold(cv2.blur(differs, _BLOCK), 255 * _MIN_SHARE, 255, cv2.THRESH_BINARY)
    return combs if cv2.countNonZero(combs) else None


def without_combs(image: np.ndarray, combs: np.ndarray) -> np.ndarray:
    """An image whose odd lines are the mean of the even ones around them, where it is torn."""
    torn = cv2.dilate(np.ascontiguousarray(combs[::2]), np.ones(_MARGIN[::-1], np.uint8))
    whole = image.copy()
    above, odd = image[:-2:2], whole[1:-1:2]
    means = cv2.addWeighted(above, 0.5, image[2::2], 0.5, 0)
    whole[1:-1:2] = cv2.copyTo(means, torn[: len(odd)], odd.copy())
    return whole
