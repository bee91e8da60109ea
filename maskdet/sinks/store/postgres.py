"""A collecting store in a PostgreSQL database: the same tables, rows and keys as in SQLite.

Reports, exports and their queries are SQLite's: they read a copy in memory.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from maskdet.errors import ConfigError, SinkError
from maskdet.sinks.store.collecting_store import NotNowError, SiteRow, parse_row
from maskdet.sinks.store.deletion import Limits, Statement, before
from maskdet.sinks.store.rows import RowError, Table, read_tables
from maskdet.sinks.store.schema import TIME_COLUMNS, migrate
from maskdet.system.console import as_typed
from maskdet.system.extras import require

if TYPE_CHECKING:
    from psycopg import Connection

SCHEMES = ("postgresql://", "postgres://")
SCHEMA = "maskdet"
"""Of the database, so that tables of others are left alone."""
CONNECT_TIMEOUT_S = 5
_TYPES = {"TEXT": "TEXT", "REAL": "DOUBLE PRECISION", "INTEGER": "BIGINT"}
_BATCH = 2000
_ADVICE = {
    "no password supplied": "set PGPASSWORD, or write ~/.pgpass",
    "password authentication failed": "look at the user, and PGPASSWORD or ~/.pgpass",
    "permission denied for database": (
        f"its administrator may GRANT CREATE ON DATABASE, or CREATE SCHEMA {SCHEMA} AUTHORIZATION"
        " this user"
    ),
}
"""What to do, by what the server says."""
_PASSWORD = re.compile(r"//[^/@]*:[^/@]*@|[?&](ssl)?password=")


@dataclass(frozen=True)
class Database:
    """A PostgreSQL database; its password comes from PGPASSWORD or libpq's file of passwords.

    Attributes:
        address: ``postgresql://USER@HOST/NAME``.
    """

    address: str

    def __post_init__(self) -> None:
        """Checks it.

        Raises:
            ConfigError: it holds a password, which other users of this machine could read.
        """
        if _PASSWORD.search(self.address):
            raise ConfigError(
                "no password in the database's address: set PGPASSWORD, or write ~/.pgpass"
            )

    def __str__(self) -> str:
        return self.address

    def connect(self) -> Connection[Any]:
        """A connection, each of whose statements is a transaction of its own.

        Raises:
            ConfigError: the library is not installed.
            NotNowError: there is no such database, or it does not answer.
        """
        require("postgres", "psycopg")
        import psycopg

        try:
            connection = psycopg.connect(
                self.address,
                autocommit=True,
                connect_timeout=CONNECT_TIMEOUT_S,
                application_name="maskdet",
                options=f"-c search_path={SCHEMA}",
            )
        except psycopg.Error as error:
            raise NotNowError(f"{self}: {_line_of(error)}") from None
        return connection


class PostgresStore:
    """Does what a `CollectingStore` does; connects again after a failure."""

    def __init__(self, database: Database, limits: Limits | None = None) -> None:
        """Connects, and makes the tables that are missing.

        Args:
            database: which one.
            limits: how long to keep what.

        Raises:
            SinkError: it cannot be used.
        """
        self._database, self._limits = database, limits or Limits()
        self._tables = _tables()
        self._connection: Connection[Any] | None = None
        with self._connected() as connection:
            _make_schema(connection)
            for statement in _definitions(self._tables):
                connection.execute(statement)

    def close(self) -> None:
        """Closes it; may be called twice."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def consumer_of(self, stream: str) -> str:
        """The name by which a server knows this store, the same from now on."""
        name = f"maskdet-{uuid.uuid4().hex[:12]}"
        with self._connected() as connection:
            insert = "INSERT INTO collections VALUES (%s, %s) ON CONFLICT DO NOTHING"
            connection.execute(insert, (stream, name))
            found = "SELECT consumer FROM collections WHERE stream = %s"
            row = connection.execute(found, (stream,)).fetchone()
        assert row is not None
        return str(row[0])

    def parse(self, site: str, kind: str, data: bytes) -> SiteRow:
        """A row as a site publishes it.

        Raises:
            RowError: it is not a row of a store.
        """
        row = parse_row(self._tables, site, kind, data)
        for name, value in row.values.items():
            if isinstance(value, str) and "\0" in value:
                raise RowError(f"{name} of {row.table} holds a zero byte")
        return row

    def write(self, rows: Sequence[SiteRow]) -> None:
        """Writes rows, all or none; when it returns they are on the disk.

        Raises:
            NotNowError: it cannot be written now.
        """
        with self._connected() as connection, connection.transaction():
            for row in rows:
                connection.execute(_named(self._tables[row.table].statement), row.values)

    def enforce_limits(self) -> None:
        """Deletes what is too old.

        Raises:
            NotNowError: not now.
        """
        if (moment := self._limits.oldest()) is not None:
            self.delete(before(moment))

    def delete(self, statements: Sequence[Statement]) -> int:
        """Carries out those deletions that are about tables of this store.

        Returns:
            Number of rows.

        Raises:
            NotNowError: not now.
        """
        deleted = 0
        with self._connected() as connection, connection.transaction():
            for statement in statements:
                if statement.table in self._tables:
                    text = statement.text.replace("?", "%s")
                    deleted += connection.execute(text, statement.values).rowcount
        return deleted

    @contextlib.contextmanager
    def _connected(self) -> Iterator[Connection[Any]]:
        """The connection, a new one after a failure; PostgreSQL's errors become ours."""
        import psycopg

        if self._connection is None:
            self._connection = self._database.connect()
        try:
            yield self._connection
        except psycopg.Error as error:
            self.close()
            raise NotNowError(f"{self._database}: {_line_of(error)}") from None


