"""The event store as a sink: one SQLite file, written by a thread of its own."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
import uuid
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

from maskdet import __version__
from maskdet.contracts import StartingSink
from maskdet.errors import SinkError, reason_of
from maskdet.observation import Observation
from maskdet.sinks.output_files import Folder
from maskdet.sinks.retry_state import RetryState, missing_words
from maskdet.sinks.store.damage import set_aside
from maskdet.sinks.store.deletion import Limits
from maskdet.sinks.store.ledger import Ledger, Rows
from maskdet.sinks.store.outbox import OutboxWriter
from maskdet.sinks.store.schema import BrokenStoreError, is_damage, is_locked, open_for_writing
from maskdet.sinks.store.writing import write_rows
from maskdet.system.folders import make_folder
from maskdet.system.threads import Event, Lock, Worker

log = logging.getLogger(__name__)

_WAKE_S = 1.0
"""Between two looks at what is due while nothing happens, and before a failed write's next try."""
_OPEN_INTERVAL_S = 10.0
"""Between two writes of visits and minutes that are not over, which change with each frame."""
_LIMIT_INTERVAL_S = 600.0
"""Between two looks at what is too old or too much."""
_CLOSING_S = 1.5
"""Seconds of one step of the last writes, after which the disk is taken to hang: to open a store,
which waits for the disk several times, took up to one on a busy machine."""
_LOCKED_S = 5.0
"""Seconds for which the last write waits where others write: a deletion, or on a busy machine the
part of this very monitor that sends rows, holds the file for longer than SQLite waits."""
_BATCH = 1000
"""Rows of one transaction: each is a step of the last writes."""
_ADVICE = "nothing is lost yet: it waits in memory and is written when it can be"


