"""Alarms and deliveries that are still to be written; a disk that hangs holds up no alarm."""

from __future__ import annotations

import time
from collections.abc import Iterable

from maskdet.alarm import Alarm
from maskdet.errors import SinkError
from maskdet.sinks.retry_state import RetryState
from maskdet.sinks.store.alarm_store import AlarmStore, Delivery
from maskdet.system.threads import Lock


class Journal:
    """Writes to the alarm store, now or when it can be; for any thread.

    A message is written before it is handed to its channel, so that a kill does not lose it; where
    that fails it is sent all the same.
    """

    def __init__(self, store: AlarmStore) -> None:
        """Has nothing to write."""
        self._store = store
        self._retry = RetryState("keeping alarms")
        self._lock, self._writing = Lock(), Lock()
        self._alarms: dict[str, Alarm] = {}
        self._deliveries: dict[str, Delivery] = {}
        self._arrived: dict[str, Delivery] = {}

    def add(self, alarms: Iterable[Alarm], deliveries: Iterable[Delivery]) -> None:
        """Notes alarms that changed, and messages before they are sent."""
        with self._lock:
            self._alarms |= {one.alarm_id: one for one in alarms}
            self._deliveries |= {one.delivery_id: one for one in deliveries}

    def record_delivered(self, delivery: Delivery) -> None:
        """Notes that a message has arrived."""
        with self._lock:
            self._deliveries.pop(delivery.delivery_id, None)
            self._arrived[delivery.delivery_id] = delivery

    def save(self) -> None:
        """Writes what is new; what cannot be written waits for the next call."""
        with self._writing:
            with self._lock:
                alarms, self._alarms = self._alarms, {}
                deliveries, self._deliveries = self._deliveries, {}
                arrived, self._arrived = self._arrived, {}
            if not (alarms or deliveries or arrived):
                return
            try:
                if alarms or deliveries:
                    self._store.save(alarms.values(), deliveries.values())
                if arrived:
                    self._store.record_delivered(list(arrived.values()), time.time())
            except SinkError as error:
                with self._lock:
                    self._alarms = alarms | self._alarms
                    self._deliveries = deliveries | self._deliveries
                    self._arrived = arrived | self._arrived
                self._retry.fail(str(error), "alarms are sent all the same")
            else:
                self._retry.record_success("alarms")
