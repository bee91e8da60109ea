"""Alarms and deliveries that are still to be written; a disk that hangs holds up no alarm."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterable

from maskdet.alarm import Alarm, Snooze
from maskdet.errors import SinkError
from maskdet.sinks.retry_state import RetryState
from maskdet.sinks.store.alarm_store import AlarmStore, Delivery
from maskdet.system.threads import Condition, Worker

log = logging.getLogger(__name__)

SAVE_TIMEOUT_S = 2.0
"""For a write, after which the disk is taken to hang, and alarms are sent without waiting."""
_DELETED_INTERVAL_S = 10.0
"""Between two looks at what somebody else has deleted from the store."""


class Journal:
    """Writes to the alarm store in a thread of its own, now or when it can be; for any thread.

    A message is written before it is handed to its channel, so that a kill does not lose it; where
    that fails, or takes too long, it is sent all the same.
    """

    def __init__(self, store: AlarmStore) -> None:
        """Has nothing to write."""
        self._store = store
        self._retry = RetryState("keeping alarms")
        self._condition = Condition()
        self._alarms: dict[str, Alarm] = {}
        self._deliveries: dict[str, Delivery] = {}
        self._arrived: dict[str, Delivery] = {}
        self._snoozes: dict[tuple[str, str], Snooze] = {}
        self._deleted: list[str] = []
        self._deleted_due = 0.0
        self._wanted = self._done = 0
        self._hangs = self._is_ending = False
        self._worker = Worker("alarm journal", self._run, is_alone=True)

    def start(self) -> None:
        """Begins to write."""
        self._worker.start()

    def add(
        self,
        alarms: Iterable[Alarm] = (),
        deliveries: Iterable[Delivery] = (),
        snoozes: Iterable[Snooze] = (),
    ) -> None:
        """Notes alarms that changed, messages before they are sent, and snoozes."""
        with self._condition:
            self._snoozes |= {(one.rule, one.camera): one for one in snoozes}
            self._alarms |= {one.alarm_id: one for one in alarms}
            self._deliveries |= {one.delivery_id: one for one in deliveries}

    def record_delivered(self, delivery: Delivery) -> None:
        """Notes that a message has arrived."""
        with self._condition:
            self._deliveries.pop(delivery.delivery_id, None)
            self._arrived[delivery.delivery_id] = delivery

    def take_deleted(self) -> list[str]:
        """Numbers of alarms that were deleted from the store since the last call."""
        with self._condition:
            deleted, self._deleted = self._deleted, []
            return deleted

    def save(self) -> None:
        """Has everything written and waits for that; not for a disk that is known to hang."""
        with self._condition:
            self._wanted += 1
            number = self._wanted
            self._condition.notify_all()
            timeout = 0.0 if self._hangs else SAVE_TIMEOUT_S
            if self._condition.wait_for(lambda: self._done >= number, timeout):
                return
            if not self._hangs:
                self._hangs = True
                log.warning("keeping alarms: the disk does not answer; they are sent all the same")

    def close(self, timeout_s: float) -> None:
        """Writes what is left, and ends."""
        with self._condition:
            self._is_ending = True
            self._condition.notify_all()
        self._worker.join(timeout_s)

    def _run(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._wanted > self._done or self._is_ending)
                number, is_ending = self._wanted, self._is_ending
            self._write()
            self._note_deleted()
            with self._condition:
                self._done = max(self._done, number)
                self._hangs = False
                self._condition.notify_all()
            if is_ending:
                return

    def _note_deleted(self) -> None:
        if time.monotonic() < self._deleted_due:
            return
        self._deleted_due = time.monotonic() + _DELETED_INTERVAL_S
        with contextlib.suppress(SinkError):  # then at the next look
            deleted = self._store.deleted()
            with self._condition:
                self._deleted += deleted

    def _write(self) -> None:
        """Writes what is new; what cannot be written waits for the next time."""
        with self._condition:
            alarms, self._alarms = self._alarms, {}
            deliveries, self._deliveries = self._deliveries, {}
            arrived, self._arrived = self._arrived, {}
            snoozes, self._snoozes = self._snoozes, {}
        if not (alarms or deliveries or arrived or snoozes):
            return
        try:
            if alarms or deliveries or snoozes:
                self._store.save(alarms.values(), deliveries.values(), snoozes.values())
            if arrived:
                self._store.record_delivered(list(arrived.values()), time.time())
        except SinkError as error:
            with self._condition:
                self._alarms = alarms | self._alarms
                self._deliveries = deliveries | self._deliveries
                self._arrived = arrived | self._arrived
                self._snoozes = snoozes | self._snoozes
            self._retry.fail(str(error), "alarms are sent all the same")
        else:
            self._retry.record_success("alarm")
