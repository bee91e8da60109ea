"""Deletion from an event store: the old, what is too much, a day, a person."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from maskdet.sinks.store.schema import TIME_COLUMNS

_PERSONAL = ("visits", "changes", "crossings", "stays", "alarms", "deliveries", "outbox")
"""The tables with a row for a person; `minutes` has only sums."""
_TIMES = {**TIME_COLUMNS, "outbox": "time"}
_STEPS = 10
"""Parts into which the time of a store that is too large is cut; the oldest goes first."""


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
        if self.keep_seconds is not None:
            deleted += delete_before(
                connection, time.monotonic() + self._offset - self.keep_seconds
            )
        while self.max_bytes is not None and not is_over():
            span = _span(connection)
            if used_bytes(connection) <= self.max_bytes or span is None:
                break
            began, ended = span
            deleted += delete_before(connection, began + max(1.0, (ended - began) / _STEPS))
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
    statements = [
        (f"DELETE FROM {table} WHERE {column} < ?", (moment,)) for table, column in _TIMES.items()
    ]
    statements.append(("DELETE FROM runs WHERE ended < ?", (moment,)))
    return _delete(connection, statements)


def delete_between(connection: sqlite3.Connection, began: float, ended: float) -> int:
    """Deletes what began in a time, and people who were there then; returns the number of rows.

    Args:
        connection: of `open_for_writing`.
        began: Unix time.
        ended: Unix time, itself not in it.
    """
    inside = "first_seen < ? AND first_seen + seconds >= ?"
    whose = f"(run, camera, track_id) IN (SELECT run, camera, track_id FROM visits WHERE {inside})"
    bounds = (ended, began)
    statements: list[tuple[str, tuple[object, ...]]] = [
        (f"DELETE FROM {table} WHERE {whose}", bounds) for table in _PERSONAL if table != "visits"
    ]
    statements.append((f"DELETE FROM visits WHERE {inside}", bounds))
    statements += [
        (f"DELETE FROM {table} WHERE {column} >= ? AND {column} < ?", (began, ended))
        for table, column in _TIMES.items()
    ]
    return _delete(connection, statements)


def delete_person(connection: sqlite3.Connection, run: str, camera: str, track_id: int) -> int:
    """Deletes everything about one visit; returns the number of rows."""
    key = (run, camera, track_id)
    where = "run = ? AND camera = ? AND track_id = ?"
    return _delete(connection, [(f"DELETE FROM {t} WHERE {where}", key) for t in _PERSONAL])


def _delete(
    connection: sqlite3.Connection, statements: Sequence[tuple[str, tuple[object, ...]]]
) -> int:
    """Deletes in one transaction; then gives the pages back to the disk, their content erased."""
    before = connection.total_changes
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement, values in statements:
            connection.execute(statement, values)
        connection.execute(
            "DELETE FROM cameras WHERE run NOT IN (SELECT run FROM runs)"
            " AND run NOT IN (SELECT run FROM minutes)"
        )
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    deleted = connection.total_changes - before
    if deleted:
        # A script, as `execute` would end the first of these after a single page.
        connection.executescript("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE);")
    return deleted


def _span(connection: sqlite3.Connection) -> tuple[float, float] | None:
    """The oldest and newest time in a store; None when it is empty."""
    bounds = [
        connection.execute(f"SELECT min({column}), max({column}) FROM {table}").fetchone()
        for table, column in _TIMES.items()
    ]
    found = [(low, high) for low, high in bounds if low is not None]
    return (min(low for low, _ in found), max(high for _, high in found)) if found else None
