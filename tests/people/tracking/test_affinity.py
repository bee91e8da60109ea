"""Who may be whom: numbers at the gates, without a scene around them."""

from __future__ import annotations

import numpy as np
import pytest

from maskdet.people.tracking.affinity import (
    ALIKE,
    MAX_DISTANCE,
    UNSEEN_COST,
    appearance_affinities,
    place_affinities,
)
from maskdet.people.tracking.motion import Motion
from maskdet.people.tracking.track import Track

COLORS = np.full((1, 36), 0.5, np.float32)


def track(seen: float = 0.0) -> Track:
    return Track(Motion([0, 0, 40, 40]), 0.0, seen, appearance=COLORS[0])


def box(x: float, side: float = 40.0) -> np.ndarray:
    half = side / 2
    return np.array([[20 + x - half, 20 - half, 20 + x + half, 20 + half]], np.float32)


@pytest.mark.parametrize(
    ("distance", "side", "may_be"),
    [
        (1, 40, True),
        (MAX_DISTANCE - 0.1, 40, True),
        (MAX_DISTANCE + 0.1, 40, False),
        (1, 64, False),
    ],
)
def test_who_looks_the_same_is_not_somebody_far_away_or_of_another_size(
    distance: float, side: float, may_be: bool
) -> None:
    """However long they were out of sight."""
    found = appearance_affinities([track()], box(distance * 40, side), COLORS, now=100.0)
    assert found == pytest.approx(ALIKE if may_be else 0.0)


def test_the_longer_somebody_is_out_of_sight_the_likelier_it_is_somebody_else() -> None:
    def gain(absence: float) -> float:
        one = place_affinities([track()], box(2), np.array([absence]), memory=2.0)
        return float(one[0, 0])

    assert gain(0.0) - gain(1.0) == pytest.approx(UNSEEN_COST / 2)
    assert gain(0.0) - gain(2.0) == pytest.approx(UNSEEN_COST)
