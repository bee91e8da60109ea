"""An image of any size made to fit a network's input."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

GRAY = 114
"""What fills the input beside the image."""
SHRINKING = 0.75
"""Factor below which pixels are averaged: plain interpolation would skip over some."""
MAX_ASPECT = 3
"""An image longer than this many times its width is padded where a detector refuses it."""


def letterbox(image: np.ndarray, height: int, width: int) -> tuple[np.ndarray, float]:
    """Resizes an image, keeping its aspect, into the top left of an input of that size.

    Args:
        image: BGR uint8 (rows, columns, 3).
        height: of the input.
        width: of the input.

    Returns:
        RGB uint8 (height, width, 3), and the factor from image pixels to input pixels.
    """
    rows, columns = image.shape[:2]
    factor = min(height / rows, width / columns)
    size = max(1, round(columns * factor)), max(1, round(rows * factor))
    if size != (columns, rows):
        way = cv2.INTER_AREA if factor < SHRINKING else cv2.INTER_LINEAR
        image = cv2.resize(image, size, interpolation=way)
    canvas = np.empty((height, width, 3), np.uint8)
    canvas[size[1] :] = canvas[: size[1], size[0] :] = GRAY  # all of it would take longer
    cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=canvas[: size[1], : size[0]])
    return canvas, factor


def fitting_size(height: int, width: int, side: int) -> tuple[int, int]:
    """Height and width of the smallest input that holds an image whose long side becomes `side`.

    Both are multiples of 32, the coarsest stride that a network's sums must match at.
    """
    factor = side / max(height, width)
    rows, columns = (max(32, math.ceil(round(edge * factor) / 32) * 32) for edge in (height, width))
    return rows, columns


def less_slim(image: np.ndarray) -> np.ndarray:
    """An image with black below or beside it, so that no side is less than a third."""
    height, width = image.shape[:2]
    least = -(-max(height, width) // MAX_ASPECT)
    padding = [(0, max(0, least - height)), (0, max(0, least - width)), (0, 0)]
    return np.pad(image, padding)


@dataclass(frozen=True)
class Placed:
    """An image in a network's input.

    Attributes:
        image: the input, RGB uint8.
        factor: (4,), from image pixels to input pixels, for each side of a box.
        offset: (4,), of the image in the input, for each side of a box.
    """

    image: np.ndarray
    factor: np.ndarray
    offset: np.ndarray


def place_centered(image: np.ndarray, height: int, width: int) -> Placed:
    """Resizes an image (BGR uint8) into the middle of an input, as ultralytics does."""
    rows, columns = image.shape[:2]
    factor = min(height / rows, width / columns)
    inner = max(1, round(columns * factor)), max(1, round(rows * factor))
    if inner != (columns, rows):
        image = cv2.resize(image, inner, interpolation=cv2.INTER_LINEAR)
    left, top = round((width - inner[0]) / 2 - 0.1), round((height - inner[1]) / 2 - 0.1)
    canvas = np.full((height, width, 3), GRAY, np.uint8)
    place = canvas[top : top + inner[1], left : left + inner[0]]
    cv2.cvtColor(image, cv2.COLOR_BGR2RGB, dst=place)
    offset = np.array([left, top] * 2, np.float32)
    return Placed(canvas, np.full(4, factor, np.float32), offset)
