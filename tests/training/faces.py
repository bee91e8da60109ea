"""Pictures whose faces are solid ellipses of colours known in advance."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from maskdet.datasets.samples import Sample

COLOURS = np.array(
    [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0], [0, 255, 255], [255, 0, 255]], np.uint8
)
"""BGR; none near black, grey or another, even when blended with them by half."""


def paint(image: np.ndarray, box: Sequence[float], colour: Sequence[int] | np.ndarray) -> None:
    """Fills the ellipse inside a box: every pixel whose centre lies in it."""
    x, y = np.meshgrid(np.arange(image.shape[1]) + 0.5, np.arange(image.shape[0]) + 0.5)
    x1, y1, x2, y2 = box
    across, down = (2 * x - x1 - x2) / (x2 - x1), (2 * y - y1 - y2) / (y2 - y1)
    image[across**2 + down**2 <= 1] = colour


def picture(
    file: Path,
    size: tuple[int, int],
    boxes: Sequence[Sequence[float]],
    colours: Sequence[int],
    labelled: tuple[int, ...] = (0, 1, 2),
) -> Sample:
    """Writes a black picture (rows, columns); a face's class is the index of its colour."""
    image = np.zeros((*size, 3), np.uint8)
    for box, colour in zip(boxes, colours, strict=True):
        paint(image, box, COLOURS[colour])
    cv2.imwrite(str(file), image)
    return Sample(
        file,
        size[1],
        size[0],
        np.array(boxes, np.float32).reshape(-1, 4),
        np.array(colours, np.int64),
        labelled,
    )


def coloured(image: np.ndarray, colour: int, near: float = 100) -> np.ndarray:
    """Where (rows, columns) a picture shows a colour, or mostly so."""
    return np.linalg.norm(image.astype(float) - COLOURS[colour], axis=2) < near
