"""Totals of a report, read from an event store."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date

from maskdet.detections import MaskState
from maskdet.errors import ConfigError
from maskdet.reports.local_time import LocalTime
from maskdet.reports.spans import watched

STATES = tuple(state.name for state in MaskState)
"""States in the order of the counts of `People`."""
_QUARTER_S = 900
"""Minutes are summed by quarters of an hour, of which every local hour is made."""


@dataclass
class People:
    """People by state, each counted once for each visit, in the state worn longest."""

    with_mask: int = 0
    without_mask: int = 0
    mask_weared_incorrect: int = 0
    unsure: int = 0

    def add(self, state: str, count: int = 1) -> None:
        """Counts people of a state."""
        setattr(self, state, getattr(self, state) + count)

    @property
    def total(self) -> int:
        """All of them."""
        return sum(getattr(self, state) for state in STATES)

    @property
    def compliance(self) -> float | None:
        """Share, 0-1, of those whose state is known that wear a mask correctly."""
        known = self.total - self.unsure
        return self.with_mask / known if known else None


@dataclass
class Place:
    """A zone, or a line, of a camera: who was in it, or crossed it.

    Attributes:
        people: by state.
        seconds: of all stays together.
        ins: people who crossed the line inward.
        outs: outward.
    """

    people: People = field(default_factory=People)
    seconds: float = 0.0
    ins: int = 0
    outs: int = 0


@dataclass
class Uptime:
    """Time for which a camera gave frames, of the time for which it should have.

    Attributes:
        up_s: seconds.
        expected_s: seconds for which a monitor with this camera ran.
    """

    up_s: float = 0.0
    expected_s: float = 0.0

    @property
    def share(self) -> float | None:
        """Part, 0-1; None where the monitor did not run."""
        return min(1.0, self.up_s / self.expected_s) if self.expected_s >= 1 else None


@dataclass(frozen=True)
class Selection:
    """Subject of a report.

    Attributes:
        began: Unix time.
        ended: Unix time, itself not in it.
        cameras: names; empty: all.
        zones: names; empty: also people who were in none.
    """

    began: float
    ended: float
    cameras: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()


@dataclass
class Totals:
    """Everything that a report shows; times are Unix times of local hours and days.

    Attributes:
        selection: what it is about.
        people: all.
        by_hour: for each hour's beginning.
        by_day: for each day.
        by_camera: for each camera.
        by_camera_hour: for each camera and hour's beginning.
        zones: for each camera and zone.
        lines: for each camera and line.
        uptime: for each camera.
        uptime_by_hour: for each camera and hour's beginning.
        changes: how often a person's state changed, from one that is known to another.
    """

    selection: Selection
    people: People = field(default_factory=People)
    by_hour: dict[float, People] = field(default_factory=lambda: defaultdict(People))
    by_day: dict[date, People] = field(default_factory=lambda: defaultdict(People))
    by_camera: dict[str, People] = field(default_factory=lambda: defaultdict(People))
    by_camera_hour: dict[tuple[str, float], People] = field(
        default_factory=lambda: defaultdict(People)
    )
    zones: dict[tuple[str, str], Place] = field(default_factory=lambda: defaultdict(Place))
    lines: dict[tuple[str, str], Place] = field(default_factory=lambda: defaultdict(Place))
    uptime: dict[str, Uptime] = field(default_factory=lambda: defaultdict(Uptime))
    uptime_by_hour: dict[tuple[str, float], Uptime] = field(
        default_factory=lambda: defaultdict(Uptime)
    )
    changes: int = 0


def span(connection: sqlite3.Connection) -> tuple[float, float] | None:
    """The first and the last Unix time of which a store has anything; None: it is empty."""
    low, high = connection.execute("SELECT min(began), max(ended) FROM runs").fetchone()
    first, last = connection.execute(
        "SELECT min(first_seen), max(first_seen + seconds) FROM visits"
    ).fetchone()
    minute, newest = connection.execute(
        "SELECT min(minute), max(minute) + 60 FROM minutes"
    ).fetchone()
    lows = [one for one in (first, minute) if one is not None] or [one for one in (low,) if one]
    highs = [one for one in (high, last, newest) if one is not None]
    return (min(lows), max(highs)) if lows and highs else None


def read_totals(connection: sqlite3.Connection, selection: Selection, clock: LocalTime) -> Totals:
    """Reads all totals of a report.

    Raises:
        ConfigError: no such camera or zone is in the store.
    """
    require_known(connection, selection)
    totals = Totals(selection)
    _count_people(connection, totals, clock)
    _count_places(connection, totals)
    _sum_uptime(connection, totals, clock)
    where, values = _where(selection, "time")
    (totals.changes,) = connection.execute(
        f"SELECT count(*) FROM changes WHERE {where} AND 'unsure' NOT IN (previous, state)", values
    ).fetchone()
    return totals


def require_known(connection: sqlite3.Connection, selection: Selection) -> None:
    """Checks that a store has the cameras and zones of a selection.

    Raises:
        ConfigError: it has not.
    """
    known = {
        "camera": _names(
            connection,
            "SELECT camera FROM cameras UNION SELECT camera FROM visits"
            " UNION SELECT camera FROM minutes",
        ),
        "zone": _names(connection, "SELECT DISTINCT zone FROM stays"),
    }
    for kind, wanted in (("camera", selection.cameras), ("zone", selection.zones)):
        for name in wanted:
            if name not in known[kind]:
                there = ", ".join(sorted(known[kind])) or "none"
                raise ConfigError(f"--{kind} {name}: no such {kind} in the store; it has {there}")


def _names(connection: sqlite3.Connection, query: str) -> set[str]:
    return {name for (name,) in connection.execute(query)}


def _where(selection: Selection, column: str) -> tuple[str, list[object]]:
    """The condition of a query for a period and cameras, and its values."""
    condition = f"{column} >= ? AND {column} < ?"
    values: list[object] = [selection.began, selection.ended]
    if selection.cameras:
        condition += f" AND camera IN ({_places(selection.cameras)})"
        values += selection.cameras
    return condition, values


def _places(names: Collection[str]) -> str:
    return ", ".join("?" * len(names))


def _count_people(connection: sqlite3.Connection, totals: Totals, clock: LocalTime) -> None:
    where, values = _where(totals.selection, "first_seen")
    zones = totals.selection.zones
    if zones:
        where += (
            " AND EXISTS (SELECT 1 FROM stays s WHERE s.run = v.run AND s.camera = v.camera"
            f" AND s.track_id = v.track_id AND s.zone IN ({_places(zones)}))"
        )
        values += zones
    counted = connection.execute(
        f"SELECT camera, state, CAST(first_seen / {_QUARTER_S} AS INTEGER), count(*)"
        f" FROM visits v WHERE NOT is_still AND {where} GROUP BY 1, 2, 3",
        values,
    )
    for camera, state, quarter, count in counted:
        hour = clock.hour_start(quarter * _QUARTER_S)
        for people in (
            totals.people,
            totals.by_hour[hour],
            totals.by_day[clock.day_of(hour)],
            totals.by_camera[camera],
            totals.by_camera_hour[camera, hour],
        ):
            people.add(state, count)


def _count_places(connection: sqlite3.Connection, totals: Totals) -> None:
    where, values = _where(totals.selection, "time")
    stays = connection.execute(
        "SELECT camera, zone, state, count(*), sum(seconds) FROM (SELECT s.camera, zone, v.state,"
        " sum(s.seconds) AS seconds FROM stays s JOIN visits v USING (run, camera, track_id)"
        f" WHERE NOT is_still AND {where.replace('camera IN', 's.camera IN')}"
        " GROUP BY s.run, s.camera, s.track_id, zone) GROUP BY 1, 2, 3",
        values,
    )
    for camera, zone, state, count, seconds in stays:
        if not totals.selection.zones or zone in totals.selection.zones:
            place = totals.zones[camera, zone]
            place.people.add(state, count)
            place.seconds += seconds
    crossings = connection.execute(
        "SELECT camera, line, direction, state, count(*) FROM crossings"
        f" WHERE {where} GROUP BY 1, 2, 3, 4",
        values,
    )
    for camera, line, direction, state, count in crossings:
        place = totals.lines[camera, line]
        place.people.add(state, count)
        place.ins += count if direction == "in" else 0
        place.outs += count if direction == "out" else 0


def _sum_uptime(connection: sqlite3.Connection, totals: Totals, clock: LocalTime) -> None:
    where, values = _where(totals.selection, "minute")
    sums = connection.execute(
        f"SELECT camera, minute / {_QUARTER_S}, sum(up_s) FROM (SELECT camera, minute,"
        f" min(60, sum(up_s)) AS up_s FROM minutes WHERE {where} GROUP BY 1, 2) GROUP BY 1, 2",
        values,
    )
    for camera, quarter, up_s in sums:
        totals.uptime[camera].up_s += up_s
        totals.uptime_by_hour[camera, clock.hour_start(quarter * _QUARTER_S)].up_s += up_s
    selection = totals.selection
    for camera, spans in watched(connection, selection.began, selection.ended).items():
        if selection.cameras and camera not in selection.cameras:
            continue
        for began, ended in spans:
            totals.uptime[camera].expected_s += ended - began
            for hour in clock.hours(began, ended):
                inside = min(ended, clock.hour_end(hour)) - max(began, hour)
                totals.uptime_by_hour[camera, hour].expected_s += inside
    # A recording, unlike a camera, is not expected to go on: up-time says nothing of it.
    for camera in [name for name, one in totals.uptime.items() if not one.expected_s]:
        del totals.uptime[camera]
        for key in [key for key in totals.uptime_by_hour if key[0] == camera]:
            del totals.uptime_by_hour[key]
