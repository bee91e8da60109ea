"""Rows that come from another store, in whatever order and however often."""

from __future__ import annotations

import itertools
from contextlib import closing
from pathlib import Path

import pytest

from maskdet.sinks.store.rows import read_tables
from maskdet.sinks.store.schema import open_for_writing

ALARM = {
    **{"alarm_id": "a-1", "run": "run", "rule": "bare", "kind": "people", "camera": "door"},
    **{"began": 1.0, "changed": 2.0, "title": "no mask", "people": 1, "states": "[]"},
    **{"place": "", "repeats": 0, "muted": "", "snapshot": "", "clip": "", "acknowledged_by": ""},
}


def test_a_picture_that_is_attached_to_an_alarm_comes_though_nothing_else_has_changed(
    tmp_path: Path,
) -> None:
    with closing(open_for_writing(tmp_path / "a.db")) as connection:
        table = read_tables(connection)["alarms"]
        for clip in ("", "a.mp4"):
            connection.execute(table.statement, table.check(ALARM | {"clip": clip}))
        assert connection.execute("SELECT clip FROM alarms").fetchall() == [("a.mp4",)]


VERSIONS = [
    ALARM,
    ALARM | {"changed": 5.0, "acknowledged": 5.0, "acknowledged_by": "vera"},
    ALARM | {"changed": 9.0, "cleared": 9.0, "acknowledged": 5.0, "acknowledged_by": "vera"},
]


@pytest.mark.parametrize("order", itertools.permutations(range(3)))
def test_the_newest_version_of_an_alarm_is_the_one_that_stays(
    tmp_path: Path, order: tuple[int, ...]
) -> None:
    with closing(open_for_writing(tmp_path / "a.db")) as connection:
        table = read_tables(connection)["alarms"]
        for index in (*order, *order):
            connection.execute(table.statement, table.check(VERSIONS[index]))
        (found,) = connection.execute("SELECT cleared, acknowledged_by FROM alarms").fetchall()
        assert found == (9.0, "vera")
