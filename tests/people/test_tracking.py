"""Who is who from frame to frame, at any rate, over gaps, pauses and changes of the picture."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskdet.people.analysis import Analysis
from maskdet.people.tracking.assignment import assign
from tests.people.scenes import IMAGE, Actor, events, faces, frame, ids, play, times, unique, walk

RATES = (25, 12.5, 5, 2.5, 1)


@pytest.mark.parametrize("fps", RATES)
def test_a_walker_is_one_person_at_any_rate(fps: float):
    """5 face widths a second: at 5 frames a second no two boxes overlap."""
    seen = play([Actor(walk(10, 240, vx=100, vy=0), width=20)], times(fps, 6))
    assert ids(seen) == {1} and unique(seen) == 1


@pytest.mark.parametrize("fps", (25, 5, 2.5))
def test_two_who_pass_each_other_keep_their_numbers(fps: float):
    right, left = walk(50, 240, vx=90), walk(590, 262, vx=-90)
    seen = play([Actor(right), Actor(left)], times(fps, 5.5))
    assert ids(seen) == {1, 2}
    end = {int(i): box[0] for i, box in zip(
        seen[-1].detections.track_ids, seen[-1].detections.boxes, strict=True)}  # fmt: skip
    start = next(o for o in seen if (o.detections.track_ids > 0).all())
    begin = {int(i): box[0] for i, box in zip(
        start.detections.track_ids, start.detections.boxes, strict=True)}  # fmt: skip
    assert (end[1] > begin[1]) == (begin[1] < begin[2])


@pytest.mark.parametrize(("gap", "people"), [(0.4, 1), (1.6, 1), (4.0, 2)])
def test_a_person_is_remembered_for_two_seconds(gap: float, people: int):
    path = walk(100, 240, vx=60, gone=[(2.0, 2.0 + gap)])
    assert unique(play([Actor(path)], times(10, 8))) == people


@pytest.mark.parametrize("fps", (25, 10, 5, 2.5))
def test_who_turns_away_for_the_two_seconds_of_the_memory_keeps_the_number(fps: float):
    for begin in (4.0, 4.4, 5.2):
        path = walk(200, 240, gone=[(begin, begin + 2.0)])
        assert unique(play([Actor(path)], times(fps, 9))) == 1


def test_memory_can_be_set():
    path = walk(100, 240, vx=20, gone=[(2.0, 6.0)])
    assert unique(play([Actor(path)], times(10, 8), Analysis(memory_seconds=5.0))) == 1


def test_frames_that_are_dropped_change_nobody():
    kept = [t for i, t in enumerate(times(25, 6)) if i % 7 in (0, 1, 5) and not 2 < t < 2.8]
    assert ids(play([Actor(walk(20, 100, vx=90)), Actor(walk(600, 300, vx=-90))], kept)) == {1, 2}


def test_a_false_box_here_and_there_is_nobody():
    rng = np.random.default_rng(3)
    spots = {t: rng.uniform(20, 460, 2) for t in times(25, 8)[::5]}
    analysis = Analysis()
    for i, t in enumerate(times(25, 8)):
        found = [Actor(lambda _, p=spots[t]: tuple(p))] if t in spots else []
        last = analysis.observe(frame(t, i), faces(found, t))
        assert (last.detections.track_ids == -1).all()
    assert sum(last.people_counts.run.values()) == 0 and not last.people


def test_nobody_has_a_number_before_being_confirmed():
    seen = play([Actor(walk(100, 100))], times(25, 1))
    unconfirmed = [o for o in seen if (o.detections.track_ids == -1).any()]
    assert 3 <= len(unconfirmed) <= 12
    assert all(not o.people and sum(o.people_counts.run.values()) == 0 for o in unconfirmed)


def test_another_picture_size_keeps_everybody():
    actors, analysis = [Actor(walk(100, 100)), Actor(walk(400, 300, vx=30))], Analysis()
    play(actors, times(10, 2), analysis)
    half = np.ascontiguousarray(IMAGE[::2, ::2])
    after = [
        analysis.observe(frame(t, 0, half), faces(actors, t, (320, 240))) for t in times(10, 2, 2.0)
    ]
    assert ids(after) == {1, 2} and unique(after) == 2


@pytest.mark.parametrize("pause", (5, 30))
def test_who_sits_keeps_the_number_over_a_reconnect(pause: float):
    analysis, actors = Analysis(), [Actor(walk(100, 100)), Actor(walk(400, 300))]
    play(actors, times(10, 3), analysis)
    after = play(actors, times(10, 3, 3.0 + pause), analysis)
    assert ids(after) == {1, 2} and not events(after, "gone")


def test_others_who_come_after_a_reconnect_are_others():
    analysis = Analysis()
    play([Actor(walk(100, 100))], times(10, 3), analysis)
    after = play([Actor(walk(500, 300))], times(10, 3, 20), analysis)
    assert unique(after) == 2 and len(events(after, "gone")) == 1


@pytest.mark.parametrize("jump", (-3600.0, -1.0))
def test_a_clock_that_is_set_back_changes_nobody(jump: float):
    analysis, actors = Analysis(), [Actor(lambda t: (100, 100)), Actor(lambda t: (300, 200))]
    play(actors, times(10, 3, 5000), analysis)
    after = play(actors, times(10, 3, 5003 + jump), analysis)
    assert unique(after) == 2 and not events(after, "gone", "appeared")
    assert all(p.first_seen <= p.last_seen <= after[-1].frame.time for p in after[-1].people)


def test_pictures_of_files_have_nothing_to_do_with_each_other():
    analysis = Analysis()
    for i in range(5):
        found = faces([Actor(walk(100, 100))], 0)
        one = analysis.observe(replace(frame(0.0, i), file=f"{i}.jpg"), found)
        assert one.people_counts is None and one.detections.track_ids is None
        assert one.counts["with_mask"] == 1 and not one.people


def test_two_boxes_around_one_face_are_one_person():
    near = Actor(walk(104, 103))
    assert unique(play([Actor(walk(100, 100)), near], times(10, 3))) == 1


@given(
    st.tuples(st.integers(1, 3), st.integers(1, 4)).flatmap(
        lambda size: st.lists(
            st.lists(st.integers(-3, 9), min_size=size[1], max_size=size[1]),
            min_size=size[0],
            max_size=size[0],
        )
    )
)
@settings(max_examples=60)
def test_an_assignment_is_the_best_one(gains: list[list[int]]):
    array = np.array(gains, float)
    rows, columns = array.shape
    pairs = assign(array)
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    assert all(array[i, j] > 0 for i, j in pairs)
    wide = np.zeros((rows, columns + rows))  # a row may stay alone
    wide[:, :columns] = np.maximum(array, 0)
    orders = permutations(range(columns + rows), rows)
    best = max(sum(wide[i, j] for i, j in enumerate(order)) for order in orders)
    assert sum(array[i, j] for i, j in pairs) == pytest.approx(best)


def test_a_solver_is_only_imported_when_people_compete():
    code = (
        "import sys; from tests.people.scenes import *;"
        "play([Actor(walk(50, 50)), Actor(walk(500, 400))], times(10, 2));"
        "print('lap' in sys.modules);"
        "play([Actor(walk(50, 50)), Actor(walk(72, 50))], times(10, 2));"
        "print('lap' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]
