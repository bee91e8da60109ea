"""Zones are entered and left with inertia; a line counts once a person and direction."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from maskdet.commands.benchmark.head_tracks import CONDITIONS, simulate
from maskdet.people.analysis import Analysis
from maskdet.people.zones import (
    Line,
    LineCrossing,
    Position,
    Zone,
    ZonePresence,
    crosses_itself,
)
from tests.people.crossing_runs import tally, true_crossings
from tests.people.margin_runs import street
from tests.people.scenes import Actor, events, faces, frame, play, times, walk

LEFT = Zone("left", ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)))
GATE = Line("gate", (0.0, 0.5), (1.0, 0.5))


def crossed(observations) -> list[tuple[str, int]]:
    return [(e.direction, e.track_id) for e in events(observations, "crossed")]


def test_a_zone_that_is_drawn_while_nothing_moves_is_shown_at_once():
    """Nobody is counted in it before the next frame that is processed; a gate may skip many."""
    analysis = Analysis(lines=[GATE])
    *_, last = play([Actor(walk(30, 240))], times(10, 2), analysis)
    analysis.set_places([LEFT], [GATE])
    carried = analysis.carry_on(replace(last, frame=frame(2.1), is_carried=True))
    assert [shape.name for shape in carried.shapes] == ["left", "gate"]
    assert carried.people_counts is not None and not carried.people_counts.zones
    (seen, *_) = play([Actor(walk(30, 240))], times(10, 1, 2.2), analysis)
    assert set(seen.people_counts.zones) == {"left"}


@pytest.mark.parametrize("fps", (25, 5, 2.5, 1))
def test_a_zone_is_entered_and_left(fps: float):
    seen = play([Actor(walk(30, 240, vx=60))], times(fps, 10), Analysis(zones=[LEFT]))
    entered, left = events(seen, "entered", "left")
    assert (entered.place, left.place) == ("left", "left")
    assert left.time == pytest.approx((320 - 30) / 60, abs=1.5 / fps)  # not when it is certain
    assert entered.time + left.duration == pytest.approx(left.time, abs=1e-3)
    assert seen[-1].people_counts.zones["left"]["with_mask"] == 0
    assert max(o.people_counts.zones["left"]["with_mask"] for o in seen) == 1
    assert any("left" in p.zones for o in seen for p in o.people)


def test_a_face_that_dances_on_the_border_enters_once():
    seen = play([Actor(lambda t: (320 + 12 * np.sin(25 * t), 240))], times(25, 10),
                Analysis(zones=[LEFT]))  # fmt: skip
    assert len(events(seen, "entered", "left")) <= 1


def test_who_vanishes_in_a_zone_leaves_it():
    path = walk(100, 240, gone=[(3, 99)])
    seen = play([Actor(path)], times(10, 8), Analysis(zones=[LEFT]))
    assert [e.kind for e in events(seen, "entered", "left", "gone")] == ["entered", "left", "gone"]
    assert seen[-1].people_counts.zones["left"]["with_mask"] == 0


@pytest.mark.parametrize("fps", (25, 5, 2.5, 1))
@pytest.mark.parametrize("way", ("in", "out"))
def test_a_line_is_crossed_however_far_a_face_jumps(fps: float, way: str):
    y, vy = (60, 90) if way == "in" else (420, -90)
    seen = play([Actor(walk(300, y, vy=vy), width=30)], times(fps, 4), Analysis(lines=[GATE]))
    assert crossed(seen) == [(way, 1)]
    assert seen[-1].people_counts.crossings["gate"][way]["with_mask"] == 1


def test_a_face_that_dances_on_a_line_crosses_once():
    rng = np.random.default_rng(2)
    seen = play(
        [Actor(lambda t: (300, 180 + 12 * t + rng.normal(0, 6)), width=40)],
        times(25, 10), Analysis(lines=[GATE]),
    )  # fmt: skip
    assert crossed(seen) == [("in", 1)]


def test_who_paces_over_a_line_counts_once_each_way():
    seen = play([Actor(lambda t: (300, 240 + 100 * np.cos(t)))], times(10, 40),
                Analysis(lines=[GATE]))  # fmt: skip
    assert sorted(crossed(seen)) == [("in", 1), ("out", 1)]


def test_who_crosses_before_being_confirmed_counts():
    seen = play([Actor(walk(300, 225, vy=200), width=20)], times(25, 1), Analysis(lines=[GATE]))
    (event,) = events(seen, "crossed")
    confirmed = next(o.frame.time for o in seen if o.people)
    assert event.time < confirmed


def test_who_crosses_unseen_counts():
    path = walk(300, 60, vy=90, gone=[(1.0, 2.6)])
    assert crossed(play([Actor(path)], times(10, 4), Analysis(lines=[GATE]))) == [("in", 1)]


@pytest.mark.parametrize(("fps", "missed"), [(2.0, 0.04), (1.0, 0.1)])
def test_in_a_street_at_a_slow_camera_crossings_are_counted_and_none_twice(
    fps: float, missed: float
):
    """Of those who are found on both sides of a line, by places alone."""
    rows = street(25, 60, 1)
    counted = tally(true_crossings(rows), simulate(rows, fps, CONDITIONS[0], 3))
    assert counted.missed - counted.unseen <= missed and counted.false < 0.03
    assert counted.doubled == 0


def test_who_walks_round_a_lines_end_has_not_crossed_it():
    short = Line("short", (0.0, 0.5), (0.3, 0.5))
    seen = play([Actor(walk(400, 60, vy=90))], times(10, 4), Analysis(lines=[short]))
    assert crossed(seen) == []


def test_a_false_box_beside_a_line_crosses_nothing():
    analysis, spots = Analysis(lines=[GATE]), [(300, 200), (310, 280)]
    seen = []
    for i, t in enumerate(times(10, 5)):
        here = [Actor(lambda _, p=spots[i % 2]: p)] if i in (4, 5) else []
        seen.append(analysis.observe(frame(t, i), faces(here, t)))
    assert crossed(seen) == []


@pytest.mark.parametrize(
    ("points", "crosses"),
    [
        (((0, 0), (1, 0), (1, 1), (0, 1)), False),
        (((0, 0), (1, 1), (1, 0), (0, 1)), True),
        (((0, 0), (1, 0), (0.5, 1)), False),
        (((0, 0), (1, 0), (1, 1), (0.5, -0.5), (0, 1)), True),
        # the ends of a U lie on one straight line, and do not meet
        (((0, 0), (3, 0), (3, 2), (2, 2), (2, 1), (1, 1), (1, 2), (0, 2)), False),
        # a side lies on another one
        (((0, 0), (3, 0), (3, 1), (2, 0), (1, 0), (0, 1)), True),
    ],
)
def test_a_polygon_that_crosses_itself_is_known(points, crosses: bool):
    assert crosses_itself(points) is crosses


def test_places_keep_their_place_in_another_picture_size():
    analysis = Analysis(lines=[GATE], zones=[LEFT])
    small = np.zeros((240, 320, 3), np.uint8)
    walker = [Actor(walk(200, 60, vy=90))]
    play(walker, times(10, 1.5), analysis)
    seen = [
        analysis.observe(frame(t, 0, small), faces(walker, t, (320, 240)))
        for t in times(10, 2.5, 1.5)
    ]
    assert crossed(seen) == [("in", 1)] and seen[-1].people[0].zones == ("left",)


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
    assert crossing.update(line, Position(0.5, y, 0.1, 4.0)) is None
    assert crossing.update(line, Position(0.5, 0.9, 0.1, 4.0)) == direction
