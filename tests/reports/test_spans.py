"""Times in which cameras were to be watched."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from maskdet.reports.spans import merged, watched, without
from maskdet.sinks.store.ledger import Ledger
from maskdet.sinks.store.schema import open_for_writing
from tests.sinks.store.scenes import NOON


def test_holes_are_taken_out_of_a_span():
    assert without((0, 10), []) == [(0, 10)]
    assert without((0, 10), [(2, 3), (5, 6)]) == [(0, 2), (3, 5), (6, 10)]
    assert without((0, 10), [(-1, 2), (1, 4), (9, 20)]) == [(4, 9)]
    assert without((0, 10), [(-1, 20)]) == []
    assert without((0, 10), [(12, 20)]) == [(0, 10)]
    assert merged([(5, 6), (0, 2), (1, 3)]) == [(0, 3), (5, 6)]


def test_a_pause_is_no_time_in_which_a_camera_was_to_be_watched(tmp_path: Path):
    """Paused for a minute, later removed and not back: neither counts as down."""
    ledger = Ledger("run", "1", NOON)
    ledger.watch(["door", "gate"], NOON)
    ledger.note_camera("door", "paused", NOON + 60)
    ledger.note_camera("door", "running", NOON + 120)
    ledger.note_camera("door", "removed", NOON + 300)
    rows = ledger.take(NOON + 400, with_open=True)
    with closing(open_for_writing(tmp_path / "people.db")) as connection:
        _insert(connection, rows)
        again = ledger.take(NOON + 500, with_open=True)  # the open one grows, under its own key
        _insert(connection, again)
        found = watched(connection, NOON, NOON + 1000)
        kept = connection.execute("SELECT * FROM pauses ORDER BY time").fetchall()
    assert found["door"] == [(NOON, NOON + 60), (NOON + 120, NOON + 300)]
    assert found["gate"] == [(NOON, NOON + 500)]
    assert kept == [
        ("run", "door", NOON + 60, 60.0, "paused"),
        ("run", "door", NOON + 300, 200.0, "removed"),
    ]


def _insert(connection: sqlite3.Connection, rows: dict[tuple[object, ...], tuple[object, ...]]):
    for (table, *_), row in rows.items():
        places = ", ".join("?" * len(row))
        connection.execute(f"INSERT OR REPLACE INTO {table} VALUES ({places})", row)
