"""RoIAlign against a plain reference that loops over every point, and against hand-made maps."""

from __future__ import annotations

import math

import numpy as np
import pytest
from keras import ops

from maskdet.networks.faster_rcnn.roi_align import box_levels, roi_align


def reference(feature: np.ndarray, box: np.ndarray, stride: int, size: int, samples: int):
    """He et al. 2017 as written: mean of bilinear samples, half a cell off each coordinate."""
    rows, columns, channels = feature.shape
    x1, y1, x2, y2 = box / stride - 0.5
    out = np.zeros((size, size, channels))
    for i in range(size):
        for j in range(size):
            for a in range(samples):
                for b in range(samples):
                    y = y1 + (y2 - y1) * (i + (a + 0.5) / samples) / size
                    x = x1 + (x2 - x1) * (j + (b + 0.5) / samples) / size
                    out[i, j] += bilinear(feature, y, x, rows, columns)
    return out / samples**2


def bilinear(feature: np.ndarray, y: float, x: float, rows: int, columns: int) -> np.ndarray:
    if y < -1 or y > rows or x < -1 or x > columns:
        return np.zeros(feature.shape[2])
    y, x = min(max(y, 0), rows - 1), min(max(x, 0), columns - 1)
    top, left = math.floor(y), math.floor(x)
    bottom, right = min(top + 1, rows - 1), min(left + 1, columns - 1)
    down, along = y - top, x - left
    upper = feature[top, left] * (1 - along) + feature[top, right] * along
    lower = feature[bottom, left] * (1 - along) + feature[bottom, right] * along
    return upper * (1 - down) + lower * down


@pytest.mark.parametrize("size", [1, 3, 7])
@pytest.mark.parametrize("samples", [1, 2])
def test_it_agrees_with_the_reference_on_random_boxes(size: int, samples: int) -> None:
    """Boxes of every size, some beyond the edges, some empty, on two maps of two pictures."""
    random = np.random.default_rng(size * 10 + samples)
    maps = [random.normal(size=(2, 12, 16, 3)), random.normal(size=(2, 6, 8, 3))]
    corner = random.uniform(-20, 120, (2, 20, 2))
    extent = np.exp(random.uniform(2, 5.5, (2, 20, 2)))
    boxes = np.concatenate([corner, corner + extent], axis=2).astype(np.float32)
    boxes[:, 0, 2:] = boxes[:, 0, :2]
    result = ops.convert_to_numpy(
        roi_align(
            [ops.convert_to_tensor(m.astype(np.float32)) for m in maps],
            (8, 16),
            ops.convert_to_tensor(boxes),
            size=size,
            samples=samples,
            canonical=64.0,
        )
    )
    levels = ops.convert_to_numpy(box_levels(ops.convert_to_tensor(boxes), (8, 16), 64.0))
    assert {0, 1} == set(levels.ravel().tolist())
    for picture in range(2):
        for number in range(20):
            level = levels[picture, number]
            wanted = reference(
                maps[level][picture], boxes[picture, number], (8, 16)[level], size, samples
            )
            np.testing.assert_allclose(result[picture, number], wanted, atol=1e-4)


def test_one_sample_in_a_cell_reads_that_cell() -> None:
    """A box that is exactly the cells (1, 1) and (1, 2) of a map gives their values."""
    feature = np.arange(16, dtype=np.float32).reshape(1, 4, 4, 1)
    box = np.array([[[8, 8, 24, 16]]], np.float32)
    result = roi_align([ops.convert_to_tensor(feature)], (8,), ops.convert_to_tensor(box), size=2)
    rows = ops.convert_to_numpy(result)[0, 0, :, :, 0]
    np.testing.assert_allclose(rows.mean(axis=0), [5, 6], atol=1e-6)


# A box's side and the map it belongs to, where 224 pixels belong to stride 16.
LEVELS = [(10, 0), (111, 0), (112, 0), (223, 0), (224, 1), (447, 1), (448, 2), (5000, 2), (0, 0)]


@pytest.mark.parametrize(("side", "level"), LEVELS)
def test_boxes_are_read_from_the_map_of_their_size(side: float, level: int) -> None:
    box = ops.convert_to_tensor(np.array([[[5, 5, 5 + side, 5 + side]]], np.float32))
    assert ops.convert_to_numpy(box_levels(box, (8, 16, 32), 224.0)).item() == level