@contextlib.contextmanager
def reading(database: Database) -> Iterator[sqlite3.Connection]:
    """A copy in memory of what a database holds, as an event store.

    Raises:
        SinkError: it does not answer, or holds no store.
    """
    import psycopg

    copy = sqlite3.connect(":memory:", isolation_level=None)
    with contextlib.closing(copy):
        migrate(copy)
        copy.execute("BEGIN")
        connection = database.connect()
        try:
            with connection, connection.transaction():
                connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
                for table in read_tables(copy).values():
                    _copy(connection, table, copy)
        except psycopg.errors.UndefinedTable:
            advice = f"{as_typed('collect-events')} makes one"
            raise SinkError(f"{database} holds no event store; {advice}") from None
        except psycopg.Error as error:
            raise SinkError(f"{database}: {_line_of(error)}; try again") from None
        copy.execute("COMMIT")
        yield copy


def _copy(connection: Connection[Any], table: Table, copy: sqlite3.Connection) -> None:
    names = ", ".join(table.types)
    insert = f"INSERT INTO {table.name} ({names}) VALUES ({', '.join('?' * len(table.types))})"
    with connection.cursor(name="rows") as cursor:
        cursor.itersize = _BATCH
        cursor.execute(f"SELECT {names} FROM {table.name}")
        copy.executemany(insert, cursor)


def _tables() -> dict[str, Table]:
    with contextlib.closing(sqlite3.connect(":memory:", isolation_level=None)) as store:
        migrate(store)
        return read_tables(store)


def _make_schema(connection: Connection[Any]) -> None:
    """Makes the schema; one that is there needs no right to make any."""
    found = connection.execute("SELECT 1 FROM pg_namespace WHERE nspname = %s", (SCHEMA,))
    if found.fetchone() is None:
        connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")


def _definitions(tables: dict[str, Table]) -> Iterator[str]:
    """Statements that make what is missing: tables, columns of later versions, indices."""
    yield "CREATE TABLE IF NOT EXISTS collections (stream TEXT PRIMARY KEY, consumer TEXT NOT NULL)"
    for name, table in tables.items():
        columns = [
            f"{column} {_TYPES[kind]}{' NOT NULL' if column in table.required else ''}"
            for column, kind in table.types.items()
        ]
        key = f"PRIMARY KEY ({', '.join(table.key)})"
        yield f"CREATE TABLE IF NOT EXISTS {name} ({', '.join([*columns, key])})"
        for column, kind in table.types.items():
            yield f"ALTER TABLE {name} ADD COLUMN IF NOT EXISTS {column} {_TYPES[kind]}"
        if name in TIME_COLUMNS:
            index = f"{name}_by_time ON {name} ({TIME_COLUMNS[name]})"
            yield f"CREATE INDEX IF NOT EXISTS {index}"


def _named(statement: str) -> str:
    """A statement of SQLite's, with its values named as psycopg has them."""
    return re.sub(r":(\w+)", r"%(\1)s", statement)


def _line_of(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[0] if lines else type(error).__name__
    advice = "".join(f"; {todo}" for sign, todo in _ADVICE.items() if sign in text)
    return text.removeprefix("connection failed: ") + advice
