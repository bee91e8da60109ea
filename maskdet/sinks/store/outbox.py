"""The queue of rows that are to be sent to another store: in the event store's own file.

A row is queued in the transaction that writes it, so that what is in the store will be sent, also
after `kill -9`. Of a row that changes while it waits only the newest version is sent.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from maskdet.errors import SinkError
from maskdet.sinks.store.rows import KINDS, Table, read_tables
from maskdet.sinks.store.schema import TIME_COLUMNS, open_for_writing, transaction
from maskdet.system.threads import Event

log = logging.getLogger(__name__)

_COUNT_INTERVAL_S = 10.0
_REPORT_INTERVAL_S = 600.0
_OTHER_TIMES = {"runs": "ended", "cameras": "began"}


@dataclass(frozen=True)
class OutboxItem:
    """A message with a row of the store.

    Attributes:
        number: of this version of the row; a newer one has another.
        message_id: the row's key and a checksum of its content, by which a repetition is known.
        table: of the row.
        camera: of the row; empty: it is about the whole run.
        text: the row as JSON.
    """

    number: int
    message_id: str
    table: str
    camera: str
    text: str


class OutboxWriter:
    """Queues rows of the event store; for the store's thread.

    Attributes:
        ended: set when nothing more is queued.
    """

    def __init__(self, path: Path, max_waiting: int) -> None:
        """Queues nothing yet.

        Args:
            path: of the store, for messages.
            max_waiting: rows that may wait; the oldest are given up for newer ones.
        """
        self.ended = Event()
        self._path, self._max_waiting = path, max_waiting
        self._tables: dict[str, Table] = {}
        self._count_due = self._report_due = 0.0
        self._dropped = 0

    def queue(self, connection: sqlite3.Connection, table_name: str, row: Sequence[object]) -> None:
        """Queues a row that is about to be written, in the same transaction.

        A row that is in the store already, unchanged, is left out.
        """
        self._tables = self._tables or read_tables(connection)
        table = self._tables.get(table_name)
        if table is None:
            return
        values = dict(zip(table.types, row, strict=True))
        same = " AND ".join(f"{name} IS ?" for name in table.types)
        known = f"SELECT 1 FROM {table_name} WHERE {same}"
        if connection.execute(known, tuple(row)).fetchone() is None:
            put(connection, table, values)

    def limit(self, connection: sqlite3.Connection) -> None:
        """Now and then: gives up the oldest rows where too many wait, and reports it."""
        now = time.monotonic()
        if now < self._count_due:
            return
        self._count_due = now + _COUNT_INTERVAL_S
        self._dropped += max(0, give_up(connection, self._max_waiting))
        if self._dropped and now >= self._report_due:
            self._report_due = now + _REPORT_INTERVAL_S
            log.warning(
                "%s: more than %d events wait to be sent; the oldest %d are not sent, and stay "
                "in this file alone; check the connection, or raise nats.max_waiting",
                *(self._path, self._max_waiting, self._dropped),
            )
            self._dropped = 0


def put(connection: sqlite3.Connection, table: Table, row: Mapping[str, object]) -> None:
    """Queues a row; an older version of it that waits is replaced."""
    item = "/".join([KINDS[table.name], *(quote(str(row[name]), safe="") for name in table.key)])
    column = TIME_COLUMNS.get(table.name) or _OTHER_TIMES[table.name]
    about = row.get("run", ""), row.get("camera", ""), row.get("track_id")
    connection.execute(
        "INSERT OR REPLACE INTO outbox (item, run, camera, track_id, time, message)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (item, *about, row[column], json.dumps(dict(row), ensure_ascii=False)),
    )


def give_up(connection: sqlite3.Connection, max_waiting: int) -> int:
    """Deletes the oldest rows where more wait than so many; returns the number of deleted."""
    (waiting,) = connection.execute("SELECT count(*) FROM outbox").fetchone()
    too_many: int = waiting - max_waiting
    if too_many > 0:
        connection.execute(
            "DELETE FROM outbox WHERE number IN"
            " (SELECT number FROM outbox ORDER BY number LIMIT ?)",
            (too_many,),
        )
    return too_many


class OutboxReader:
    """The queue as the thread sees it that sends; each call opens the file for itself."""

    def __init__(self, path: Path) -> None:
        """Opens nothing yet.

        Args:
            path: of the event store.
        """
        self._path = path

    def waiting(self, limit: int) -> list[OutboxItem]:
        """The oldest rows that wait.

        Raises:
            SinkError: the store cannot be read now.
        """
        if not self._path.is_file():  # moved or deleted: the store begins a new one
            return []
        with self._open() as connection:
            rows = connection.execute(
                "SELECT number, item, camera, message FROM outbox ORDER BY number LIMIT ?",
                (limit,),
            ).fetchall()
        return [_item(*row) for row in rows]

    def remove(self, numbers: Sequence[int]) -> None:
        """Takes out what has arrived; a newer version of a row that came meanwhile stays.

        Raises:
            SinkError: the store cannot be written now.
        """
        with self._open() as connection, transaction(connection):
            connection.executemany(
                "DELETE FROM outbox WHERE number = ?", [(number,) for number in numbers]
            )

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with contextlib.closing(open_for_writing(self._path)) as connection:
                connection.execute("PRAGMA busy_timeout = 5000")
                yield connection
        except (sqlite3.Error, OSError) as error:
            raise SinkError(f"{self._path} cannot be used: {error}") from None


def _item(number: int, item: str, camera: str, text: str) -> OutboxItem:
    kind = item.partition("/")[0]
    table = next(table for table, name in KINDS.items() if name == kind)
    checksum = hashlib.sha256(text.encode()).hexdigest()[:12]
    return OutboxItem(number, f"{item}/{checksum}", table, camera, text)
