"""Several sources in one picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np

from maskdet.observation import Observation

Size = tuple[int, int]


def grid(count: int) -> tuple[int, int]:
    """(columns, rows) for that many tiles: as square as can be, wider rather than higher."""
    columns = max(1, math.ceil(math.sqrt(count)))
    return columns, max(1, math.ceil(count / columns))


def fit(observation: Observation, size: Size) -> Observation:
    """The observation on a smaller picture where its own exceeds (width, height).

    What is drawn on it afterwards, text above all, then stays legible in a tile of that size.
    """
    frame, detections = observation.frame, observation.detections
    scale = min(size[0] / frame.width, size[1] / frame.height)
    if scale >= 1:
        return observation
    image = _resized(frame.image, scale)
    ratio = np.array(image.shape[1::-1] * 2, np.float32) / ((frame.width, frame.height) * 2)
    return replace(
        observation,
        frame=replace(frame, image=image),
        detections=replace(detections, boxes=detections.boxes * ratio),
    )


def montage(images: Sequence[np.ndarray], size: Size) -> np.ndarray:
    """The pictures (BGR uint8, any sizes) in a grid, each with its aspect kept.

    Args:
        images: one or more.
        size: (width, height) of the whole, rounded down to whole tiles.
    """
    from imutils import build_montages  # late: one source, the usual case, does without it

    columns, rows = grid(len(images))
    tile = (max(1, size[0] // columns), max(1, size[1] // rows))
    whole: np.ndarray = build_montages([_boxed(i, tile) for i in images], tile, (columns, rows))[0]
    return whole


def _boxed(image: np.ndarray, tile: Size) -> np.ndarray:
    """The picture as large as it fits into the middle of a black tile."""
    image = _resized(image, min(tile[0] / image.shape[1], tile[1] / image.shape[0]))
    canvas = np.zeros((tile[1], tile[0], 3), np.uint8)
    x, y = (tile[0] - image.shape[1]) // 2, (tile[1] - image.shape[0]) // 2
    canvas[y : y + image.shape[0], x : x + image.shape[1]] = image
    return canvas


def _resized(image: np.ndarray, scale: float) -> np.ndarray:
    width, height = (max(1, round(side * scale)) for side in image.shape[1::-1])
    kind = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, height), interpolation=kind))
