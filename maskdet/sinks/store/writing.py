"""Rows into an event store, in one transaction."""

from __future__ import annotations

import sqlite3

from maskdet.sinks.store.ledger import Rows
from maskdet.sinks.store.outbox import OutboxWriter
from maskdet.sinks.store.schema import transaction


def write_rows(connection: sqlite3.Connection, rows: Rows, outbox: OutboxWriter | None) -> None:
    """Writes rows, all or none, in the place of those of the same keys.

    Args:
        connection: of `schema.open_for_writing`.
        rows: of a ledger.
        outbox: queues them for another store in the same transaction; None: there is none.

    Raises:
        sqlite3.Error: they cannot be written now.
    """
    with transaction(connection):
        for key, row in rows.items():
            table = str(key[0])
            if outbox is not None:
                outbox.queue(connection, table, row)
            places = ", ".join("?" * len(row))
            connection.execute(f"INSERT OR REPLACE INTO {table} VALUES ({places})", row)
        if outbox is not None:
            outbox.limit(connection)
