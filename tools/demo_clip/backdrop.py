"""The room of the demo, painted out of focus: a hall behind, a counter in the middle."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np

# Shapes of the hall: x, y, width, height as parts of the picture, and color BGR.
WALL_TOP, WALL_BOTTOM = (176, 184, 190), (138, 148, 158)
SHAPES: tuple[tuple[tuple[float, float, float, float], tuple[int, int, int]], ...] = (
    ((-0.10, 0.05, 0.30, 0.60), (226, 222, 208)),  # window, left
    ((-0.02, 0.05, 0.02, 0.60), (120, 128, 134)),
    ((0.08, 0.05, 0.015, 0.60), (126, 134, 140)),
    ((0.36, 0.20, 0.17, 0.62), (104, 118, 130)),  # door
    ((0.38, 0.23, 0.13, 0.56), (122, 138, 150)),
    ((0.62, 0.12, 0.16, 0.22), (150, 128, 96)),  # picture on the wall
    ((0.645, 0.155, 0.11, 0.15), (196, 176, 140)),
    ((0.86, 0.00, 0.03, 0.85), (150, 158, 164)),  # pillar
    ((0.89, 0.00, 0.20, 0.85), (196, 200, 202)),
    ((0.25, 0.44, 0.045, 0.34), (72, 110, 84)),  # plant
    ((0.235, 0.36, 0.075, 0.18), (84, 134, 98)),
    ((-0.10, 0.66, 1.30, 0.40), (112, 116, 122)),  # floor
)
LAMPS = ((0.18, 0.03), (0.42, 0.02), (0.66, 0.03), (0.93, 0.02))
HALL_BLUR, COUNTER_BLUR = 0.014, 0.0022
COUNTER_TOP = 0.69
MARGIN = 24
"""Pixels by which the counter is wider than the picture on either side, for the camera's sway."""


@cache
def hall(width: int, height: int) -> np.ndarray:
    """The hall behind everyone, float32 (height, width, 3) BGR."""
    fall = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    top, bottom = np.array(WALL_TOP, np.float32), np.array(WALL_BOTTOM, np.float32)
    picture = np.ascontiguousarray(np.broadcast_to(top + (bottom - top) * fall, (height, width, 3)))
    for (x, y, w, h), color in SHAPES:
        corner = round(x * width), round(y * height)
        opposite = round((x + w) * width), round((y + h) * height)
        cv2.rectangle(picture, corner, opposite, color, cv2.FILLED)
    for x, y in LAMPS:
        center, axes = (round(x * width), round(y * height)), (width // 26, height // 60)
        cv2.ellipse(picture, center, axes, 0, 0, 360, (255, 255, 255), cv2.FILLED)
    picture = cv2.GaussianBlur(picture, (0, 0), HALL_BLUR * width)
    return picture + _grain(picture.shape, 3)


@cache
def counter(width: int, height: int) -> np.ndarray:
    """The counter, color times alpha and alpha: float32 (height, width + 2·MARGIN, 4)."""
    rows, columns = np.mgrid[:height, : width + 2 * MARGIN].astype(np.float32)
    depth = (rows - COUNTER_TOP * height) / ((1 - COUNTER_TOP) * height)
    wave = np.sin(columns / 41 + 0.6 * np.sin(rows / 7)) + 0.5 * np.sin(columns / 13 + rows / 29)
    light = 0.86 - 0.30 * np.clip(depth, 0, 1) + 0.012 * wave
    light = np.where(depth < 0.10, 1.28, light)  # the top, lit from above
    color = light[..., None] * np.array((112, 136, 158), np.float32)
    alpha = np.clip((rows - COUNTER_TOP * height) / 2 + 0.5, 0, 1)[..., None]
    panel = np.concatenate([(color + _grain(color.shape, 4)) * alpha, alpha], axis=2)
    return cv2.GaussianBlur(panel.astype(np.float32), (0, 0), COUNTER_BLUR * width)


def _grain(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """A little film grain; the same at every run."""
    noise = np.random.default_rng(seed).normal(0, 2.0, (*shape[:2], 1)).astype(np.float32)
    return cv2.GaussianBlur(noise, (0, 0), 0.6)[..., None]
