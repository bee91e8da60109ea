"""Rows of the event store outside it: as messages to another store, and merged into that one."""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from maskdet.detections import MaskState
from maskdet.errors import MaskdetError
from maskdet.system.file_names import is_readable

Value = str | int | float | None

KINDS = {
    "runs": "run",
    "cameras": "camera",
    "visits": "visit",
    "changes": "state",
    "crossings": "crossed",
    "stays": "stay",
    "minutes": "minute",
    "alarms": "alarm",
    "pauses": "pause",
}
"""The tables whose rows leave a store, and what one row is called."""
_MAX_TEXT_LENGTH = 2000
_MAX_INTEGER = 2**62
_MAX_SECONDS = 1e11
"""More than any time, duration or number in a store: the year 5138."""
_STATES = ", ".join(f"'{state.name}'" for state in MaskState)
_NEWNESS = {
    "runs": ("ended",),
    "visits": ("is_over", "seconds"),
    "stays": ("is_over", "seconds"),
    "minutes": ("frames", "up_s"),
    "pauses": ("seconds",),
    "alarms": ("cleared IS NOT NULL", "changed", "coalesce(acknowledged, 0)", "repeats"),
}
"""For each table whose rows change: what only grows while its row does."""


class RowError(MaskdetError):
    """A row from outside that does not fit into a store."""


@dataclass(frozen=True)
class Table:
    """The columns of a table.

    Attributes:
        name: of the table.
        types: for each column, in order, its type as SQLite has it.
        required: columns that may not be missing or None.
        key: columns of the primary key.
    """

    name: str
    types: Mapping[str, str]
    required: frozenset[str]
    key: tuple[str, ...]

    @cached_property
    def statement(self) -> str:
        """Inserts a row, or replaces an older version of it; a newer version stays.

        So the result is the same in whatever order, and however often, versions of a row come.
        """
        names = ", ".join(self.types)
        places = ", ".join(f":{name}" for name in self.types)
        statement = f"INSERT INTO {self.name} ({names}) VALUES ({places})"
        newness = _NEWNESS.get(self.name)
        if newness is None:
            return f"{statement} ON CONFLICT DO NOTHING"
        news = ", ".join(f"{name} = excluded.{name}" for name in self.types if name not in self.key)
        old, new = (
            ", ".join(_of(one, part) for part in newness) for one in (self.name, "excluded")
        )
        key = ", ".join(self.key)
        return f"{statement} ON CONFLICT ({key}) DO UPDATE SET {news} WHERE ({new}) >= ({old})"

    def check(self, row: Mapping[str, object]) -> dict[str, Value]:
        """A row with every column, in order.

        Raises:
            RowError: a value is missing or of the wrong type.
        """
        for name in self.required:
            if row.get(name) is None:
                raise RowError(f"{name} of {self.name} is missing")
        return {name: self._value(name, kind, row.get(name)) for name, kind in self.types.items()}

    def _value(self, name: str, kind: str, value: object) -> Value:
        if value is None:
            return None
        if kind == "TEXT" and isinstance(value, str) and _is_text(value):
            return value
        if isinstance(value, int | float) and not isinstance(value, bool) and kind != "TEXT":
            is_whole = isinstance(value, int) and abs(value) < _MAX_INTEGER
            if is_whole or (kind == "REAL" and math.isfinite(value)):
                return value
        raise RowError(f"{name} of {self.name} is no {kind}")


def _is_text(value: str) -> bool:
    """Whether a store takes it; JSON can hold half a surrogate pair, a database cannot."""
    return len(value) <= _MAX_TEXT_LENGTH and is_readable(value)


def _of(table: str, expression: str) -> str:
    """An expression about a column, with the table named to which the column belongs."""
    head, bracket, rest = expression.rpartition("(")
    return f"{head}{bracket}{table}.{rest}"


def impossible_value(connection: sqlite3.Connection) -> str:
    """The first value of a store that nobody of ours has written, for a message; empty: none."""
    for table in read_tables(connection).values():
        for column, kind in table.types.items():
            kinds = {"TEXT": "'text'", "INTEGER": "'integer'"}.get(kind, "'integer', 'real'")
            wrong = f"typeof({column}) NOT IN ({kinds})"
            if kind != "TEXT":
                wrong += f" OR abs({column} * 1.0) > {_MAX_SECONDS}"
            elif column == "state":
                wrong += f" OR {column} NOT IN ({_STATES})"
            select = f"SELECT {column} FROM {table.name}"
            wrong = f"{column} IS NOT NULL AND ({wrong})"
            found = connection.execute(f"{select} WHERE {wrong} LIMIT 1").fetchone()
            if found:
                return f"{column} of {table.name} is {found[0]!r:.40}"
    return ""


def read_tables(connection: sqlite3.Connection) -> dict[str, Table]:
    """The tables whose rows leave a store, by name."""
    tables = {}
    for name in KINDS:
        columns = connection.execute(f"PRAGMA table_info({name})").fetchall()
        tables[name] = Table(
            name,
            {column: kind for _, column, kind, *_ in columns},
            frozenset(column for _, column, _, not_null, *_ in columns if not_null),
            tuple(column for _, column, *_, place in columns if place),
        )
    return tables
