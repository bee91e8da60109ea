"""An affine map of an image in the terms of its boxes."""

from __future__ import annotations

import cv2
import numpy as np

from maskdet.images.letterbox import GRAY


def warp(image: np.ndarray, matrix: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """An image under an affine map, gray around it; `boxes.warp` maps its boxes.

    Args:
        image: BGR uint8 (rows, columns, 3).
        matrix: (2, 3), of points that are counted from the image's corner, as boxes are.
        size: width and height of the result.
    """
    by_centers = matrix.copy()  # OpenCV counts from a pixel's center
    by_centers[:, 2] += matrix[:, :2].sum(axis=1) / 2 - 0.5
    return cv2.warpAffine(image, by_centers, size, borderValue=(GRAY,) * 3)
