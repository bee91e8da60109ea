"""Disturbances of a camera while two people stand there: they stay who they are, and count once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from maskdet.detections import MaskState
from maskdet.observation import Observation
from maskdet.people.analysis import Analysis
from maskdet.people.tracking.tracker import Tracker
from maskdet.people.zones import Line, Zone
from tests.people.scenes import IMAGE, Actor, events, faces, frame, ids, play, times, unique, walk

TWO = [Actor(walk(150, 150)), Actor(walk(450, 300), 1)]


@pytest.mark.parametrize("jump", [7 * 3600.0, -7 * 3600.0, 400 * 86_400.0])
def test_a_system_clock_that_jumps_counts_nobody_twice_in_the_run(jump: float):
    """The hour and the day are others from then on, and who stands there counts in them, too."""
    analysis = Analysis(local_zone=UTC)
    play(TWO, times(10, 3), analysis)
    begin = frame(0).utc + jump
    after = [analysis.observe(frame(t, utc=begin), faces(TWO, t)) for t in times(10, 3, 3.0)]
    assert ids(after) == {1, 2} and not events(after, "appeared", "gone", "state")
    counts = after[-1].people_counts
    assert counts is not None
    assert [sum(one.values()) for one in (counts.run, counts.day, counts.hour)] == [2, 2, 2]


@pytest.mark.parametrize("fps", [10, 2.5])
def test_a_camera_that_shakes_by_a_face_width_counts_three_people_as_three(fps: float):
    """Only places distinguish them: what all do at once is the camera's motion."""
    tracker, shaking, begun = Tracker(), np.random.default_rng(2), 0
    places = np.array([[300, 300], [700, 420], [1100, 360]], float)
    for t in times(fps, 40):
        centers = places + shaking.uniform(-40, 40, 2) + shaking.normal(0, 2, (3, 2))
        boxes = np.concatenate([centers - 40, centers + 40], axis=1).astype(np.float32)
        begun += len(tracker.update(boxes, 1 / fps if t else 0.0, t).confirmed)
    assert begun == 3


def test_midnight_while_people_stand_there_counts_them_once_on_each_day():
    analysis = Analysis(local_zone=UTC)
    begin = datetime(2026, 3, 10, 23, 59, 57, tzinfo=UTC).timestamp()
    actors = [*TWO, Actor(walk(300, 80, gone=[(2, 99)]))]
    seen = [analysis.observe(frame(t, utc=begin), faces(actors, t)) for t in times(10, 10)]
    before, after = seen[25].people_counts, seen[-1].people_counts
    assert before is not None and after is not None
    assert sum(before.day.values()) == 3 == sum(after.run.values())
    assert after.day == after.hour == after.now
    assert (after.day["with_mask"], after.day["without_mask"]) == (1, 1)
    assert len(events(seen, "appeared")) == 3


def test_another_size_and_shape_in_mid_stream_moves_nobody_over_a_border():
    """Both stand as near to a line and a zone's border as anybody who has not crossed it."""
    zone = Zone("left", ((0, 0), (0.27, 0), (0.27, 1), (0, 1)))
    line = Line("gate", (0.0, 0.36), (1.0, 0.36))
    analysis = Analysis(zones=[zone], lines=[line])
    seen = play(TWO, times(10, 3), analysis)
    for number, (width, height) in enumerate([(320, 240), (1280, 720), (640, 480)], 1):
        image = np.resize(IMAGE, (height, width, 3))
        for t in times(10, 2, 1 + 2 * number):
            found = faces(TWO, t)
            scale = np.array([width / 640, height / 480] * 2, np.float32)
            found.boxes[:] = found.boxes * scale
            seen.append(analysis.observe(frame(t, 0, image), found))
    assert ids(seen) == {1, 2}
    assert [(e.kind, e.track_id) for e in events(seen, "entered", "left", "crossed", "gone")] == [
        ("entered", 1)
    ]
    assert [person.zones for person in seen[-1].people] == [("left",), ()]


def test_who_stands_there_after_more_than_a_minute_without_frames_is_somebody_new():
    """However alike: what was there is over, as an empty night before a camera is."""
    analysis = Analysis()
    before = play(TWO, times(10, 3), analysis)
    after = play(TWO, times(10, 3, 3 + 75), analysis)
    assert ids(before) == {1, 2} and ids(after) == {3, 4} and unique(after) == 4
    assert [one.time for one in events(after, "gone")] == [pytest.approx(2.9)] * 2


