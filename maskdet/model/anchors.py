"""Anchor boxes, and the coding of a box relative to its anchor (Ren et al. 2015).

Plain numpy, for training and every runtime alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from maskdet import boxes as box_ops


@dataclass(frozen=True)
class AnchorGrid:
    """Which anchors stand at each cell of each pyramid level.

    Attributes:
        strides: pixels from cell to cell, one a level.
        sizes: side in pixels of the square anchor of scale 1, one a level.
        ratios: height over width; the area stays.
        scales: factors of the side.
    """

    strides: tuple[int, ...] = (8, 16, 32, 64, 128)
    sizes: tuple[float, ...] = (20.0, 40.0, 80.0, 160.0, 320.0)
    ratios: tuple[float, ...] = (1.2,)
    scales: tuple[float, ...] = (1.0,)

    @property
    def per_cell(self) -> int:
        """Anchors at one cell."""
        return len(self.ratios) * len(self.scales)

    def cells(self, height: int, width: int) -> list[tuple[int, int]]:
        """Rows and columns of each level for an input of that size ("same" padding: round up)."""
        return [(-(-height // stride), -(-width // stride)) for stride in self.strides]

    def shapes(self, size: float) -> np.ndarray:
        """Widths and heights (per_cell, 2) of one level's anchors; ratio outer, scale inner."""
        ratios = np.repeat(self.ratios, len(self.scales))
        scales = np.tile(self.scales, len(self.ratios))
        widths = size * scales / np.sqrt(ratios)
        return np.stack([widths, widths * ratios], axis=1)

    def levels(self, height: int, width: int) -> list[np.ndarray]:
        """Anchors (rows · columns · per_cell, 4) of each level, x1 y1 x2 y2 in input pixels."""
        return [anchors.copy() for anchors in _levels(self, height, width)]

    def anchors(self, height: int, width: int) -> np.ndarray:
        """All levels' anchors, (N, 4), finest level first; not to be written to."""
        return _all_levels(self, height, width)


@lru_cache(maxsize=16)
def _levels(grid: AnchorGrid, height: int, width: int) -> tuple[np.ndarray, ...]:
    levels = []
    for stride, size, (rows, columns) in zip(
        grid.strides, grid.sizes, grid.cells(height, width), strict=True
    ):
        x, y = np.meshgrid((np.arange(columns) + 0.5) * stride, (np.arange(rows) + 0.5) * stride)
        centers = np.stack([x, y], axis=-1)[:, :, None, :]
        half = grid.shapes(size) / 2
        boxes = np.concatenate([centers - half, centers + half], axis=-1)
        levels.append(boxes.reshape(-1, 4).astype(np.float32))
    return tuple(levels)


@lru_cache(maxsize=16)
def _all_levels(grid: AnchorGrid, height: int, width: int) -> np.ndarray:
    anchors = np.concatenate(_levels(grid, height, width))
    anchors.setflags(write=False)
    return anchors


def encode(anchors: np.ndarray, boxes: np.ndarray, deviations: Sequence[float]) -> np.ndarray:
    """Deltas (N, 4) that lead from anchors (N, 4) to boxes (N, 4).

    Args:
        anchors: x1 y1 x2 y2.
        boxes: x1 y1 x2 y2, none empty.
        deviations: what dx, dy, dw and dh are divided by, to be of order one.
    """
    size = anchors[:, 2:] - anchors[:, :2]
    shift = (boxes[:, :2] + boxes[:, 2:] - anchors[:, :2] - anchors[:, 2:]) / 2 / size
    growth = np.log((boxes[:, 2:] - boxes[:, :2]) / size)
    return np.concatenate([shift, growth], axis=1) / np.asarray(deviations, np.float32)


def decode(anchors: np.ndarray, deltas: np.ndarray, deviations: Sequence[float]) -> np.ndarray:
    """Boxes (N, 4) where deltas (N, 4) lead from anchors (N, 4); the inverse of `encode`."""
    size = anchors[:, 2:] - anchors[:, :2]
    deltas = deltas * np.asarray(deviations, np.float32)
    center = box_ops.centers(anchors) + deltas[:, :2] * size
    # An untrained or quantized network may ask for e^50: 16 anchors' width is more than enough.
    half = size * np.exp(np.minimum(deltas[:, 2:], np.log(16.0))) / 2
    return np.concatenate([center - half, center + half], axis=1).astype(np.float32)
