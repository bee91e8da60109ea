"""Stores with values that no program of ours writes: named in a line, by every command."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from maskdet.errors import SinkError
from maskdet.reports.queries import span
from maskdet.sinks.store.damage import set_aside
from maskdet.sinks.store.ledger import Ledger
from maskdet.sinks.store.schema import BrokenStoreError, open_for_writing, reading
from maskdet.sinks.store.writing import write_rows
from tests.sinks.store.scenes import NOON, observed, person


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "people.db"
    ledger = Ledger("run", "1", NOON)
    ledger.add(observed(NOON, [person(1, since=NOON)]))
    connection = open_for_writing(path)
    write_rows(connection, ledger.take(NOON + 20, with_open=True), None)
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    return path


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("visits SET first_seen = 'abc'", "first_seen of visits is 'abc'"),
        ("visits SET state = 9e999", "state of visits is 'Inf'"),
        ("runs SET ended = 9e999", "ended of runs is inf"),
        ("visits SET seconds = 9223372036854775807", "seconds of visits is 9.2"),
        ("minutes SET peak = x'00ff'", r"peak of minutes is b'\x00\xff'"),
    ],
)
def test_an_impossible_value_is_named(store: Path, change: str, words: str) -> None:
    connection = sqlite3.connect(store)
    connection.execute(f"UPDATE {change}")
    connection.commit()
    connection.close()
    with pytest.raises(SinkError) as raised, reading(store):
        raise TypeError  # of whatever computes with it
    assert f"{store} is damaged, or was changed by another program: {words}" in str(raised.value)


@pytest.mark.parametrize("is_written", [False, True])
def test_reading_leaves_no_file_beside_a_store_and_takes_none_from_a_monitor(
    store: Path, is_written: bool
) -> None:
    open_for_writing(store).close()  # with a log of what is written, as monitors do
    writer = open_for_writing(store) if is_written else None
    before = sorted(store.parent.iterdir())
    with reading(store) as connection:
        assert span(connection) is not None
    assert sorted(store.parent.iterdir()) == before and len(before) == (3 if is_written else 1)
    if writer is not None:
        writer.execute("UPDATE runs SET ended = 1e9")
        writer.close()


def test_an_error_of_ours_is_not_blamed_on_a_sound_store(store: Path) -> None:
    with pytest.raises(TypeError), reading(store) as connection:
        assert span(connection) is not None
        raise TypeError


def test_a_list_of_tables_that_is_no_text_is_damage(store: Path) -> None:
    """SQLite's message repeats it, which Python's reader of messages refuses."""
    raw = store.read_bytes()
    at = raw.index(b"CREATE TABLE minutes")
    store.write_bytes(raw[:at] + b"CREATE \xf9\x86BLE" + raw[at + 12 :])
    with pytest.raises(BrokenStoreError, match=f"{store} is damaged"), reading(store):
        pass
    with pytest.raises(BrokenStoreError, match=f"{store} is damaged"):
        open_for_writing(store)


def test_what_belongs_to_a_damaged_store_is_set_aside_with_it(tmp_path: Path) -> None:
    """Its log left behind would be taken for that of the new store of its name."""
    for suffix in ("", "-wal", "-shm"):
        (tmp_path / f"people.db{suffix}").write_text(f"store{suffix}")
    set_aside(tmp_path / "people.db", sqlite3.DatabaseError("malformed"))
    assert not list(tmp_path.glob("people.db*"))
    (aside,) = tmp_path.glob("people-damaged-*.db")
    assert [Path(f"{aside}{suffix}").read_text() for suffix in ("", "-wal", "-shm")] == [
        *("store", "store-wal", "store-shm")
    ]
