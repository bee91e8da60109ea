"""Tables of the event store, their versions, and opening one.

Nothing in them identifies a person: no image, no embedding, only numbers, times and states.
Times are Unix times in seconds; states are `MaskState` names; `run` is the UUID of the monitor's
run and `track_id` the person's number within a run and camera: together they name a visit.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath

from maskdet.errors import SinkError
from maskdet.sinks.store.migrations import MIGRATIONS
from maskdet.sinks.store.rows import impossible_value

APPLICATION_ID = 0x6D61736B
"""Written into the file, so that a database of another program is not taken for a store: "mask"."""
BUSY_TIMEOUT_S = 0.3
"""Seconds that a statement waits for another program's lock; quitting takes less than one."""

VERSION = len(MIGRATIONS)
"""The newest version, which is the one written."""
TIME_COLUMNS = {
    "visits": "first_seen",
    "changes": "time",
    "crossings": "time",
    "stays": "time",
    "minutes": "minute",
    "alarms": "began",
    "deliveries": "time",
    "pauses": "time",
}
"""The tables that grow, and the column with the time at which a row's event began.

So does `outbox`, which repeats rows of these until they are sent.
"""


class BrokenStoreError(SinkError):
    """The file is damaged, or is not a database at all."""


def open_for_writing(path: Path) -> sqlite3.Connection:
    """Opens a store, creates it where it is missing, and migrates one of an older version.

    Raises:
        BrokenStoreError: it is damaged.
        SinkError: it is of a newer version, or a database of another program.
        sqlite3.OperationalError: it is locked, the disk is full, … and may work later.
    """
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None)
    try:
        with _damage_named(path):
            require_known_version(connection, path)
            connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # before the first table
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute("PRAGMA journal_size_limit = 4000000")
            connection.execute("PRAGMA secure_delete = ON")
            migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Opens a store without the right to write, also while the monitor writes to it.

    One of an older version is migrated in memory; the file stays as it is.

    Raises:
        SinkError: there is none, it is empty, it cannot be read, or it is of a newer version.
    """
    if path.is_dir():
        raise SinkError(f"{path} is a folder: name the event store in it, a file")
    if not path.is_file():
        raise SinkError(
            f"{path}: no such event store; the monitor writes one with --store {path.name}, or as "
            "the setting store.file says"
        )
    try:
        with _damage_named(path):
            connection = _connect_read_only(path)
            require_known_version(connection, path)
            if not _version_of(connection):
                connection.close()
                raise SinkError(f"{path} is empty: no monitor has written to it yet")
            return _migrated_copy(connection)
    except sqlite3.OperationalError as error:
        raise SinkError(f"{path} cannot be read: {error}; check its rights") from None


@contextlib.contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A store that is open for reading, as `open_for_reading` does it, and closed at the end.

    Raises:
        SinkError: likewise, or it is damaged somewhere in the middle.
    """
    with _without_leftovers(path), contextlib.closing(open_for_reading(path)) as connection:
        try:
            yield connection
        except sqlite3.DatabaseError as error:
            advice = (
                f"try `sqlite3 {path} .recover`, which saves what is whole"
                if is_damage(error)
                else "try again"
            )
            raise SinkError(f"{path} cannot be read: {error}; {advice}") from None
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
            if value := impossible_value(connection):
                raise SinkError(
                    f"{path} is damaged, or was changed by another program: {value}; correct it, "
                    "or delete the day"
                ) from None
            raise


@contextlib.contextmanager
def _without_leftovers(path: Path) -> Iterator[None]:
    """Has SQLite remove the log that a reader leaves beside a store which nobody writes to."""
    had_log = _log_of(path).exists()
    try:
        yield
    finally:
        if not had_log and _log_of(path).exists():
            address = f"{database_address(path.absolute())}?mode=rw"
            with (  # the last writer to close the store removes its log
                contextlib.suppress(sqlite3.Error),
                contextlib.closing(sqlite3.connect(address, uri=True, timeout=0)) as connection,
            ):
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()


def database_address(path: PurePath) -> str:
    """An absolute path as SQLite reads it in an address; that of a Windows share has no host."""
    address = path.as_uri()
    return address if address.startswith("file:///") else f"file:////{address[len('file://') :]}"


def _log_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def require_known_version(connection: sqlite3.Connection, path: Path) -> None:
    """Checks that a database is a store of a version that is known here, or still empty.

    Raises:
        SinkError: it is of a newer version, or belongs to another program.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application not in (0, APPLICATION_ID) or (tables and not application):
        raise SinkError(f"{path} is a database of another program; choose another file")
    if version > VERSION:
        raise SinkError(
            f"{path} was written by a newer maskdet (version {version} of the store; this one "
            f"knows up to {VERSION}): update maskdet, or choose another file"
        )


@contextlib.contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All that is written within it, or nothing.

    Args:
        connection: in autocommit mode (`isolation_level=None`).
    """
    with connection:  # commits, or rolls back what SQLite has not rolled back itself
        connection.execute("BEGIN IMMEDIATE")
        yield


def migrate(connection: sqlite3.Connection, migrations: Sequence[str] = MIGRATIONS) -> None:
    """Brings a store to the newest version, wholly or not at all.

    Args:
        connection: in autocommit mode (`isolation_level=None`).
        migrations: see `MIGRATIONS`.
    """
    if _version_of(connection) >= len(migrations):
        return
    with transaction(connection):
        for step in migrations[_version_of(connection) :]:  # asked again: now it is locked
            for statement in filter(str.strip, step.split(";")):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(migrations)}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def _version_of(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _connect_read_only(path: Path) -> sqlite3.Connection:
    address = database_address(path.absolute())
    connection = sqlite3.connect(f"{address}?mode=ro", uri=True, timeout=5)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError:
        connection.close()
        if _log_of(path).exists():
            raise
        # In a folder without the right to write; nobody writes to it, or there would be a log.
        connection = sqlite3.connect(f"{address}?immutable=1", uri=True)
    return connection


def _migrated_copy(connection: sqlite3.Connection) -> sqlite3.Connection:
    if _version_of(connection) == VERSION:
        return connection
    copy = sqlite3.connect(":memory:", isolation_level=None)
    with contextlib.closing(connection):
        connection.backup(copy)
    migrate(copy)
    return copy


@contextlib.contextmanager
def _damage_named(path: Path) -> Iterator[None]:
    """Turns SQLite's errors about damage into one of ours."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if is_damage(error):
            raise BrokenStoreError(f"{path} is damaged: {error}") from None
        raise
    except UnicodeDecodeError:  # of SQLite's message, which repeats what it has found
        raise BrokenStoreError(f"{path} is damaged: its list of tables is not text") from None
    except sqlite3.DatabaseError as error:
        raise BrokenStoreError(f"{path} is not an event store, or damaged: {error}") from None


def is_damage(error: sqlite3.Error) -> bool:
    """Whether an error means that the file is damaged, rather than locked or without room."""
    return _is_one_of(error, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def is_locked(error: sqlite3.Error) -> bool:
    """Whether an error means that another program writes to the file, which may end soon."""
    return _is_one_of(error, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _is_one_of(error: sqlite3.Error, *codes: int) -> bool:
    code = getattr(error, "sqlite_errorcode", None)  # none where Python itself raises it
    return code is not None and code & 0xFF in codes
