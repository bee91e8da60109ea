"""The event store of many sites: rows of their stores, each once, whatever comes twice."""

from __future__ import annotations

import json
import re
import sqlite3
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maskdet.errors import SinkError, reason_of
from maskdet.sinks.store.deletion import Limits
from maskdet.sinks.store.rows import KINDS, RowError, Table, Value, read_tables
from maskdet.sinks.store.schema import is_damage, open_for_writing, transaction
from maskdet.system.folders import make_folder

_BUSY_TIMEOUT_MS = 10_000
_RUN = re.compile(r"[0-9a-f]{32}")
_TABLES = {kind: table for table, kind in KINDS.items()}


class NotNowError(SinkError):
    """The store is locked, or its disk is full; it is tried again."""


@dataclass(frozen=True)
class SiteRow:
    """A row of a site's store.

    Attributes:
        table: its name.
        values: by column; the camera has the site before its name: ``north/door``.
    """

    table: str
    values: dict[str, Value]


class CollectingStore:
    """Keeps rows of many stores in one; a row is there once, in its newest version.

    The keys of rows are those of the sites' stores (run, camera, person …), which no two sites
    share, as the number of a run is random.
    """

    def __init__(self, path: Path, limits: Limits | None = None) -> None:
        """Opens it, or creates it.

        Args:
            path: the SQLite file.
            limits: how long to keep what.

        Raises:
            SinkError: it cannot be written, is damaged, or is another kind of file.
        """
        self._path, self._limits = path, limits or Limits()
        try:
            make_folder(path.parent)
            self._connection = open_for_writing(path)
        except (sqlite3.Error, OSError) as error:
            reason = reason_of(error)
            raise SinkError(f"cannot write {path}: {reason}; check folder and rights") from None
        self._connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT_MS}")
        # A row is confirmed to its sender once it is written: it must outlive a power failure.
        self._connection.execute("PRAGMA synchronous = FULL")
        self._tables = read_tables(self._connection)

    def close(self) -> None:
        """Closes it; may be called twice."""
        with suppress(sqlite3.Error):
            self._connection.close()

    def consumer_of(self, stream: str) -> str:
        """The name by which a server knows this store, the same from now on.

        Raises:
            NotNowError: it cannot be written now.
        """
        name = f"maskdet-{uuid.uuid4().hex[:12]}"
        with self._errors_named():
            execute = self._connection.execute
            execute("INSERT OR IGNORE INTO collections VALUES (?, ?)", (stream, name))
            found = "SELECT consumer FROM collections WHERE stream = ?"
            return str(execute(found, (stream,)).fetchone()[0])

    def parse(self, site: str, kind: str, data: bytes) -> SiteRow:
        """A row as a site publishes it.

        Args:
            site: that published it.
            kind: of the row, as `KINDS` names it.
            data: JSON.

        Raises:
            RowError: it is not a row of a store.
        """
        return parse_row(self._tables, site, kind, data)

    def write(self, rows: Sequence[SiteRow]) -> None:
        """Writes rows, all or none; when it returns they are on the disk.

        Raises:
            NotNowError: it cannot be written now.
            SinkError: the store is damaged.
        """
        with self._errors_named(), transaction(self._connection):
            for row in rows:
                self._connection.execute(self._tables[row.table].statement, row.values)

    def enforce_limits(self) -> None:
        """Deletes what is too old.

        Raises:
            NotNowError: not now.
        """
        with self._errors_named():
            self._limits.enforce(self._connection)

    @contextmanager
    def _errors_named(self) -> Iterator[None]:
        """Turns SQLite's errors into ours."""
        try:
            yield
        except sqlite3.Error as error:
            if is_damage(error):
                advice = "move it away, and start again"
                raise SinkError(f"{self._path} is damaged: {error}; {advice}") from None
            raise NotNowError(f"{self._path}: {error}") from None


def parse_row(tables: Mapping[str, Table], site: str, kind: str, data: bytes) -> SiteRow:
    """A row as a site publishes it; see `CollectingStore.parse`."""
    table = tables.get(_TABLES.get(kind, ""))
    if table is None:
        raise RowError(f"'{kind}' is not a kind of event")
    if not site:
        raise RowError("no site is named")
    try:
        values: Any = json.loads(data)
    except (ValueError, RecursionError):
        raise RowError("it is not JSON") from None
    if not isinstance(values, dict):
        raise RowError("it is not a JSON object")
    row = table.check(values)
    if not _RUN.fullmatch(str(row["run"])):
        raise RowError("run is not a number of a run")
    if "camera" in row:
        row["camera"] = f"{site}/{row['camera']}"
    return SiteRow(table.name, row)
