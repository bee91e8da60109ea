"""The queue of rows in the event store: what is in it, in which transaction, and its bound."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from maskdet.sinks.store import outbox as outbox_module
from maskdet.sinks.store.deletion import delete_before, delete_person
from maskdet.sinks.store.event_store import EventStore
from maskdet.sinks.store.ledger import Ledger
from maskdet.sinks.store.migrations import MIGRATIONS
from maskdet.sinks.store.outbox import OutboxReader, OutboxWriter
from maskdet.sinks.store.schema import migrate, open_for_reading, open_for_writing
from maskdet.sinks.store.writing import write_rows
from tests.sinks.store.scenes import NOON, a_visit

RUN = "0" * 31 + "7"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "people.db"


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(open_for_writing(path)) as one:
        yield one


def ledger() -> Ledger:
    return Ledger(RUN, "test", NOON)


def test_of_a_row_that_changes_the_newest_version_waits(path, connection):
    book, writer, reader = ledger(), OutboxWriter(path, 1000), OutboxReader(path)
    for observation in a_visit(1, NOON)[:-1]:
        book.add(observation)
        write_rows(connection, book.take(observation.frame.utc, with_open=True), writer)
    (visit,) = [item for item in reader.waiting(100) if item.table == "visits"]
    assert json.loads(visit.text)["seconds"] == 5.0 and visit.camera == "door"


def test_a_row_that_did_not_change_is_queued_once(path, connection):
    writer, reader = OutboxWriter(path, 1000), OutboxReader(path)
    for _ in range(2):
        book = ledger()
        for observation in a_visit(1, NOON):
            book.add(observation)
        write_rows(connection, book.take(NOON + 9, with_open=True), writer)
        items = reader.waiting(100)
        reader.remove([item.number for item in items])
    assert items == []


def test_a_version_that_came_while_an_older_one_was_sent_stays(path, connection):
    book, writer, reader = ledger(), OutboxWriter(path, 1000), OutboxReader(path)
    first, second, *_ = a_visit(1, NOON)
    book.add(first)
    write_rows(connection, book.take(NOON, with_open=True), writer)
    under_way = reader.waiting(100)
    book.add(second)
    write_rows(connection, book.take(NOON + 1, with_open=True), writer)
    reader.remove([item.number for item in under_way])
    assert {"visits", "minutes", "runs"} <= {item.table for item in reader.waiting(100)}


def test_what_is_not_written_is_not_queued(path, connection):
    rows = {("visits", RUN, "door", 1): (RUN, "door", 1, NOON, 1.0, "unsure", 0.5, 0, 0, None)}
    second = (RUN, "door", 2, None, 1.0, "unsure", 0, 0, 0, None)
    broken = {**rows, ("visits", RUN, "door", 2): second}
    with pytest.raises(sqlite3.IntegrityError):
        write_rows(connection, broken, OutboxWriter(path, 1000))  # type: ignore[arg-type]
    assert OutboxReader(path).waiting(10) == []
    write_rows(connection, rows, OutboxWriter(path, 1000))  # type: ignore[arg-type]
    assert len(OutboxReader(path).waiting(10)) == 1


def test_the_oldest_are_given_up_and_named(path, connection, caplog, monkeypatch):
    monkeypatch.setattr(outbox_module, "_COUNT_INTERVAL_S", 0.0)
    book, writer = ledger(), OutboxWriter(path, 100)
    for number in range(1, 81):
        for observation in a_visit(number, NOON + 10 * number):
            book.add(observation)
        write_rows(connection, book.take(NOON, with_open=False), writer)
    waiting = OutboxReader(path).waiting(1000)
    assert len(waiting) == 100 and json.loads(waiting[-1].text)["track_id"] == 80
    (line,) = caplog.messages
    assert "more than 100 events wait" in line and "nats.max_waiting" in line
    assert connection.execute("SELECT count(*) FROM visits").fetchone() == (80,)


def test_deletion_reaches_what_waits(path, connection):
    book, writer, reader = ledger(), OutboxWriter(path, 1000), OutboxReader(path)
    for number in (1, 2):
        for observation in a_visit(number, NOON + 1000 * number):
            book.add(observation)
    write_rows(connection, book.take(NOON, with_open=False), writer)
    delete_person(connection, RUN, "door", 1)
    assert {json.loads(one.text).get("track_id") for one in reader.waiting(99)} == {None, 2}
    delete_before(connection, NOON + 9000)
    assert reader.waiting(99) == []


def test_a_store_of_before_gets_a_queue_and_one_without_server_stays_without_rows_in_it(path):
    with closing(sqlite3.connect(path, isolation_level=None)) as old:
        migrate(old, MIGRATIONS[:3])
    store = EventStore(path)
    for observation in a_visit(1, NOON):
        store.write(observation)
    store.close()
    with closing(open_for_reading(path)) as connection:
        assert connection.execute("SELECT count(*) FROM visits").fetchone() == (1,)
        assert connection.execute("SELECT count(*) FROM outbox").fetchone() == (0,)
