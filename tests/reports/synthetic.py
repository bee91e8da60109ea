"""An event store of a shop with two cameras: ``python -m tests.reports.synthetic FILE DAYS``."""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

from maskdet.detections import MaskState
from maskdet.reports.local_time import LocalTime
from maskdet.sinks.store.schema import open_for_writing

RUN = "0" * 31 + "1"
CAMERAS = ("door", "hall")
OPEN = (8, 20)
"""Hours between which people come."""
STATES = tuple(state.name for state in MaskState)


def fill(path: Path, first: date, days: int, zone: str, people_a_day: int = 1000) -> None:
    """Writes a store; the camera "hall" is away from 12 to 14 o'clock of each third day.

    Args:
        path: a new file.
        first: first day.
        days: how many.
        zone: time zone of the shop.
        people_a_day: of each camera, about.
    """
    clock, rng = LocalTime(zone), random.Random(7)
    began = clock.start_of(first)
    ended = clock.start_of(first + timedelta(days=days))
    with closing(open_for_writing(path)) as connection:
        connection.execute("BEGIN")
        connection.execute("INSERT INTO runs VALUES (?, ?, ?, '1')", (RUN, began, ended))
        for camera in CAMERAS:
            connection.execute("INSERT INTO cameras VALUES (?, ?, ?)", (RUN, camera, began))
            _insert(connection, "minutes", _minutes(clock, camera, began, ended))
            visits = list(_visits(clock, camera, began, ended, people_a_day, rng))
            _insert(connection, "visits", visits)
            _insert(connection, "stays", _stays(visits))
            _insert(connection, "crossings", _crossings(visits))
        connection.execute("COMMIT")


def _insert(connection, table: str, rows) -> None:
    rows = list(rows)
    if rows:
        places = ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT INTO {table} VALUES ({places})", rows)


def _minutes(clock: LocalTime, camera: str, began: float, ended: float) -> Iterator[tuple]:
    day_of: dict[int, tuple[date, int]] = {}
    for minute in range(int(began), int(ended), 60):
        quarter = minute // 900
        if quarter not in day_of:
            local = clock.at(minute)
            day_of[quarter] = local.date(), local.hour
        day, hour = day_of[quarter]
        if not (camera == "hall" and day.toordinal() % 3 == 0 and 12 <= hour < 14):
            yield (RUN, camera, minute, 0, 300, 60.0, 3, 60.0, 9.0, 3.0, 1.0)


def _visits(
    clock: LocalTime, camera: str, began: float, ended: float, a_day: int, rng: random.Random
) -> Iterator[tuple]:
    number = 0
    for day, start, _ in clock.days(began, ended):
        share = 0.95 - 0.12 * (day.weekday() >= 5)
        for _ in range(round(a_day * (1.3 if day.weekday() >= 5 else 1.0) * rng.uniform(0.8, 1.2))):
            number += 1
            hour = min(OPEN[1] - 0.01, max(OPEN[0], rng.gauss(14, 3)))
            bare = 1 - share + 0.1 * (hour > 17)
            weights = (1 - bare, bare * 0.7, bare * 0.3, 0.03)
            state = rng.choices(STATES, weights)[0]
            moment = start + hour * 3600
            yield (RUN, camera, number, moment, rng.uniform(2, 90), state, 0.9, 0, 1, None)


def _stays(visits: list[tuple]) -> Iterator[tuple]:
    for run, camera, number, moment, seconds, state, *_ in visits:
        if number % 2:
            yield (run, camera, number, "till", moment + 1, seconds / 2, state, 0.9, 1, None)


def _crossings(visits: list[tuple]) -> Iterator[tuple]:
    for run, camera, number, moment, _, state, *_ in visits:
        direction = "in" if number % 5 else "out"
        yield (run, camera, number, "entrance", direction, moment + 1, state, 0.9)


if __name__ == "__main__":
    fill(Path(sys.argv[1]), date(2026, 3, 2), int(sys.argv[2]), "Europe/Berlin")
