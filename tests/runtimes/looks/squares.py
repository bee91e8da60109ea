"""Images whose faces are white squares, and who finds them: what the tests of looks share."""

from __future__ import annotations

import numpy as np

from maskdet.detections import Detections


def scene(*faces: tuple[int, int, int], width: int = 640, height: int = 480) -> np.ndarray:
    """A black image (height, width, 3) with a white square for each (x, y, side)."""
    image = np.zeros((height, width, 3), np.uint8)
    for x, y, side in faces:
        image[y : y + side, x : x + side] = 255
    return image


def squares(image: np.ndarray, low: float, high: float) -> Detections:
    """Each white square as a face, if its share of the image's width is between the limits.

    The larger that share, the higher the score.
    """
    boxes, left = [], (image[..., 0] > 200).copy()
    while left.any():
        y1, x1 = np.argwhere(left)[0]
        x2 = x1 + np.argmin(np.append(left[y1, x1:], False))
        y2 = y1 + np.argmin(np.append(left[y1:, x1], False))
        left[y1:y2, x1:x2] = False
        if low <= (x2 - x1) / image.shape[1] <= high:
            boxes.append((x1, y1, x2, y2))
    scores = [0.5 + min(0.4, (x2 - x1) / image.shape[1]) for x1, _, x2, _ in boxes]
    return Detections(np.array(boxes).reshape(-1, 4), scores, np.zeros(len(boxes)))
