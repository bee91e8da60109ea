"""A store by what names it: a file, or a database."""

from __future__ import annotations

import sqlite3
from contextlib import AbstractContextManager
from pathlib import Path

from maskdet.errors import ConfigError
from maskdet.sinks.store import postgres, schema
from maskdet.sinks.store.collecting_store import CollectingStore
from maskdet.sinks.store.deletion import Limits
from maskdet.sinks.store.postgres import Database, PostgresStore
from maskdet.system.redaction import mask_password


def store_at(text: str) -> Path | Database:
    """The file or database of a text.

    Raises:
        ConfigError: it is the address of a database, and holds a password; or of something else.
    """
    if text.startswith(postgres.SCHEMES):
        return Database(text)
    if "://" in text:
        raise ConfigError(
            f"{mask_password(text)} is not an event store: name a file, or a PostgreSQL database "
            "as postgresql://USER@HOST/NAME"
        )
    return Path(text)


def open_store(store: Path | Database) -> AbstractContextManager[sqlite3.Connection]:
    """A store that is open for reading.

    Raises:
        SinkError: it cannot be read.
    """
    return schema.reading(store) if isinstance(store, Path) else postgres.reading(store)


def open_collecting_store(
    store: Path | Database, limits: Limits
) -> CollectingStore | PostgresStore:
    """A store of many sites.

    Raises:
        SinkError: it cannot be used.
    """
    if isinstance(store, Path):
        return CollectingStore(store, limits)
    return PostgresStore(store, limits)
