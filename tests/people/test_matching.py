"""Who may be whom, and what does not move: numbers at the gates, without a scene around them."""

from __future__ import annotations

import numpy as np
import pytest

from maskdet.people.appearance import LookChange
from maskdet.people.matching import ALIKE, MAX_DISTANCE, UNSEEN_COST, gains, likenesses
from maskdet.people.motion import Motion
from maskdet.people.stillness import Stillness
from maskdet.people.track import Track
from maskdet.people.zones import Line, LineCrossing, ZonePresence

LOOK = np.full((1, 36), 0.5, np.float32)


def track(seen: float = 0.0) -> Track:
    return Track(Motion([0, 0, 40, 40]), 0.0, seen, look=LOOK[0])


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
    found = likenesses([track()], box(distance * 40, side), LOOK, now=100.0)
    assert found == pytest.approx(ALIKE if may_be else 0.0)


def test_the_longer_somebody_is_out_of_sight_the_likelier_it_is_somebody_else() -> None:
    def gain(absence: float) -> float:
        one = gains([track()], box(2), None, np.array([absence]), 2.0, LookChange())
        return float(one[0, 0])

    assert gain(0.0) - gain(1.0) == pytest.approx(UNSEEN_COST / 2)
    assert gain(0.0) - gain(2.0) == pytest.approx(UNSEEN_COST)


@pytest.mark.parametrize(
    ("x", "width", "seconds"),
    [(0.51, 0.1, 60.0), (0.53, 0.1, 0.0), (0.5, 0.11, 60.0), (0.5, 0.12, 0.0), (0.5, 0.08, 0.0)],
)
def test_a_face_that_moves_or_comes_nearer_is_not_still(
    x: float, width: float, seconds: float
) -> None:
    stillness = Stillness()
    stillness.seconds(0.5, 0.5, 0.1, 10.0)
    assert stillness.seconds(x, 0.5, width, 70.0) == seconds


def test_a_stay_begins_when_the_border_was_passed_not_when_that_was_sure() -> None:
    presence = ZonePresence()
    assert presence.update(True, 1.0, 0.5) == ""
    assert presence.update(True, 1.6, 0.5) == "entered"
    assert presence.since == 1.0


@pytest.mark.parametrize(("y", "direction"), [(0.45, None), (0.35, "in")])
def test_a_face_beside_a_line_is_on_neither_side_in_a_wide_image_too(
    y: float, direction: str | None
) -> None:
    """A quarter of a face of .1 of the width is .1 of the height, where that is a quarter."""
    line, crossing = Line("gate", (0.0, 0.5), (1.0, 0.5)), LineCrossing()
    assert crossing.update(line, (0.5, y), 4.0, 0.1) is None
    assert crossing.update(line, (0.5, 0.9), 4.0, 0.1) == direction