@pytest.mark.parametrize(("pause", "reason"), [(10, "left"), (90, "unseen")])
def test_who_was_gone_before_a_pause_has_left_if_the_pause_was_short(pause: int, reason: str):
    """After a long one nobody knows who was still there."""
    actor = Actor(walk(300, 200, gone=[(3, 1000)]))
    seen = play([actor], [*times(10, 4.5), *times(10, 1, 4.5 + pause)])
    (gone,) = events(seen, "gone")
    assert gone.reason == reason and gone.duration == pytest.approx(2.9)


def test_a_pause_of_the_source_is_no_time_in_which_a_mask_was_worn():
    """Ten seconds without a mask, a pause of fifty, twenty seconds with one."""
    path = walk(150, 150)
    bare, masked = [Actor(path, 1)], [Actor(path, 0)]
    analysis = Analysis()
    play(bare, times(10, 10), analysis)
    after = play(masked, times(10, 20, 60), analysis)
    assert ids(after) == {1} and [one.longest.name for one in after[-1].people] == ["with_mask"]
    assert after[-1].people_counts.run["with_mask"] == 1  # type: ignore[union-attr]


@pytest.mark.parametrize(("fps", "seconds"), [(5, 0.4), (10, 0.5), (1, 1)])
def test_a_short_visit_counts_in_one_state_everywhere(fps: float, seconds: float):
    """Of a person who is confirmed in the last frame, or in the only one."""
    actor = Actor(walk(150, 150, gone=[(0, 2), (2 + seconds, 99)]))
    seen = play([actor], times(fps, 7))
    (gone,) = events(seen, "gone")
    longest = {person.longest for one in seen for person in one.people}
    assert {gone.state} == longest == {MaskState.with_mask}
    assert seen[-1].people_counts.run["with_mask"] == 1  # type: ignore[union-attr]


def carried(analysis: Analysis, seen: Observation, until: float) -> None:
    """Frames up to that time in which nothing moves, which no detector sees."""
    analysis.carry_on(replace(seen, frame=frame(until)))


def test_who_is_there_while_nothing_moves_is_not_out_of_sight_meanwhile():
    analysis, actor = Analysis(), Actor(walk(150, 150, gone=[(8, 8.5)]))
    *_, last = play([actor], times(10, 3), analysis)
    carried(analysis, last, 8.0)
    assert ids(play([actor], times(10, 2, 8.1), analysis)) == {1}


def test_who_was_gone_before_nothing_moved_is_out_of_sight_all_the_while():
    analysis, actor = Analysis(), Actor(walk(150, 150, gone=[(2, 8.2)]))
    *_, last = play([actor], times(10, 3), analysis)
    carried(analysis, last, 8.0)
    after = play([actor], times(10, 2, 8.1), analysis)
    assert ids(after) == {2} and [one.time for one in events(after, "gone")] == [pytest.approx(1.9)]


def test_a_walker_goes_on_from_where_nothing_moved():
    """Places alone count: the light is another in every frame."""
    actor = Actor(lambda t: (100 + 200 * min(t, 1.0) + 200 * max(t - 2, 0.0), 150))
    lights = np.random.default_rng(3).integers(30, 220, 40)
    analysis, seen = Analysis(), []
    for light, t in zip(lights, [*times(10, 1), *times(10, 1, 2.0)], strict=False):
        image = np.full_like(IMAGE, light)
        if t == 2.0:
            carried(analysis, seen[-1], 1.9)
        seen.append(analysis.observe(frame(t, image=image), faces([actor], t)))
    assert ids(seen) == {1}


def test_a_poster_leaves_its_zone_and_counts_again_with_what_was_worn_when_it_moves():
    """Eight seconds without a mask, still for three of them; then some with one, in motion."""

    def state(t: float) -> list[float]:
        return [0.03, 0.94, 0.03] if t < 8 else [0.94, 0.03, 0.03]

    actor = Actor(lambda t: (150 + 20 * max(0.0, t - 8), 150), state)
    zone = Zone("wall", ((0, 0), (1, 0), (1, 1), (0, 1)))
    seen = play([actor], times(10, 12), Analysis(still_after=5, zones=[zone]))
    counts = [one.people_counts.run for one in seen]  # type: ignore[union-attr]
    assert sum(counts[70].values()) == 0 and seen[70].people[0].zones == ()
    assert [e.kind for e in events(seen, "entered", "left", "still", "moved")] == [
        *("entered", "left", "still", "moved", "entered")
    ]
    assert counts[-1]["without_mask"] == 1 and counts[-1]["with_mask"] == 0
