"""Columns of a report: hours, days or months of its period, and hours of the day."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import islice

from maskdet.reports.charts import Bar
from maskdet.reports.local_time import LocalTime
from maskdet.reports.queries import STATES, People, Totals, Uptime

MAX_HOURS = 50
"""Hours up to which a period is shown by hour; a day may have 25."""
MAX_DAYS = 92
"""Days up to which it is shown by day, above that by month."""


@dataclass(frozen=True)
class Buckets:
    """The columns of a chart: hours or days.

    Attributes:
        unit: ``hour``, ``day`` or ``month``.
        bars: a column each.
        keys: of each column, as `key` gives it.
    """

    unit: str
    bars: tuple[Bar, ...]
    keys: tuple[object, ...]


def by_time(totals: Totals, clock: LocalTime) -> Buckets:
    """The whole period in columns, those without anybody included."""
    began, ended = totals.selection.began, totals.selection.ended
    hours = list(islice(clock.hours(began, ended), MAX_HOURS + 1))
    if len(hours) <= MAX_HOURS:
        return _by_hour(totals, clock, hours)
    days = [day for day, _, _ in clock.days(began, ended)]
    if len(days) <= MAX_DAYS:
        return Buckets(
            "day",
            tuple(
                Bar(f"{day:%a} {day.day}", f"{day:%a} {day}", totals.by_day.get(day, People()))
                for day in days
            ),
            tuple(days),
        )
    months: dict[str, People] = {f"{day:%Y-%m}": People() for day in days}
    for day, people in totals.by_day.items():
        _add(months[f"{day:%Y-%m}"], people)
    bars = tuple(Bar(month, month, people) for month, people in months.items())
    return Buckets("month", bars, tuple(months))


def by_hour_of_day(totals: Totals, clock: LocalTime) -> tuple[Bar, ...]:
    """The hours of the clock, from 0 to 23, all days of the period together."""
    found: dict[int, People] = defaultdict(People)
    for hour, people in totals.by_hour.items():
        _add(found[clock.at(hour).hour], people)
    return tuple(Bar(f"{hour:02}", f"{hour:02}:00-{hour:02}:59", found[hour]) for hour in range(24))


def uptime_by(totals: Totals, clock: LocalTime, buckets: Buckets, camera: str) -> list[Uptime]:
    """A camera's up-time in each of the columns."""
    found: dict[object, Uptime] = defaultdict(Uptime)
    for (name, hour), uptime in totals.uptime_by_hour.items():
        if name == camera:
            one = found[_key(buckets.unit, hour, clock)]
            one.up_s += uptime.up_s
            one.expected_s += uptime.expected_s
    return [found[key] for key in buckets.keys]


def _key(unit: str, hour: float, clock: LocalTime) -> object:
    if unit == "hour":
        return hour
    day = clock.day_of(hour)
    return day if unit == "day" else f"{day:%Y-%m}"


def _by_hour(totals: Totals, clock: LocalTime, hours: list[float]) -> Buckets:
    """A column an hour; where the clock shows an hour twice, the time zone is added."""
    local = [clock.at(hour) for hour in hours]
    shown = Counter((one.date(), one.hour) for one in local)
    bars = []
    for hour, one in zip(hours, local, strict=True):
        zone = f" {one:%Z}" if shown[one.date(), one.hour] > 1 else ""
        people = totals.by_hour.get(hour, People())
        bars.append(Bar(f"{one:%H}", f"{one:%a %Y-%m-%d %H:00}{zone}", people))
    return Buckets("hour", tuple(bars), tuple(hours))


def _add(people: People, more: People) -> None:
    for state in STATES:
        people.add(state, getattr(more, state))
