"""Frames at a rate: which are taken, by the source's own time."""

from __future__ import annotations

import random

import pytest

from maskdet.live.cameras.source_state import SourceParts
from maskdet.live.pipeline import Pipeline
from maskdet.sources.frame_rate import Pace
from tests.doubles import CollectingSink, ScriptedDetector, SyntheticSource


@pytest.mark.parametrize(
    ("fps", "wanted", "taken"),
    [
        (25, 5, [0, 5, 10, 15, 20]),
        (25, 10, [0, 3, 5, 8, 10, 13, 15, 18, 20, 23]),  # the first at or after each 0.1 s
        (25, 25, list(range(25))),
        (25, 100, list(range(25))),
        (25, 0.5, [0]),
        (25, None, list(range(25))),
    ],
)
def test_of_a_file_the_first_frame_of_each_interval_is_taken(
    fps: float, wanted: float | None, taken: list[int]
) -> None:
    pace = Pace(wanted, is_live=False)
    assert [i for i in range(25) if pace.takes(round(i / fps, 3))] == taken


def test_an_uneven_camera_of_the_wanted_rate_loses_nothing_and_a_faster_one_keeps_it() -> None:
    chance = random.Random(1)
    same, faster = Pace(10, is_live=True), Pace(10, is_live=True)
    assert all(same.takes(max(0.0, i / 10 + chance.uniform(-0.02, 0.02))) for i in range(200))
    taken = sum(faster.takes(i / 30 + chance.uniform(0, 0.01)) for i in range(600))
    assert taken == pytest.approx(200, abs=2)


def test_pictures_and_what_comes_after_going_back_are_taken() -> None:
    pace = Pace(1, is_live=False)
    assert [pace.takes(position) for position in (0, 0, 0)] == [True] * 3
    assert [pace.takes(p) for p in (7.2, 7.4, 3.1, 3.2, 4.0)] == [True, False, True, False, True]


def test_each_source_has_its_own_rate_and_what_is_skipped_is_counted() -> None:
    sink = CollectingSink()
    slow = SourceParts(SyntheticSource(50, name="a"), detect_fps=5.0)
    sources = [slow, SyntheticSource(50, name="b")]
    with Pipeline(sources, ScriptedDetector(), [sink]) as pipeline:
        list(pipeline)
    taken = [o.frame.index for o in sink.observations if o.frame.source == "a"]
    assert taken == list(range(0, 50, 5))
    a, b, both = pipeline.stats.of(0), pipeline.stats.of(1), pipeline.stats.total()
    assert (a.captured, a.processed, a.skipped, a.pending, a.dropped) == (50, 10, 40, 0, 0)
    assert (b.processed, b.skipped, both.skipped) == (50, 0, 40)
