"""``maskdet delete-events``: a day, or a person, is deleted from an event store."""

from __future__ import annotations

import re
import sqlite3
import time
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

from maskdet.errors import ConfigError, SinkError, reason_of
from maskdet.reports.local_time import LocalTime
from maskdet.sinks.store.deletion import between, delete_between, delete_person, of_person
from maskdet.sinks.store.evidence_files import delete_with_files, visit_of, visits_between
from maskdet.sinks.store.postgres import Database, PostgresStore
from maskdet.sinks.store.schema import is_damage, is_locked, open_for_reading, open_for_writing
from maskdet.system.console import counted, say

_PERSON = re.compile(r"([0-9a-f]{32})/(.+)/(\d+)")
BUSY_TIMEOUT_MS = 10_000
"""Time that a statement waits for another program's lock."""
_STILL_THERE_S = 60
"""Seconds since a person was seen within which a running monitor may write them again."""


def run(
    store: Path | Database, *, day: str | None, person: str | None, timezone: str | None = None
) -> int:
    """Deletes a local day, or everything about one visit, with pictures and clips of alarms.

    Args:
        store: the event store; a monitor may be writing to it.
        day: ``2026-01-31``, ``yesterday``.
        person: as `export-events` names them: run, camera and number.
        timezone: of the day; None: that of this machine.

    Raises:
        MaskdetError: the store cannot be opened or written, or there is no such day or person.
    """
    if (day is None) == (person is None):
        raise ConfigError("say either --day 2026-01-31 or --person, as export-events names it")
    if isinstance(store, Database):
        return _delete_from(store, day, person or "", LocalTime(timezone))
    open_for_reading(store).close()  # is it there, and is it one?
    try:
        with closing(open_for_writing(store)) as connection:
            connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
            folder = store.absolute().parent
            if day is not None:
                what = f"the day {day}"
                rows, files = _delete_day(connection, day, LocalTime(timezone), folder)
            else:
                what = f"person {person}"
                rows, files = _delete_person(connection, person or "", folder)
    except sqlite3.DatabaseError as error:
        raise SinkError(f"{store}: no row was deleted: {error}; {_advice(error)}") from None
    except OSError as error:
        raise SinkError(
            f"{store}: no row was deleted, as {error.filename} cannot be deleted: "
            f"{reason_of(error)}; check the folder's rights and repeat this"
        ) from None
    if not rows:
        raise ConfigError(f"{store} has nothing of {what}")
    number = counted(rows, "row") + (
        f", {counted(files, 'picture or clip', 'pictures and clips')} of alarms" if files else ""
    )
    say(f"deleted {what} from {store}: {number}")
    return 0


def _delete_day(
    connection: sqlite3.Connection, day: str, clock: LocalTime, folder: Path
) -> tuple[int, int]:
    """Deletes a day; returns the number of rows and of files."""
    began, ended = _bounds(day, clock)
    return delete_with_files(
        connection,
        visits_between(began, ended),
        folder,
        lambda: delete_between(connection, began, ended),
    )


def _delete_person(connection: sqlite3.Connection, person: str, folder: Path) -> tuple[int, int]:
    """Deletes a visit; returns the number of rows and of files."""
    key = _key_of(person)
    found = connection.execute(
        "SELECT first_seen + seconds FROM visits"
        " WHERE run = ? AND camera = ? AND track_id = ? AND NOT is_over",
        key,
    ).fetchone()
    if found is not None and time.time() - found[0] < _STILL_THERE_S:
        raise ConfigError(
            f"--person {person} is in the image at the moment, and would be written again; "
            "repeat this when they have gone, or stop the monitor before"
        )
    return delete_with_files(
        connection, visit_of(*key), folder, lambda: delete_person(connection, *key)
    )


def _delete_from(database: Database, day: str | None, person: str, clock: LocalTime) -> int:
    """Deletes a day or a visit from a database, which has neither pictures nor clips."""
    if day is not None:
        what, statements = f"the day {day}", between(*_bounds(day, clock))
    else:
        what, statements = f"person {person}", of_person(*_key_of(person))
    with closing(PostgresStore(database)) as store:
        rows = store.delete(statements)
    if not rows:
        raise ConfigError(f"{database} has nothing of {what}")
    say(f"deleted {what} from {database}: {counted(rows, 'row')}")
    return 0


def _bounds(day: str, clock: LocalTime) -> tuple[float, float]:
    """Beginning and end of a local day."""
    if "T" in day or " " in day:
        raise ConfigError(f"--day {day}: expected a day, such as 2026-01-31")
    began = clock.parse(day, "--day")
    following: date = clock.day_of(began) + timedelta(days=1)
    return began, clock.start_of(following)


def _key_of(person: str) -> tuple[str, str, int]:
    """Run, camera and number of a visit."""
    match = _PERSON.fullmatch(person)
    if match is None:
        raise ConfigError(
            f"--person {person}: expected RUN/CAMERA/NUMBER, as export-events --csv names a person"
        )
    return match[1], match[2], int(match[3])


def _advice(error: sqlite3.DatabaseError) -> str:
    if is_damage(error):
        return "start the monitor, which sets a damaged store aside, or delete the file"
    if is_locked(error):
        return "repeat this when the program that holds it is done"
    return "check its rights"
