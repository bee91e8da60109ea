"""Deletion from an event store: the old, what is too much, a day, a person."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from maskdet.sinks.store.schema import TIME_COLUMNS, transaction

_PERSONAL = ("visits", "changes", "crossings", "stays", "alarms", "deliveries", "outbox")
"""The tables with a row for a person; `minutes` has only sums."""
_TIMES = {**TIME_COLUMNS, "outbox": "time"}
_STEPS = 10
"""Parts into which the rows of a store that is too large are cut; the oldest go first."""


@dataclass
class Limits:
    """Retention of a store, and its largest size; None: no limit.

    Ages are counted from the time at which the monitor began, on the monotonic clock: a wall clock
    that leaps a year ahead while it runs deletes nothing.

    Attributes:
        keep_seconds: older rows are deleted.
        max_bytes: the oldest rows are deleted while the store is larger.
    """

    keep_seconds: float | None = None
    max_bytes: float | None = None
    _offset: float = field(default_factory=lambda: time.time() - time.monotonic())

    def oldest(self) -> float | None:
        """The Unix time before which nothing is kept; None: there is none."""
        kept = self.keep_seconds
        return None if kept is None else time.monotonic() + self._offset - kept

    def enforce(
        self, connection: sqlite3.Connection, is_over: Callable[[], bool] = lambda: False
    ) -> int:
        """Deletes what is too old or too much.

        Args:
            connection: of `open_for_writing`.
            is_over: asked between two steps; whether there is no time for more.

        Returns:
            How many rows were deleted.
        """
        deleted = 0
        if (moment := self.oldest()) is not None:
            deleted += delete_before(connection, moment)
        while self.max_bytes is not None and not is_over():
            moment = _end_of_oldest(connection)
            if used_bytes(connection) <= self.max_bytes or moment is None:
                break
            deleted += delete_before(connection, moment)
        return deleted


def used_bytes(connection: sqlite3.Connection) -> int:
    """Size of the store without its free pages."""
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def delete_before(connection: sqlite3.Connection, moment: float) -> int:
    """Deletes what began before a Unix time; returns the number of rows."""
    return _delete(connection, before(moment))


def delete_between(connection: sqlite3.Connection, began: float, ended: float) -> int:
    """Deletes what began in a time, and people who were there then; returns the number of rows.

    Args:
        connection: of `open_for_writing`.
        began: Unix time.
        ended: Unix time, itself not in it.
    """
    return _delete(connection, between(began, ended))


def delete_person(connection: sqlite3.Connection, run: str, camera: str, track_id: int) -> int:
    """Deletes everything about one visit; returns the number of rows."""
    return _delete(connection, of_person(run, camera, track_id))


@dataclass(frozen=True)
class Statement:
    """A deletion from one table, with ``?`` in the places of its values."""

    table: str
    text: str
    values: tuple[object, ...] = ()


def before(moment: float) -> list[Statement]:
    """Deletions of what began before a Unix time."""
    found = [_deletion(table, f"{column} < ?", moment) for table, column in _TIMES.items()]
    return [*found, _deletion("runs", "ended < ?", moment), _FORGOTTEN_CAMERAS]


def between(began: float, ended: float) -> list[Statement]:
    """Deletions of what began in a time, and of people who were there then."""
    inside = "first_seen < ? AND first_seen + seconds >= ?"
    whose = f"(run, camera, track_id) IN (SELECT run, camera, track_id FROM visits WHERE {inside})"
    return [
        *(_deletion(table, whose, ended, began) for table in _PERSONAL if table != "visits"),
        _deletion("visits", inside, ended, began),
        *(
            _deletion(table, f"{column} >= ? AND {column} < ?", began, ended)
            for table, column in _TIMES.items()
        ),
        _FORGOTTEN_CAMERAS,
    ]


def of_person(run: str, camera: str, track_id: int) -> list[Statement]:
    """Deletions of everything about one visit."""
    where = "run = ? AND camera = ? AND track_id = ?"
    people = [_deletion(table, where, run, camera, track_id) for table in _PERSONAL]
    return [*people, _FORGOTTEN_CAMERAS]


def _deletion(table: str, where: str, *values: object) -> Statement:
    return Statement(table, f"DELETE FROM {table} WHERE {where}", values)


_FORGOTTEN_CAMERAS = _deletion(
    "cameras", "run NOT IN (SELECT run FROM runs) AND run NOT IN (SELECT run FROM minutes)"
)


def _delete(connection: sqlite3.Connection, statements: Sequence[Statement]) -> int:
    """Deletes in one transaction; then gives the pages back to the disk, their content erased."""
    changed = connection.total_changes
    with transaction(connection):
        for statement in statements:
            connection.execute(statement.text, statement.values)
    deleted = connection.total_changes - changed
    if deleted:
        # A script, as `execute` would end the first of these after a single page.
        connection.executescript("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE);")
    return deleted


def _end_of_oldest(connection: sqlite3.Connection) -> float | None:
    """The time before which the oldest part of the rows began; None: the store is empty.

    A part of the rows, not of the time that they span: a clock that leapt ahead once makes that
    time long, and its first part would be all that there is.
    """
    counts = {
        table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in _TIMES
    }
    largest = max(counts, key=lambda table: counts[table])
    if not counts[largest]:
        return None
    oldest = min(
        low
        for table, column in _TIMES.items()
        if (low := connection.execute(f"SELECT min({column}) FROM {table}").fetchone()[0])
        is not None
    )
    column = _TIMES[largest]
    (moment,) = connection.execute(
        f"SELECT {column} FROM {largest} ORDER BY {column} LIMIT 1 OFFSET ?",
        (counts[largest] // _STEPS,),
    ).fetchone()
    return float(max(moment, oldest + 1.0))
