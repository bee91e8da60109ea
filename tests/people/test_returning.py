"""Who is out of sight for longer than the memory, and comes back, keeps the number."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import cv2
import numpy as np
import pytest

from maskdet.observation import Observation
from maskdet.people.analysis import Analysis
from maskdet.people.zones import Line, Zone
from maskdet.sinks.store.event_store import EventStore
from maskdet.sinks.store.schema import open_for_reading
from tests.people.scenes import SIZE, UTC, Actor, events, faces, frame, times, unique, walk

GONE = (2.0, 5.6)
"""Seconds for which somebody is not found."""


def colors(seed: int) -> np.ndarray:
    """A face of four rows of three colors, and the collar below it."""
    cells = np.random.default_rng(seed).integers(40, 216, (5, 3, 3)).astype(np.uint8)
    return cv2.resize(cells, (40, 52), interpolation=cv2.INTER_NEAREST)


def show(
    actors: Sequence[tuple[Actor, np.ndarray]],
    moments: Sequence[float],
    analysis: Analysis | None = None,
    light: float = 1.0,
) -> list[Observation]:
    """The observations of a scene whose faces look as given."""
    analysis = analysis or Analysis()
    seen = []
    for i, t in enumerate(moments):
        image = np.full((SIZE[1], SIZE[0], 3), 128, np.uint8)
        for actor, face in actors:
            if place := actor.path(t):
                left, top = round(place[0]) - 20, round(place[1]) - 20
                image[top : top + 52, left : left + 40] = face
        image = np.round(image * light).astype(np.uint8)
        found = faces([actor for actor, _ in actors], t)
        seen.append(analysis.observe(frame(t, i, image), found))
    return seen


@pytest.mark.parametrize("light", (1.0, 0.15))
@pytest.mark.parametrize("fps", (25, 5, 2.5))
def test_who_walks_behind_something_keeps_the_number(fps: float, light: float):
    behind = Actor(walk(60, 240, vx=50, gone=[GONE]))
    seen = show([(behind, colors(1))], times(fps, 9), light=light)
    assert unique(seen) == 1 and {p.track_id for o in seen for p in o.people} == {1}
    kinds = [one.kind for one in events(seen) if one.kind != "state"]
    assert kinds == ["appeared", "gone", "appeared"]
    assert not any(o.people for o in seen if 4.7 < o.frame.time < 5.5)


@pytest.mark.parametrize("light", (1.0, 0.15))
@pytest.mark.parametrize("other", range(2, 12))
def test_somebody_else_in_that_place_is_somebody_else(other: int, light: float):
    first = Actor(walk(60, 240, vx=50, gone=[(GONE[0], 99)]))
    second = Actor(walk(60, 240, vx=50, gone=[(0, GONE[1])]))
    actors = [(first, colors(1)), (second, colors(other))]
    assert unique(show(actors, times(5, 9), light=light)) == 2


def test_nobody_is_preferred_of_two_who_look_the_same():
    pair = [Actor(walk(x, 240, vx=50, gone=[(GONE[0], 99)])) for x in (60, 130)]
    back = Actor(walk(95, 240, vx=50, gone=[(0, GONE[1])]))
    seen = show([(actor, colors(1)) for actor in (*pair, back)], times(5, 9))
    assert unique(seen) == 3


@pytest.mark.parametrize(
    "path",
    [
        walk(200, 240, gone=[(2.0, 7.4)]),
        lambda t: (60, 240) if t < 2 else (500, 240) if t >= 5 else None,
    ],
    ids=["later", "elsewhere"],
)
def test_who_comes_back_later_or_elsewhere_is_counted_again(path):
    assert unique(show([(Actor(path), colors(1))], times(5, 10))) == 2


def test_nobody_comes_back_after_the_end():
    analysis, actor = Analysis(), (Actor(walk(200, 240)), colors(1))
    before = show([actor], times(5, 3), analysis)
    analysis.finish(before[-1])
    assert unique(show([actor], times(5, 3, 3), analysis)) == 2


def test_what_is_known_of_a_person_goes_on():
    """A line between both places is crossed once; the state worn longest is of all the time."""
    line, zone = (
        Line("door", (0.4, 0.0), (0.4, 1.0)),
        Zone("hall", ((0, 0), (1, 0), (1, 1), (0, 1))),
    )
    analysis = Analysis(lines=[line], zones=[zone])
    states = np.array([[0.94, 0.03, 0.03], [0.03, 0.94, 0.03]])
    walker = Actor(
        walk(60, 240, vx=50, gone=[(4.0, 7.0)]), lambda t: states[0 if t < 5 else 1].tolist()
    )
    seen = show([(walker, colors(1))], times(5, 9), analysis)
    assert len(events(seen, "crossed")) == 1
    assert [one.kind for one in events(seen, "entered", "left")] == ["entered", "left", "entered"]
    assert seen[-1].people_counts.run == {
        "with_mask": 1,
        "without_mask": 0,
        "mask_weared_incorrect": 0,
        "unsure": 0,
    }
    assert seen[-1].people[0].first_seen == 0.0 and seen[-1].people[0].state.name == "without_mask"


def test_the_store_has_one_visit(tmp_path: Path):
    """A long one, so that it is clear when it began."""
    actor = Actor(walk(200, 240, gone=[(90.0, 93.5)]))
    with closing(EventStore(tmp_path / "people.db")) as store:
        for observation in show([(actor, colors(1))], times(5, 120)):
            store.write(observation)
    with closing(open_for_reading(tmp_path / "people.db")) as connection:
        visits = connection.execute("SELECT first_seen, seconds FROM visits").fetchall()
    assert [(began - UTC, seconds) for began, seconds in visits] == [pytest.approx((0, 119.8))]


def test_who_is_back_may_not_be_who_comes_next():
    back = Actor(walk(200, 240, gone=[(2.0, 5.0)]))
    new = Actor(walk(330, 240, gone=[(0.0, 5.4)]))
    seen = show([(back, colors(1)), (new, colors(2))], times(25, 8))
    assert unique(seen) == 2 and seen[-1].people_counts.margin == 0
