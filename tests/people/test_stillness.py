"""Faces that do not move, without a scene around them."""

from __future__ import annotations

import pytest

from maskdet.people.stillness import Stillness
from maskdet.people.zones import Position


@pytest.mark.parametrize(
    ("x", "width", "seconds"),
    [(0.51, 0.1, 60.0), (0.53, 0.1, 0.0), (0.5, 0.11, 60.0), (0.5, 0.12, 0.0), (0.5, 0.08, 0.0)],
)
def test_a_face_that_moves_or_comes_nearer_is_not_still(
    x: float, width: float, seconds: float
) -> None:
    stillness = Stillness()
    stillness.seconds(Position(0.5, 0.5, 0.1, 1.0), 10.0)
    assert stillness.seconds(Position(x, 0.5, width, 1.0), 70.0) == seconds


@pytest.mark.parametrize(("y", "seconds"), [(0.53, 60.0), (0.55, 0.0)])
def test_in_a_wide_image_a_share_of_its_height_is_a_shorter_way(y: float, seconds: float) -> None:
    stillness = Stillness()
    stillness.seconds(Position(0.5, 0.5, 0.1, 2.0), 10.0)
    assert stillness.seconds(Position(0.5, y, 0.1, 2.0), 70.0) == seconds
