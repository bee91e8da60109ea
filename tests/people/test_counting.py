"""Unique people by state worn longest: of the run, the local day and hour."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from maskdet.detections import MaskState
from maskdet.people.analysis import Analysis
from maskdet.people.counting import PeopleTally, longest
from tests.people.scenes import Actor, events, faces, frame, play, times, unique, walk

BERLIN = ZoneInfo("Europe/Berlin")
MASK, BARE, WRONG = MaskState.with_mask, MaskState.without_mask, MaskState.mask_weared_incorrect


def unix(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def total(tally) -> int:
    return sum(tally.counts().values())


def test_a_person_counts_in_the_state_worn_longest():
    tally = PeopleTally(UTC)
    tally.begin(0)
    for state, seconds in ((BARE, 4), (MASK, 9), (MaskState.unsure, 100), (BARE, 4)):
        tally.add(1, state, seconds)
    assert tally.run.counts() == {
        "with_mask": 1, "without_mask": 0, "mask_weared_incorrect": 0, "unsure": 0}  # fmt: skip
    tally.end(1)
    tally.add(2, MaskState.unsure, 3)
    assert tally.day.counts()["with_mask"] == tally.day.counts()["unsure"] == 1


@pytest.mark.parametrize(
    ("seconds", "now", "expected"),
    [
        ((0, 2, 1, 9), MaskState.unsure, BARE),
        ((0, 0, 0, 9), MaskState.unsure, MaskState.unsure),
        ((0, 0, 0, 9), BARE, BARE),  # from this frame on
    ],
)
def test_the_state_worn_longest_is_unsure_where_it_is_all(
    seconds: tuple[float, ...], now: MaskState, expected: MaskState
):
    assert longest(seconds, now) is expected


@pytest.mark.parametrize(
    ("before", "after", "hour", "day"),
    [
        ("2026-03-10T10:59:59", "2026-03-10T11:00:01", True, False),
        ("2026-03-10T10:01:00", "2026-03-10T10:59:00", False, False),
        ("2026-03-10T22:59:59", "2026-03-10T23:00:01", True, True),  # midnight in Berlin
        ("2026-10-25T00:30:00", "2026-10-25T01:30:00", True, False),  # 2:30 twice
        ("2026-03-29T00:59:59", "2026-03-29T01:00:01", True, False),  # 1:59 to 3:00
        ("2026-10-24T22:30:00", "2026-10-25T22:30:00", True, False),  # a day of 25 hours
        ("2026-10-24T22:30:00", "2026-10-25T23:30:00", True, True),
        ("2026-03-10T11:00:01", "2026-03-10T10:59:59", False, False),  # a clock set right
        ("2026-03-12T11:00:01", "2026-03-10T10:59:59", True, True),  # one that was days wrong
    ],
)
def test_hours_and_days_are_local(before: str, after: str, hour: bool, day: bool):
    tally = PeopleTally(BERLIN)
    tally.begin(unix(before))
    tally.add(1, MASK, 5)
    tally.end(1)
    tally.begin(unix(after))
    assert (total(tally.run), total(tally.hour) == 0, total(tally.day) == 0) == (1, hour, day)


def test_who_is_still_there_in_the_next_hour_counts_there_too_and_nobody_else():
    begin = unix("2026-03-10T10:59:50")
    analysis = Analysis(local_zone=UTC)
    actors = [Actor(walk(100, 100)), Actor(walk(400, 100, gone=[(5, 99)]))]
    for t in times(5, 20):
        last = analysis.observe(frame(t, utc=begin), faces(actors, t))
    assert sum(last.people_counts.hour.values()) == 1
    assert sum(last.people_counts.day.values()) == sum(last.people_counts.run.values()) == 2


def test_who_changes_counts_once_and_the_change_is_kept():
    actor = Actor(walk(100, 100), lambda t: (0.03, 0.94, 0.03) if t < 3 else (0.94, 0.03, 0.03))
    seen = play([actor], times(10, 12))
    assert seen[-1].people_counts.run["with_mask"] == unique(seen) == 1
    assert [e.state for e in events(seen, "state") if e.time > 1] == [MASK]


def test_a_visit_has_a_beginning_and_an_end():
    seen = play([Actor(walk(100, 100, gone=[(4, 99)]), state=2)], times(10, 9))
    appeared, gone = events(seen, "appeared", "gone")
    assert (appeared.track_id, appeared.time) == (1, 0.0)
    assert gone.state is WRONG and gone.duration == pytest.approx(3.9)
    assert gone.utc - appeared.utc == pytest.approx(gone.duration)
    assert seen[-1].people == () and unique(seen) == 1
    assert sum(seen[-1].people_counts.now.values()) == 0


def test_memory_does_not_grow_with_people_who_are_gone():
    analysis = Analysis()
    for i in range(40):
        actor = Actor(walk(100 + i % 7 * 70, 100, gone=[(i * 5 + 1, 999)]))
        last = play([actor], times(5, 5, i * 5), analysis)[-1]
    assert sum(last.people_counts.run.values()) == 40
    play([], times(5, 2, 200), analysis)  # until nobody can come back
    assert not analysis._people and not analysis._tally.run._seconds
