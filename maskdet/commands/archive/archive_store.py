"""The archive store: one SQLite file with a row for each result, and the checksums of files."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from maskdet import __version__
from maskdet.commands.archive.recordings import Recording
from maskdet.errors import SinkError, reason_of
from maskdet.sinks.store.schema import is_locked
from maskdet.system.folders import make_folder

NAME = "archive.db"
_LOCK_NAME = "archive.lock"
_APPLICATION_ID = 0x6D61726B
"""Written into the file, so that another database is not taken for an archive store."""
_VERSION = 1
_BUSY_TIMEOUT_S = 30.0
"""Seconds to wait for a program that reads the store and holds it."""
_TABLES = """
CREATE TABLE results (
    key TEXT PRIMARY KEY,
    sha256 TEXT NOT NULL,
    model TEXT NOT NULL,
    settings TEXT NOT NULL,
    version TEXT NOT NULL,
    finished REAL NOT NULL,
    frames INTEGER NOT NULL,
    seconds REAL NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL,
    faces TEXT NOT NULL,
    people TEXT NOT NULL,
    notes TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE files (
    path TEXT PRIMARY KEY,
    size INTEGER NOT NULL,
    modified_ns INTEGER NOT NULL,
    sha256 TEXT NOT NULL
) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class Result:
    """The totals of one recording.

    Attributes:
        frames: processed frames.
        seconds: position of the last one.
        width: in pixels.
        height: in pixels.
        faces: faces by state, summed over the frames.
        people: unique people by state; None where nobody was followed.
        notes: what is wrong with the recording, damaged frames for example.
    """

    frames: int
    seconds: float
    width: int
    height: int
    faces: Mapping[str, int]
    people: Mapping[str, int] | None
    notes: tuple[str, ...] = ()


class ArchiveStore:
    """The store of an archive; one run at a time writes to it, others may read it meanwhile."""

    def __init__(self, folder: Path) -> None:
        """Opens it, or creates it.

        Args:
            folder: of the archive.

        Raises:
            SinkError: it cannot be written, is damaged, or another run holds it.
        """
        self._path = folder / NAME
        try:
            make_folder(folder)
        except OSError as error:
            raise SinkError(
                f"cannot make the folder {folder}: {reason_of(error)}; check its path and rights"
            ) from None
        self._lock = _lock(folder / _LOCK_NAME)
        try:
            with self._errors_named():
                self._connection = sqlite3.connect(
                    self._path, timeout=_BUSY_TIMEOUT_S, isolation_level=None
                )
                self._prepare()
        except BaseException:
            self._lock.close()
            raise

    def close(self) -> None:
        """Closes it, and lets another run begin."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()
        self._lock.close()

    def checksum_of(self, recording: Recording) -> str | None:
        """The SHA-256 of a file that has not changed since it was stored; None: not known."""
        with self._errors_named():
            row = self._connection.execute(
                "SELECT sha256 FROM files WHERE path = ? AND size = ? AND modified_ns = ?",
                (_text(recording.path), recording.size, recording.modified_ns),
            ).fetchone()
        return None if row is None else str(row[0])

    def result_of(self, key: str) -> Result | None:
        """The result under a key; None: there is none yet."""
        with self._errors_named():
            row = self._connection.execute(
                "SELECT frames, seconds, width, height, faces, people, notes FROM results "
                "WHERE key = ?",
                (key,),
            ).fetchone()
        if row is None:
            return None
        frames, seconds, width, height, *texts = row
        faces, people, notes = map(json.loads, texts)
        return Result(frames, seconds, width, height, faces, people, tuple(notes))

    def add_checksum(self, recording: Recording, sha256: str) -> None:
        """Keeps a file's checksum, so that the next run need not read it."""
        row = (_text(recording.path), recording.size, recording.modified_ns, sha256)
        with self._errors_named():
            self._connection.execute("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?)", row)

    def add(self, key: str, sha256: str, model: str, settings: str, result: Result) -> None:
        """Keeps a result; from here on its recording is done."""
        texts = (
            json.dumps(dict(result.faces)),
            json.dumps(result.people),
            json.dumps(result.notes),
        )
        numbers = (result.frames, result.seconds, result.width, result.height)
        row = (key, sha256, model, settings, __version__, time.time(), *numbers, *texts)
        places = ", ".join("?" * len(row))
        with self._errors_named():
            self._connection.execute(f"INSERT OR REPLACE INTO results VALUES ({places})", row)

    def _prepare(self) -> None:
        execute = self._connection.execute
        (application,) = execute("PRAGMA application_id").fetchone()
        (version,) = execute("PRAGMA user_version").fetchone()
        (tables,) = execute("SELECT count(*) FROM sqlite_master").fetchone()
        if application not in (0, _APPLICATION_ID) or (tables and not application):
            raise SinkError(
                f"{self._path} is a database of another program; choose another --output"
            )
        if version > _VERSION:
            raise SinkError(
                f"{self._path} was written by a newer maskdet: update it, or choose another "
                "--output"
            )
        execute("PRAGMA journal_mode = WAL")
        execute("PRAGMA synchronous = FULL")
        if not tables:
            marks = f"PRAGMA application_id = {_APPLICATION_ID}; PRAGMA user_version = {_VERSION}"
            self._connection.executescript(f"BEGIN IMMEDIATE; {_TABLES}; {marks}; COMMIT")

    @contextlib.contextmanager
    def _errors_named(self) -> Iterator[None]:
        """Turns SQLite's errors into one line of ours."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise SinkError(
                f"cannot use {self._path}: {error}; check folder, rights and disk space"
            ) from None
        except sqlite3.DatabaseError as error:
            raise SinkError(
                f"{self._path} is damaged or no archive store ({error}); move it away and run again"
            ) from None


def _lock(path: Path) -> sqlite3.Connection:
    """A lock that the system gives back when its owner ends, however that happens.

    Raises:
        SinkError: another run holds it, or the folder cannot be written.
    """
    connection: sqlite3.Connection | None = None
    try:
        connection = sqlite3.connect(path, timeout=0, isolation_level=None)
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        if connection is not None:
            connection.close()
        if is_locked(error):
            raise SinkError(
                f"another run writes to {path.parent}: wait for its end, or choose another --output"
            ) from None
        if error.sqlite_errorcode == sqlite3.SQLITE_NOTADB:
            raise SinkError(
                f"{path} is not a lock of an archive; remove it and run again"
            ) from None
        raise SinkError(
            f"cannot write to {path.parent}: {error}; check its rights and disk space"
        ) from None
    return connection


def _text(path: str) -> str:
    """A path as SQLite can hold it: bytes that are not UTF-8 are escaped."""
    return path.encode(errors="backslashreplace").decode()
