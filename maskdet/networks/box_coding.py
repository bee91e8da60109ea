"""Boxes and deltas as tensors; `maskdet.model.anchors` has the same in numpy."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from keras import ops

from maskdet.networks.tensor import Tensor

MAX_LOG_SIZE = math.log(16.0)
"""Limit of dw and dh before the exponential: an untrained network may ask for e^50."""


def decode(anchors: Tensor, deltas: Tensor, deviations: Sequence[float]) -> Tensor:
    """Boxes (…, 4) where deltas (…, 4) lead from anchors (…, 4); Ren et al. 2015, equation 2."""
    scaled = deltas * ops.convert_to_tensor(np.array(deviations, np.float32))
    size = anchors[..., 2:] - anchors[..., :2]
    middle = (anchors[..., :2] + anchors[..., 2:]) / 2 + scaled[..., :2] * size
    half = size * ops.exp(ops.minimum(scaled[..., 2:], MAX_LOG_SIZE)) / 2
    return ops.concatenate([middle - half, middle + half], axis=-1)


def encode(anchors: Tensor, boxes: Tensor, deviations: Sequence[float]) -> Tensor:
    """Deltas (…, 4) that lead from anchors (…, 4) to boxes (…, 4); finite for empty boxes."""
    size = ops.maximum(anchors[..., 2:] - anchors[..., :2], 1e-3)
    shift = (boxes[..., :2] + boxes[..., 2:] - anchors[..., :2] - anchors[..., 2:]) / 2 / size
    growth = ops.log(ops.maximum(boxes[..., 2:] - boxes[..., :2], 1e-3) / size)
    scale = ops.convert_to_tensor(np.array(deviations, np.float32))
    return ops.concatenate([shift, growth], axis=-1) / scale


def clip(boxes: Tensor, height: int | Tensor, width: int | Tensor) -> Tensor:
    """Boxes (…, 4) cut to an image of that size."""
    x1, y1, x2, y2 = (boxes[..., i] for i in range(4))
    width, height = ops.cast(width, boxes.dtype), ops.cast(height, boxes.dtype)
    edges = [ops.clip(x1, 0, width), ops.clip(y1, 0, height)]
    return ops.stack([*edges, ops.clip(x2, 0, width), ops.clip(y2, 0, height)], axis=-1)


def iou(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union (batch, N, M) of boxes (batch, N, 4) with (batch, M, 4)."""
    return aligned_iou(first[:, :, None, :], second[:, None, :, :])


def aligned_iou(one: Tensor, other: Tensor) -> Tensor:
    """Intersection over union (…) of each of the boxes (…, 4) with its own other one."""
    overlap, union = overlap_and_union(one, other)
    return overlap / ops.maximum(union, 1e-6)


def inside(first: Tensor, second: Tensor) -> Tensor:
    """Share (batch, N, M) of the area of boxes (batch, N, 4) that lies in boxes (batch, M, 4)."""
    a, b = first[:, :, None, :], second[:, None, :, :]
    overlap, _ = overlap_and_union(a, b)
    return overlap / ops.maximum(area(a[..., :2], a[..., 2:]), 1e-6)


def overlap_and_union(one: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """Areas (…) of what boxes (…, 4) share with their others, and of what both cover."""
    overlap = area(
        ops.maximum(one[..., :2], other[..., :2]), ops.minimum(one[..., 2:], other[..., 2:])
    )
    areas = area(one[..., :2], one[..., 2:]) + area(other[..., :2], other[..., 2:])
    return overlap, areas - overlap


def area(top_left: Tensor, bottom_right: Tensor) -> Tensor:
    """Of the boxes between corners (…, 2); 0 where one is on the wrong side of the other."""
    size = ops.maximum(bottom_right - top_left, 0.0)
    return size[..., 0] * size[..., 1]
