"""RoIAlign (He et al. 2017) over a feature pyramid, each box from the level that fits its size."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from keras import ops

from maskdet.networks.tensor import Tensor


def roi_align(
    features: Sequence[Tensor],
    strides: Sequence[int],
    boxes: Tensor,
    *,
    size: int = 7,
    samples: int = 2,
    canonical: float = 224.0,
) -> Tensor:
    """Features of each box, resampled bilinearly to a fixed grid.

    A grid cell is the mean of samples² points spread evenly in it; half a feature cell is taken
    off every coordinate, so that cell (0, 0) has its center at half a stride. Points up to one
    cell outside the map take the border's value, those further out are 0.

    Args:
        features: maps (batch, rows, columns, channels), finest first.
        strides: input pixels from cell to cell, one a map.
        boxes: (batch, N, 4) x1 y1 x2 y2 in input pixels.
        size: rows and columns of the grid.
        samples: points along each side of a grid cell.
        canonical: side in pixels of a box that belongs on a map of stride 16; each halving goes
            one level finer (Lin et al. 2017, equation 1).

    Returns:
        (batch, N, size, size, channels).
    """
    levels = box_levels(boxes, strides, canonical)
    stride = _at_levels(strides, levels, "float32")[..., None]
    scaled = ops.cast(boxes, "float32") / ops.concatenate([stride] * 4, axis=-1) - 0.5
    y = _points(scaled[..., 1], scaled[..., 3], size, samples)
    x = _points(scaled[..., 0], scaled[..., 2], size, samples)
    values = _bilinear(features, levels, y, x)
    number, channels = boxes.shape[1], features[0].shape[-1]
    grid = ops.reshape(values, (-1, size, samples, size, samples, channels))
    return ops.reshape(ops.mean(grid, axis=(2, 4)), (-1, number, size, size, channels))


def box_levels(boxes: Tensor, strides: Sequence[int], canonical: float) -> Tensor:
    """Which map each box is read from: int32 (batch, N), 0 for the finest."""
    sides = ops.maximum(boxes[..., 2:] - boxes[..., :2], 1e-3)
    side = ops.sqrt(sides[..., 0] * sides[..., 1])
    sixteen = math.log2(16 / strides[0])  # index of the map of stride 16
    level = ops.floor(sixteen + ops.log(side / canonical) / np.float32(math.log(2)) + 1e-6)
    return ops.cast(ops.clip(level, 0, len(strides) - 1), "int32")


def _at_levels(values: Sequence[int | Tensor], levels: Tensor, dtype: str) -> Tensor:
    """The value that each box's level has: (batch, N)."""
    return ops.take(ops.stack([ops.cast(value, dtype) for value in values]), levels, axis=0)


def _bilinear(features: Sequence[Tensor], levels: Tensor, y: Tensor, x: Tensor) -> Tensor:
    """Values of the maps between their cells: (batch, N, rows, columns, channels).

    Args:
        features: maps (batch, rows, columns, channels), finest first.
        levels: which one each box is read from, (batch, N).
        y: of each row of points, in its map's cells, (batch, N, rows).
        x: of each column of points, likewise, (batch, N, columns).
    """
    shapes = [ops.shape(feature) for feature in features]
    channels = features[0].shape[-1]
    batch = shapes[0][0]
    flat = ops.concatenate([ops.reshape(f, (batch, -1, channels)) for f in features], axis=1)
    cells = ops.shape(flat)[1]
    starts = [0]
    for shape in shapes[:-1]:
        starts.append(starts[-1] + shape[1] * shape[2])
    rows, columns, start = (
        _at_levels(values, levels, "int32")
        for values in ([s[1] for s in shapes], [s[2] for s in shapes], starts)
    )
    y0, y1, wy0, wy1 = _neighbors(y, rows)
    x0, x1, wx0, wx1 = _neighbors(x, columns)
    image = ops.reshape(ops.arange(batch, dtype="int32") * cells, (-1, 1, 1, 1))
    base = image + start[:, :, None, None]
    table = ops.reshape(flat, (-1, channels))
    total = 0.0
    for row, row_weight in ((y0, wy0), (y1, wy1)):
        for column, column_weight in ((x0, wx0), (x1, wx1)):
            index = base + row[..., :, None] * columns[:, :, None, None] + column[..., None, :]
            weight = row_weight[..., :, None] * column_weight[..., None, :]
            total += ops.take(table, index, axis=0) * ops.cast(weight[..., None], table.dtype)
    return total


def _points(low: Tensor, high: Tensor, size: int, samples: int) -> Tensor:
    """Sample coordinates (batch, N, size · samples) between two edges (batch, N)."""
    count = size * samples
    steps = (np.arange(count, dtype=np.float32) + 0.5) / count
    return low[..., None] + (high - low)[..., None] * ops.convert_to_tensor(steps)


def _neighbors(points: Tensor, limit: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The two cells around each point, and their weights (0 for points far outside)."""
    limit = limit[..., None]
    edge = ops.cast(limit, "float32")
    inside = ops.cast(ops.logical_and(points >= -1.0, points <= edge), "float32")
    points = ops.clip(points, 0.0, edge - 1.0)
    first = ops.cast(ops.floor(points), "int32")
    second = ops.minimum(first + 1, limit - 1)
    part = points - ops.cast(first, "float32")
    return first, second, (1.0 - part) * inside, part * inside
