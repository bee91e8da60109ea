"""``maskdet export-events``: what a store holds, as CSV and JSON."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

from maskdet.commands.events.output import csv_parts, say_written, write
from maskdet.commands.events.selection import SelectionOptions, select
from maskdet.errors import ConfigError
from maskdet.reports.local_time import LocalTime
from maskdet.reports.queries import Selection, require_known
from maskdet.sinks.event_line import utc_text
from maskdet.sinks.store.opening import open_store
from maskdet.sinks.store.postgres import Database
from maskdet.sinks.store.schema import TIME_COLUMNS, reading
from maskdet.system.console import counted

_Row = TypeVar("_Row")
EVENT_COLUMNS = (
    *("time", "utc", "camera", "person", "event", "state", "certainty"),
    *("previous", "place", "direction", "seconds", "reason"),
)
_EVENTS = """
    SELECT first_seen AS t, camera, run, track_id, 'appeared', state, certainty,
        NULL, NULL, NULL, NULL, NULL FROM visits WHERE NOT is_still
    UNION ALL SELECT first_seen + seconds, camera, run, track_id, 'gone', state, certainty,
        NULL, NULL, NULL, seconds, reason FROM visits WHERE is_over AND NOT is_still
    UNION ALL SELECT time, camera, run, track_id, 'state', state, certainty,
        previous, NULL, NULL, NULL, NULL FROM changes
    UNION ALL SELECT time, camera, run, track_id, 'crossed', state, certainty,
        NULL, line, direction, NULL, NULL FROM crossings
    UNION ALL SELECT time, camera, run, track_id, 'entered', state, certainty,
        NULL, zone, NULL, NULL, NULL FROM stays
    UNION ALL SELECT time + seconds, camera, run, track_id, 'left', state, certainty,
        NULL, zone, NULL, seconds, reason FROM stays WHERE is_over
"""


def run(
    store: Path | Database,
    selected: SelectionOptions,
    *,
    csv_file: Path | None,
    json_file: Path | None,
    timezone: str | None = None,
) -> int:
    """Writes the events of a time as CSV, and everything of it as JSON.

    Args:
        store: the event store.
        selected: the period and the cameras.
        csv_file: a line for each event, in order of time; ``-`` is standard output.
        json_file: all tables; likewise.
        timezone: of days and times; None: that of this machine.

    Raises:
        MaskdetError: the store cannot be read, or a file cannot be written.
    """
    if csv_file is None and json_file is None:
        raise ConfigError("nothing to write: say --csv FILE or --json FILE (- is standard output)")
    clock = LocalTime(timezone)
    with open_store(store) as connection:
        wanted = select(connection, clock, selected, max_days=None)
        require_known(connection, wanted)
        counts: Counter[str] = Counter()
        if csv_file is not None:
            events = _counted(_events(connection, wanted, clock), "events", counts)
            write(csv_file, csv_parts(EVENT_COLUMNS, events))
            say_written(csv_file, counted(counts["events"], "event"))
        if json_file is not None:
            tables = {
                name: _counted(_table(connection, name, wanted, clock), name, counts)
                for name in TIME_COLUMNS
            }
            write(json_file, _json_parts(tables))
            say_written(json_file, ", ".join(f"{name} {counts[name]}" for name in tables))
    return 0


def _counted(rows: Iterable[_Row], name: str, counts: Counter[str]) -> Iterator[_Row]:
    """The same rows; how many there were is counted under a name."""
    for row in rows:
        counts[name] += 1
        yield row


def _json_parts(tables: Mapping[str, Iterable[Mapping[str, Any]]]) -> Iterator[str]:
    """An object with the version and all tables, a row at a time, indented by a blank a level."""
    yield '{\n "version": 1'
    for name, rows in tables.items():
        yield f",\n {json.dumps(name)}: ["
        is_empty = True
        for row in rows:
            text = json.dumps(row, indent=1, ensure_ascii=False).replace("\n", "\n  ")
            yield ("\n  " if is_empty else ",\n  ") + text
            is_empty = False
        yield "]" if is_empty else "\n ]"
    yield "\n}\n"


def table_text(store: Path, first: str | None, last: str | None) -> str:
    """A line of CSV for each event, of the days that `run` takes, in this machine's time zone.

    Raises:
        MaskdetError: the store cannot be read, or a day is none.
    """
    clock = LocalTime(None)
    with reading(store) as connection:
        wanted = select(connection, clock, SelectionOptions(first, last), max_days=None)
        return "".join(csv_parts(EVENT_COLUMNS, _events(connection, wanted, clock)))


def person(run: str, camera: str, track_id: int) -> str:
    """The name of a visit, as `delete-events --person` takes it."""
    return f"{run}/{camera}/{track_id}"


def _events(
    connection: sqlite3.Connection, wanted: Selection, clock: LocalTime
) -> Iterator[tuple[object, ...]]:
    rows = connection.execute(
        f"SELECT * FROM ({_EVENTS}) WHERE t >= ? AND t < ? ORDER BY t",
        (wanted.began, wanted.ended),
    )
    for moment, camera, run, track_id, *rest in rows:
        if not wanted.cameras or camera in wanted.cameras:
            times = clock.text(moment), utc_text(moment)
            yield (*times, camera, person(run, camera, track_id), *rest)


def _table(
    connection: sqlite3.Connection, name: str, wanted: Selection, clock: LocalTime
) -> Iterator[dict[str, Any]]:
    """Rows of a table as JSON has them: Unix times beside local ones, flags as true and false."""
    column = TIME_COLUMNS[name]
    found = connection.execute(
        f"SELECT * FROM {name} WHERE {column} >= ? AND {column} < ? ORDER BY {column}",
        (wanted.began, wanted.ended),
    )
    names = [one[0] for one in found.description]
    for values in found:
        row = dict(zip(names, values, strict=True))
        if not wanted.cameras or row["camera"] in wanted.cameras:
            flags = {key: bool(v) for key, v in row.items() if key.startswith("is_")}
            yield {"local_time": clock.text(row[column]), **row, **flags}
