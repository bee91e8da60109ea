"""Several pictures in one, none of them stretched."""

from __future__ import annotations

import numpy as np
import pytest

from maskdet.detections import Detections
from maskdet.frame import Frame
from maskdet.live.montage import fit, grid, montage
from maskdet.observation import Observation


@pytest.mark.parametrize(
    ("count", "expected"),
    [(1, (1, 1)), (2, (2, 1)), (3, (2, 2)), (4, (2, 2)), (5, (3, 2)), (7, (3, 3)), (0, (1, 1))],
)
def test_grid(count: int, expected: tuple[int, int]) -> None:
    assert grid(count) == expected


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5])
def test_every_picture_is_there_with_its_aspect(count: int) -> None:
    sizes = [(40, 30), (30, 60), (800, 200), (7, 7), (64, 64)][:count]
    images = [np.full((h, w, 3), 50 + 40 * i, np.uint8) for i, (w, h) in enumerate(sizes)]
    whole = montage(images, (600, 400))
    columns, rows = grid(count)
    assert whole.shape == (400 // rows * rows, 600 // columns * columns, 3)
    for i, (width, height) in enumerate(sizes):
        ys, xs = np.nonzero((whole == 50 + 40 * i).all(axis=2))
        seen = (np.ptp(xs) + 1, np.ptp(ys) + 1)
        assert seen[0] / seen[1] == pytest.approx(width / height, rel=0.05)
        assert xs.min() // (600 // columns) == i % columns  # in its own tile
        assert ys.min() // (400 // rows) == i // columns


def test_fit_makes_the_picture_smaller_with_its_boxes() -> None:
    image = np.zeros((1080, 1920, 3), np.uint8)
    faces = Detections([[192, 108, 960, 540]], [0.9], [0])
    seen = Observation(Frame(image, 4, 1.0, 2.0, "door"), faces, {"with_mask": 1}, ("rule",))
    small = fit(seen, (640, 400))
    assert small.frame.image.shape == (360, 640, 3)
    assert small.detections.boxes[0] == pytest.approx([64, 36, 320, 180])
    assert (small.frame.index, small.counts, small.alerts) == (4, seen.counts, seen.alerts)
    assert fit(seen, (4000, 4000)) is seen  # never larger
