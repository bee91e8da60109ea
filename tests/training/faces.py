"""Pictures whose faces are solid ellipses of colors known in advance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from maskdet.datasets.samples import Sample

COLORS = np.array(
    [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0], [0, 255, 255], [255, 0, 255]], np.uint8
)
"""BGR; none near black, gray or another, even when blended with them by half."""


def paint(image: np.ndarray, box: Sequence[float], color: Sequence[int] | np.ndarray) -> None:
    """Fills the ellipse inside a box: every pixel whose center lies in it."""
    x, y = np.meshgrid(np.arange(image.shape[1]) + 0.5, np.arange(image.shape[0]) + 0.5)
    x1, y1, x2, y2 = box
    across, down = (2 * x - x1 - x2) / (x2 - x1), (2 * y - y1 - y2) / (y2 - y1)
    image[across**2 + down**2 <= 1] = color


def picture(
    file: Path,
    size: tuple[int, int],
    boxes: Sequence[Sequence[float]],
    colors: Sequence[int],
    labeled: tuple[int, ...] = (0, 1, 2),
) -> Sample:
    """Writes a black picture (rows, columns); a face's class is the index of its color."""
    image = np.zeros((*size, 3), np.uint8)
    for box, color in zip(boxes, colors, strict=True):
        paint(image, box, COLORS[color])
    cv2.imwrite(str(file), image)
    return Sample(
        file,
        size[1],
        size[0],
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(colors, np.int64),
        labeled,
    )


def colored(image: np.ndarray, color: int, near: float = 100) -> np.ndarray:
    """Where (rows, columns) a picture shows a color, or mostly so."""
    return np.linalg.norm(image.astype(float) - COLORS[color], axis=2) < near
