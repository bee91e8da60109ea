"""Appearance of a state: color, outline of its box, mark; nothing here draws.

The colors are from Okabe and Ito's palette for every kind of color vision; black text is legible
on each of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from maskdet.detections import MaskState

Color = tuple[int, int, int]
"""Blue, green, red; 0–255."""
Lines = list[np.ndarray]
"""Polylines, each int32 (N, 2) of x y."""
Outline = Callable[[np.ndarray], Lines]
"""From a box (4,), int, to its lines."""


@dataclass(frozen=True)
class Style:
    """Appearance of a state.

    Attributes:
        color: of outline, label and mark.
        outline: the box's lines.
        heavy: lines drawn thicker on top of them.
        mark: polylines in the unit square, y downwards.
    """

    color: Color
    outline: Outline
    heavy: Outline
    mark: tuple[tuple[tuple[float, float], ...], ...]


def _solid(box: np.ndarray) -> Lines:
    x1, y1, x2, y2 = box.tolist()
    return [np.array([(x1, y1), (x2, y1), (x2, y2), (x1, y2), (x1, y1)], np.int32)]


def _dashed(box: np.ndarray) -> Lines:
    """Sides of dashes as long as their gaps, a dash at both ends of each."""
    corners = _solid(box)[0]
    count = int(np.clip((box[2:] - box[:2]).min() // 12, 2, 6))
    lines: Lines = []
    for start, end in zip(corners[:-1], corners[1:], strict=True):
        points = np.round(np.linspace(start, end, 2 * count)).astype(np.int32)
        lines += list(points.reshape(count, 2, 2))
    return lines


def _corners(box: np.ndarray) -> Lines:
    """An angle at each corner, its legs a quarter of the sides."""
    x1, y1, x2, y2 = box.tolist()
    a, b = (x2 - x1) // 4, (y2 - y1) // 4
    angles = [
        [(x1 + a, y1), (x1, y1), (x1, y1 + b)],
        [(x2 - a, y1), (x2, y1), (x2, y1 + b)],
        [(x2 - a, y2), (x2, y2), (x2, y2 - b)],
        [(x1 + a, y2), (x1, y2), (x1, y2 - b)],
    ]
    return [np.array(angle, np.int32) for angle in angles]


def _nothing(box: np.ndarray) -> Lines:
    return []


_TICK = (((0.05, 0.55), (0.35, 0.88), (0.92, 0.15)),)
_CROSS = (((0.12, 0.12), (0.88, 0.88)), ((0.88, 0.12), (0.12, 0.88)))
_EXCLAMATION = (((0.5, 0.02), (0.5, 0.58)), ((0.5, 0.92), (0.5, 0.94)))
_RING = (
    tuple(
        (0.5 + 0.38 * float(np.cos(angle)), 0.5 + 0.38 * float(np.sin(angle)))
        for angle in np.linspace(0, 2 * np.pi, 13)
    ),
)

STYLES = {
    MaskState.with_mask: Style((115, 158, 0), _solid, _nothing, _TICK),
    MaskState.without_mask: Style((0, 94, 213), _solid, _corners, _CROSS),
    MaskState.mask_weared_incorrect: Style((66, 228, 240), _dashed, _nothing, _EXCLAMATION),
    MaskState.unsure: Style((233, 180, 86), _corners, _nothing, _RING),
}
"""Thin frame and tick, frame with heavy corners and cross, dashes and exclamation mark,
corners alone and ring."""
