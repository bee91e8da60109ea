"""Alarms and the messages that are not delivered yet, in the event store's file."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from maskdet.alarm import Alarm, AlarmMessage, Snooze
from maskdet.errors import SinkError, reason_of
from maskdet.sinks.store.damage import set_aside
from maskdet.sinks.store.run_mark import RunMark
from maskdet.sinks.store.schema import BrokenStoreError, open_for_writing, transaction
from maskdet.system.folders import make_folder
from maskdet.system.threads import Lock

_COLUMNS = tuple(field.name for field in fields(Alarm))
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM alarms"
_MAX_WRITTEN = 10_000
"""Numbers of alarms that are known to have been written."""


@dataclass(frozen=True)
class Delivery:
    """A message on its way to one channel.

    Attributes:
        delivery_id: unique over all runs and channels.
        channel: name of the channel.
        message: what it is to send.
        time: Unix time of the message.
    """

    delivery_id: str
    channel: str
    message: AlarmMessage
    time: float


class AlarmStore:
    """Alarms of this run and of earlier ones, and what is still to be delivered of them.

    Each call opens the file, which may be the event store's, for its own transaction: alarms are
    rare, and a file that was moved or locked for a while does no harm. For any thread.
    """

    def __init__(self, path: str | Path, run: str, *, shared: bool = False) -> None:
        """Makes sure that the file can be used; a damaged one is set aside.

        Args:
            path: the SQLite file; created where it is missing.
            run: what names this run.
            shared: other monitors may use it, too: what is open or undelivered of runs that go on
                is theirs, and not given here.

        Raises:
            SinkError: it cannot be used; the line gives the reason.
        """
        self._path, self._run = Path(path), run
        self._lock = Lock()
        self._written: dict[str, None] = {}
        try:
            make_folder(self._path.parent)
        except OSError as error:
            raise self._unusable(error) from None
        try:
            self._check()
        except BrokenStoreError as error:
            try:
                set_aside(self._path, error)
            except OSError as why:
                raise self._unusable(why) from None
            self._check()
        self._mark = RunMark(self._path, run) if shared else None

    def close(self) -> None:
        """Leaves what is open to the next run; may be called twice."""
        if self._mark is not None:
            self._mark.release()

    def save(
        self,
        alarms: Iterable[Alarm],
        deliveries: Iterable[Delivery] = (),
        snoozes: Iterable[Snooze] = (),
    ) -> None:
        """Writes alarms, messages to be delivered, and snoozes, all or nothing.

        Raises:
            SinkError: not now.
        """
        alarms = tuple(alarms)
        with self._transaction() as connection:
            for alarm in alarms:
                self._put(connection, alarm)
            for one in deliveries:
                about = one.message.alarm
                row = (one.delivery_id, self._run, about.camera, about.track_id, one.channel)
                connection.execute(
                    "INSERT OR REPLACE INTO deliveries VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (*row, one.time, json.dumps(asdict(one.message))),
                )
            for snooze in snoozes:
                connection.execute(
                    "INSERT OR REPLACE INTO snoozes VALUES (?, ?, ?)",
                    (snooze.rule, snooze.camera, snooze.until),
                )
        self._note_written(alarm.alarm_id for alarm in alarms)

    def record_delivered(self, deliveries: Sequence[Delivery], utc: float) -> None:
        """Messages have arrived; they are not sent again.

        Raises:
            SinkError: not now.
        """
        with self._transaction() as connection:
            for one in deliveries:
                connection.execute(
                    "DELETE FROM deliveries WHERE delivery_id = ?", (one.delivery_id,)
                )
                if one.message.phase == "began":
                    connection.execute(
                        "UPDATE alarms SET delivered = coalesce(delivered, ?) WHERE alarm_id = ?",
                        (utc, one.message.alarm.alarm_id),
                    )

    def pending(self) -> list[Delivery]:
        """Messages that were not delivered, of earlier runs too, the oldest first."""
        with self._transaction() as connection:
            rows = connection.execute(
                "SELECT delivery_id, channel, message, time FROM deliveries"
                " ORDER BY time, delivery_id"
            ).fetchall()
        found = [Delivery(key, channel, _message(text), time) for key, channel, text, time in rows]
        return [one for one in found if not self._is_of_another(one.message.alarm)]

    def snoozes(self, utc: float) -> list[Snooze]:
        """Those that are not over at a Unix time; the others are deleted."""
        with self._transaction() as connection:
            connection.execute("DELETE FROM snoozes WHERE until <= ?", (utc,))
            rows = connection.execute("SELECT rule, camera, until FROM snoozes").fetchall()
        return [Snooze(*row) for row in rows]

    def alarms(self, limit: int, *, only_open: bool = False) -> list[Alarm]:
        """The newest alarms, newest first."""
        where = "WHERE cleared IS NULL" if only_open else ""
        found = self._select(f"{where} ORDER BY began DESC LIMIT ?", (limit,))
        self._note_written(alarm.alarm_id for alarm in reversed(found))
        return [alarm for alarm in found if not (alarm.is_open and self._is_of_another(alarm))]

    def deleted(self) -> list[str]:
        """Numbers of alarms that were written and are not there any more; each once."""
        with self._transaction() as connection:
            there = {number for (number,) in connection.execute("SELECT alarm_id FROM alarms")}
        gone = [number for number in self._written if number not in there]
        for number in gone:
            del self._written[number]
        return gone

    def find(self, alarm_id: str) -> Alarm | None:
        """One alarm; None: there is none of that number."""
        return next(iter(self._select("WHERE alarm_id = ?", (alarm_id,))), None)

    def sent_since(self, utc: float) -> list[tuple[str, str, float, float | None]]:
        """Rule, camera, time and time of delivery of the alarms that were sent since then."""
        with self._transaction() as connection:
            return connection.execute(
                "SELECT rule, camera, began, delivered FROM alarms"
                " WHERE (began >= ? OR delivered >= ?) AND muted = '' ORDER BY began",
                (utc, utc),
            ).fetchall()

    def _is_of_another(self, alarm: Alarm) -> bool:
        """Whether it is of another monitor's run that goes on."""
        run = alarm.alarm_id.rpartition("-")[0]
        return self._mark is not None and run in self._mark.others

    def _check(self) -> None:
        with self._transaction():
            pass

    def _note_written(self, numbers: Iterable[str]) -> None:
        self._written |= dict.fromkeys(numbers)
        for number in list(self._written)[:-_MAX_WRITTEN]:
            del self._written[number]

    def _select(self, rest: str, values: tuple[object, ...]) -> list[Alarm]:
        with self._transaction() as connection:
            rows = connection.execute(f"{_SELECT} {rest}", values).fetchall()
        alarms = [Alarm(*row) for row in rows]
        return [replace(one, states=tuple(json.loads(str(one.states)))) for one in alarms]

    def _put(self, connection: sqlite3.Connection, alarm: Alarm) -> None:
        """Writes an alarm; the run of an earlier one, and when it was delivered, stay.

        One that is over and was written before is not written again: somebody has deleted it.
        """
        if alarm.alarm_id in self._written and not alarm.is_open and not _has(connection, alarm):
            return
        values = asdict(alarm) | {"states": json.dumps(alarm.states), "run": self._run}
        names = ", ".join(values)
        places = ", ".join(f":{name}" for name in values)
        news = ", ".join(f"{name} = :{name}" for name in values if name not in ("alarm_id", "run"))
        connection.execute(
            f"INSERT INTO alarms ({names}) VALUES ({places})"
            f" ON CONFLICT (alarm_id) DO UPDATE SET {news}",
            values,
        )

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            with (
                self._lock,
                contextlib.closing(open_for_writing(self._path)) as connection,
                transaction(connection),
            ):
                yield connection
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(error) from None

    def _unusable(self, error: Exception) -> SinkError:
        reason = reason_of(error)
        advice = "check folder, rights and disk space"
        return SinkError(f"cannot keep alarms in {self._path}: {reason}; {advice}")


def _has(connection: sqlite3.Connection, alarm: Alarm) -> bool:
    found = connection.execute("SELECT 1 FROM alarms WHERE alarm_id = ?", (alarm.alarm_id,))
    return found.fetchone() is not None


def _message(text: str) -> AlarmMessage:
    values = json.loads(text)
    alarm = Alarm(**(values["alarm"] | {"states": tuple(values["alarm"]["states"])}))
    channels, others = values["channels"], tuple(values["others"])
    known = {"alarm": alarm, "channels": channels and tuple(channels), "others": others}
    return AlarmMessage(**(values | known))