class EventStore(StartingSink):
    """A sink that keeps people, what they did, totals per minute, and the cameras' up-time.

    `write` only notes what is new, in memory; a thread writes it, what happens at once.
    A disk that is full, away or hangs, or a store that another program locks, holds up nothing:
    rows wait, up to `ledger.MAX_ROWS`. A damaged store is set aside under another name, and a new
    one is begun. Every row has a key of its own (run, camera, person …), so that none is counted
    twice, whatever is repeated.

    Attributes:
        name: the file.
        rows: how many rows were written, those that were written again included.
        run: what names this run of the monitor in the store.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        limits: Limits | None = None,
        outbox: OutboxWriter | None = None,
        write_seconds: float = 0.01,
        retry_seconds: float = 5.0,
    ) -> None:
        """Opens the store, or creates it.

        Args:
            path: the SQLite file.
            limits: how long to keep what.
            outbox: queues every row for another store, too; None: nothing is sent.
            write_seconds: from one write to the next one of what has happened since; `kill -9`
                loses so much.
            retry_seconds: how soon to try again after a failure.

        Raises:
            SinkError: it cannot be created, is of a newer version, or is another kind of file.
        """
        self._path = Path(path)
        self.name = str(self._path)
        self.rows = 0
        self.run = uuid.uuid4().hex
        self._limits = limits or Limits()
        self._outbox = outbox
        self._write_seconds = write_seconds
        self._retry = RetryState(f"writing people to {self._path}", retry_seconds)
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        self._open_due = self._limit_due = 0.0
        self._steps = 0
        self._locked_times = 0
        self._may_work_now = False
        self._begin()
        self._lock, self._stopping, self._has_happened = Lock(), Event(), Event()
        self._ledger = Ledger(self.run, __version__, time.time())
        self._worker = Worker("event store", self._run)
        self._is_started = False

    def watch(self, cameras: Sequence[str], *, files: Sequence[str] = ()) -> None:
        """Names the cameras of this run, so that one which never gives a frame counts as down.

        Args:
            cameras: names of cameras and streams.
            files: names of recordings and images, which have no up-time.
        """
        with self._lock:
            self._ledger.watch(cameras, time.time(), files=files)
        self._start()

    def note_camera(self, name: str, state: str) -> None:
        """A camera is running, paused or removed from now on: a pause is not down-time."""
        with self._lock:
            self._ledger.note_camera(name, state, time.time())
        self._start()

    def write(self, observation: Observation) -> None:
        """Notes what is new in an observation.

        Raises:
            BaseException: what killed the thread that writes, a bug.
        """
        self._worker.raise_error()
        with self._lock:
            happened = self._ledger.add(observation)
        if happened:
            self._has_happened.set()
        self._start()

    def close(self) -> None:
        """Writes what waits and closes the file; may be called twice.

        Raises:
            SinkError: it cannot be written at the moment; the line has the number of missing rows.
        """
        self._stopping.set()
        self._has_happened.set()
        self._start()
        steps = self._steps
        while not self._worker.join(_CLOSING_S):
            if self._steps == steps:
                missing = "the newest rows are missing"
                raise SinkError(f"{self.name}: the disk does not answer; {missing}")
            steps = self._steps
        self._worker.raise_error()

    def _start(self) -> None:
        if not self._is_started:
            self._is_started = True
            self._worker.start()

    def _begin(self) -> None:
        """Makes sure at the start that the store can be used; a lock may pass later."""
        try:
            make_folder(self._path.parent)
            self._folder = Folder(self._path.parent)
            self._open()
        except sqlite3.OperationalError as error:
            if not is_locked(error):
                reason = f"cannot keep people in {self._path}: {error}"
                raise SinkError(f"{reason}; check folder, rights and disk space") from None
            self._retry.fail(str(error), _ADVICE)
        except OSError as error:
            reason = f"cannot keep people in {self._path}: {reason_of(error)}"
            raise SinkError(f"{reason}; check folder and rights") from None
        finally:
            self._close_connection()  # SQLite binds a connection to its thread

    def _run(self) -> None:
        """The store's thread; a queue of rows to be sent learns that it was the last write."""
        try:
            self._write_until_stopped()
        finally:
            if self._outbox is not None:
                self._outbox.ended.set()

    def _write_until_stopped(self) -> None:
        """Writes what happens, now and then what is not over, and all of it at the end."""
        while not self._stopping.is_set():
            self._has_happened.wait(_WAKE_S)
            self._has_happened.clear()
            written = self._write_waiting(with_open=time.monotonic() >= self._open_due)
            self._stopping.wait(self._write_seconds if written else _WAKE_S)
        until = time.monotonic() + _LOCKED_S
        self._write_last()
        while self._may_work_now and time.monotonic() < until:
            self._write_last()
        self._close_connection()
        if self._retry.down:
            with self._lock:
                missing = len(self._ledger.take(time.time(), with_open=False))
            missing += self._retry.missed
            raise SinkError(f"{self._retry.reported}; {missing_words(missing, 'row')}")

    def _write_last(self) -> None:
        self._may_work_now = False
        self._retry.hurry()
        self._write_waiting(with_open=True)
        self._steps += 1

    def _write_waiting(self, *, with_open: bool) -> bool:
        """Writes the rows that wait; returns whether it could."""
        if not self._retry.due:
            return False
        with self._lock:
            rows = self._ledger.take(time.time(), with_open=with_open)
            dropped, self._ledger.dropped = self._ledger.dropped, 0
        for _ in range(dropped):
            self._retry.count_dropped()
        try:
            while rows:
                some = dict(islice(rows.items(), _BATCH))
                self._insert(some)
                self._steps += 1
                for key in some:
                    del rows[key]
            self._enforce_limits()
        except (sqlite3.Error, OSError, SinkError) as error:
            with self._lock:
                self._ledger.put_back(rows)
            self._fail(error)
            return False
        self._retry.record_success("row")
        self._locked_times = 0
        self._steps += 1
        if with_open:
            self._open_due = time.monotonic() + _OPEN_INTERVAL_S
        return True

    def _fail(self, error: Exception) -> None:
        self._close_connection()
        if isinstance(error, sqlite3.Error) and is_damage(error):
            try:
                set_aside(self._path, error)
            except OSError as why:
                error = why
            else:
                self._may_work_now = True
                return
        self._open_due = 0.0
        locked = isinstance(error, sqlite3.Error) and is_locked(error)
        self._may_work_now = locked
        self._locked_times = self._locked_times + 1 if locked else 0
        if self._locked_times == 1 and not self._stopping.is_set():
            return  # others write now and then: at the next write they have ended
        self._retry.fail(reason_of(error), _ADVICE)
        if locked:
            self._retry.hurry()  # it may be let go at any moment

    def _insert(self, rows: Rows) -> None:
        try:
            write_rows(self._open(), rows, self._outbox)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_FULL:
                raise
            self._close_connection()  # which gives back the room of the log beside the file
            write_rows(self._open(), rows, self._outbox)
        self.rows += len(rows)

    def _enforce_limits(self) -> None:
        """Now and then: deletes what is too old or too much."""
        if time.monotonic() >= self._limit_due:
            self._limit_due = time.monotonic() + _LIMIT_INTERVAL_S
            self._limits.enforce(self._open(), self._stopping.is_set)

    def _open(self) -> sqlite3.Connection:
        """The connection; a new one where there is none, or where the file was moved or deleted."""
        if self._connection is not None:
            with contextlib.suppress(FileNotFoundError):
                if self._path.stat().st_ino == self._inode:
                    return self._connection
            self._close_connection()
            log.warning("%s was moved or deleted; a new store is begun", self._path)
        self._folder.make_again()
        try:
            self._connection = open_for_writing(self._path)
        except BrokenStoreError as error:
            set_aside(self._path, error)
            self._connection = open_for_writing(self._path)
        self._inode = self._path.stat().st_ino
        self._steps += 1
        return self._connection

    def _close_connection(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()
