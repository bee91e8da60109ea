"""Pictures of any size in a network's input: size, place, factor, colors."""

from __future__ import annotations

import numpy as np
import pytest

from maskdet.images.letterbox import GRAY, letterbox

COLOR = (10, 200, 90)  # blue, green, red; none of it gray


@pytest.mark.parametrize(
    ("picture", "into", "factor", "place"),
    [
        # (rows, columns) of picture and input, and of the place the picture takes
        ((64, 64), (64, 64), 1.0, (64, 64)),  # as it is
        ((64, 64), (64, 96), 1.0, (64, 64)),  # as it is, beside it gray
        ((32, 64), (64, 64), 1.0, (32, 64)),  # below it gray
        ((32, 16), (64, 64), 2.0, (64, 32)),  # blown up
        ((480, 640), (64, 64), 0.1, (48, 64)),  # shrunk
        ((480, 640), (30, 64), 0.0625, (30, 40)),  # shrunk more than its width needs
        ((101, 333), (64, 64), 64 / 333, (19, 64)),  # 19.4 rows: rounded
        # extreme shapes keep at least a pixel
        ((1, 5000), (64, 64), 64 / 5000, (1, 64)),
        ((5000, 1), (64, 64), 64 / 5000, (64, 1)),
        ((1, 1), (64, 64), 64.0, (64, 64)),
        ((1, 1), (1, 1), 1.0, (1, 1)),
        ((1, 64), (64, 64), 1.0, (1, 64)),
        ((64, 1), (64, 64), 1.0, (64, 1)),
        ((2, 3), (1, 700), 0.5, (1, 2)),
    ],
)
def test_place(
    picture: tuple[int, int], into: tuple[int, int], factor: float, place: tuple[int, int]
) -> None:
    image = np.full((*picture, 3), COLOR, np.uint8)
    before = image.copy()
    canvas, found = letterbox(image, *into)
    assert canvas.shape == (*into, 3)
    assert canvas.dtype == np.uint8
    assert found == pytest.approx(factor)
    expected = np.full((*into, 3), GRAY, np.uint8)
    expected[: place[0], : place[1]] = COLOR[::-1]  # the network sees RGB
    np.testing.assert_array_equal(canvas, expected)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("factor", [0.25, 0.8, 1.0, 3.0])
def test_a_box_lands_where_the_factor_says(factor: float) -> None:
    """A bright square keeps its edges, to half a pixel, however it is resized."""
    image = np.zeros((200, 400, 3), np.uint8)
    image[40:120, 200:360] = 255
    canvas, found = letterbox(image, round(200 * factor), round(400 * factor))
    assert found == pytest.approx(factor)
    rows, columns = np.nonzero(canvas[:, :, 0] > 127)
    edges = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    np.testing.assert_allclose(edges, np.array([200, 40, 360, 120]) * factor, atol=0.5)


def test_shrinking_averages() -> None:
    """Stripes a pixel wide become gray, not one of them or the other."""
    image = np.zeros((64, 64, 3), np.uint8)
    image[:, ::2] = 255
    canvas, _ = letterbox(image, 16, 16)
    assert np.abs(canvas.astype(int) - 127).max() <= 1


def test_a_view_of_a_larger_picture() -> None:
    """Rows and columns that do not lie side by side in memory."""
    big = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    part = big[8:40:2, 4:36]
    canvas, _ = letterbox(part, 16, 32)
    np.testing.assert_array_equal(canvas, part[:, :, ::-1])
