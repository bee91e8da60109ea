"""Days and hours where clocks are set at midnight."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from maskdet.people.counting import PeopleTally
from maskdet.reports.local_time import LocalTime

QUARTER_S = 900


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Africa/Cairo", date(2026, 4, 24), 23),  # begins at 1:00
        ("Africa/Cairo", date(2026, 10, 29), 25),  # 23:00 comes twice
        ("Asia/Beirut", date(2026, 3, 29), 23),
        ("America/Havana", date(2026, 11, 1), 25),  # 0:00 comes twice
        ("America/Santiago", date(2026, 9, 6), 23),
        ("Atlantic/Azores", date(2026, 10, 25), 25),
    ],
)
def test_each_moment_is_of_one_day_and_hour(zone: str, day: date, hours: int):
    """In reports, and in the counts of the monitor."""
    clock = LocalTime(zone)
    began, ended = clock.start_of(day), clock.start_of(day + timedelta(days=1))
    assert ended - began == 3600 * hours
    starts = list(clock.hours(began, ended))
    assert starts[0] == began and len(starts) == hours
    assert all(later - earlier == 3600 for earlier, later in pairwise([*starts, ended]))
    moments = range(int(began), int(ended), QUARTER_S)
    assert {clock.day_of(moment) for moment in moments} == {day}
    around = list(clock.days(began - 1, ended + 1))
    assert [one for one, _, _ in around] == [day + timedelta(days=n) for n in (-1, 0, 1)]
    assert around[0][2] == began and around[2][1] == ended

    tally = PeopleTally(ZoneInfo(zone))
    whole = range(int(began) - 3600, int(ended) + 3600, QUARTER_S)
    assert [moment for moment in whole if tally.begin(moment)][1:] == [began, ended]
