"""Anchors and box coding against arrays written by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskdet.model.anchors import AnchorGrid, decode, encode

DEVIATIONS = (0.1, 0.1, 0.2, 0.2)


@pytest.mark.parametrize(
    ("height", "width", "cells"),
    [
        # all levels fit
        (128, 256, [(16, 32), (8, 16), (4, 8), (2, 4), (1, 2)]),
        # each level rounds up for itself, as convolutions with "same" padding do
        (129, 257, [(17, 33), (9, 17), (5, 9), (3, 5), (2, 3)]),
        (100, 131, [(13, 17), (7, 9), (4, 5), (2, 3), (1, 2)]),
        # a single pixel still has a cell
        (1, 1, [(1, 1)] * 5),
    ],
)
def test_cells(height: int, width: int, cells: list[tuple[int, int]]) -> None:
    grid = AnchorGrid(ratios=(1, 2), scales=(1, 1.5))
    assert grid.cells(height, width) == cells
    levels = grid.levels(height, width)
    assert [len(level) for level in levels] == [4 * rows * columns for rows, columns in cells]
    assert grid.anchors(height, width).shape == (sum(map(len, levels)), 4)


@pytest.mark.parametrize("size", [(64, 96), (100, 131), (33, 640)])
def test_rounding_up_at_once_is_rounding_up_level_by_level(size: tuple[int, int]) -> None:
    """Stride 128 as one division must have as many cells as seven halvings."""
    for stride, cells in zip(AnchorGrid().strides, AnchorGrid().cells(*size), strict=True):
        rows, columns = size
        for _ in range(stride.bit_length() - 1):
            rows, columns = (rows + 1) // 2, (columns + 1) // 2
        assert cells == (rows, columns)


def test_anchors_by_hand() -> None:
    """Center (i + .5) · stride, x first, then y, then the levels."""
    grid = AnchorGrid(strides=(8, 16), sizes=(4.0, 20.0), ratios=(1.0,), scales=(1.0,))
    expected = [
        # stride 8: two rows of two
        [2, 2, 6, 6],
        [10, 2, 14, 6],
        [2, 10, 6, 14],
        [10, 10, 14, 14],
        # stride 16: one cell, its anchor larger than the picture
        [-2, -2, 18, 18],
    ]
    np.testing.assert_array_equal(grid.anchors(16, 16), expected)
    assert grid.anchors(16, 16).dtype == np.float32


def test_ratio_is_outer_and_scale_inner() -> None:
    """Ratio is height over width and keeps the area; scale multiplies the side."""
    grid = AnchorGrid(strides=(8,), sizes=(10.0,), ratios=(1.0, 4.0), scales=(1.0, 2.0))
    expected = [[10, 10], [20, 20], [5, 20], [10, 40]]
    np.testing.assert_allclose(grid.shapes(10.0), expected)
    assert grid.per_cell == 4
    boxes = grid.anchors(8, 8)
    np.testing.assert_allclose(boxes[:, 2:] - boxes[:, :2], expected, rtol=1e-6)
    np.testing.assert_allclose((boxes[:, 2:] + boxes[:, :2]) / 2, [[4, 4]] * 4, atol=1e-6)


def test_levels_are_copies() -> None:
    """They come from a cache, which a caller's writing must not reach."""
    grid = AnchorGrid()
    grid.levels(64, 64)[0][:] = 0
    with pytest.raises(ValueError, match="read-only"):
        grid.anchors(64, 64)[:] = 0
    assert grid.levels(64, 64)[0].any()
    assert grid.anchors(64, 64).any()


def test_encode_by_hand() -> None:
    anchors = np.array([[0, 0, 10, 20]], np.float32)
    boxes = np.array([[5, 10, 25, 30]], np.float32)  # center (15, 20), 20 × 20
    deltas = encode(anchors, boxes, (0.1, 0.2, 0.5, 1.0))
    np.testing.assert_allclose(
        deltas, [[1.0 / 0.1, 0.5 / 0.2, np.log(2) / 0.5, 0.0]], rtol=1e-6, atol=1e-6
    )


def test_decode_by_hand() -> None:
    anchors = np.array([[0, 0, 10, 20], [0, 0, 10, 20]], np.float32)
    deltas = np.array([[0, 0, 0, 0], [10, 2.5, np.log(2) / 0.5, 0]], np.float32)
    boxes = decode(anchors, deltas, (0.1, 0.2, 0.5, 1.0))
    np.testing.assert_allclose(boxes, [[0, 0, 10, 20], [5, 10, 25, 30]], rtol=1e-6)
    assert boxes.dtype == np.float32


def test_decode_of_no_boxes() -> None:
    assert decode(np.zeros((0, 4)), np.zeros((0, 4)), DEVIATIONS).shape == (0, 4)


def test_growth_is_limited() -> None:
    """An untrained network may ask for e^1000 anchors: it gets sixteen; and e^−1000: a point."""
    anchors = np.array([[-5, -5, 5, 5], [-5, -5, 5, 5]], np.float32)
    deltas = np.array([[0, 0, 5000, 5000], [0, 0, -5000, -5000]], np.float32)
    np.testing.assert_allclose(
        decode(anchors, deltas, DEVIATIONS), [[-80] * 2 + [80] * 2, [0] * 4], rtol=1e-6
    )


coordinate = st.floats(-2000, 2000, width=32)
side = st.floats(1, 1000, width=32)


@given(
    anchor=st.tuples(coordinate, coordinate, side, side),
    shift=st.tuples(st.floats(-3, 3, width=32), st.floats(-3, 3, width=32)),
    growth=st.tuples(st.floats(0.0625, 15.5, width=32), st.floats(0.0625, 15.5, width=32)),
)
def test_decode_inverts_encode(
    anchor: tuple[float, ...], shift: tuple[float, ...], growth: tuple[float, ...]
) -> None:
    """For every box up to sixteen times its anchor, the limit of growth."""
    x, y, width, height = anchor
    center = np.array([x + shift[0] * width, y + shift[1] * height])
    half = np.array([width * growth[0], height * growth[1]]) / 2
    box = np.concatenate([center - half, center + half])[None].astype(np.float32)
    anchors = np.array([[x, y, x + width, y + height]], np.float32)
    deltas = encode(anchors, box, DEVIATIONS)
    tolerance = 2e-4 * max(1, np.abs(box).max(), np.abs(anchors).max())
    np.testing.assert_allclose(decode(anchors, deltas, DEVIATIONS), box, atol=tolerance)
