"""The alarms of this run and of earlier ones, as they are shown and answered."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from maskdet.alarm import Alarm

MAX_ALARMS = 1000
"""Alarms kept in memory; open ones stay, however many there are."""


class AlarmList:
    """Alarms in memory, newest last; for one thread at a time.

    Attributes:
        version: raised at every change.
        begun: number of those that have begun, by their rules.
    """

    def __init__(self, alarms: Iterable[Alarm] = ()) -> None:
        self.version = 0
        self.begun: Counter[str] = Counter()
        self._alarms = {alarm.alarm_id: alarm for alarm in alarms}

    def put(self, alarm: Alarm) -> Alarm:
        """Takes what a rule says of an alarm; what was attached to it stays."""
        old = self._alarms.pop(alarm.alarm_id, None)
        if old is None:
            self.begun[alarm.rule] += 1
        else:
            alarm = replace(
                alarm,
                snapshot=alarm.snapshot or old.snapshot,
                clip=alarm.clip or old.clip,
                acknowledged=old.acknowledged,
                acknowledged_by=old.acknowledged_by,
            )
        self._keep(alarm)
        return alarm

    def attach(self, alarm_id: str, **facts: object) -> Alarm | None:
        """Changes fields of an alarm; None: there is none of that number."""
        alarm = self._alarms.pop(alarm_id, None)
        if alarm is None:
            return None
        changed = replace(alarm, **facts)  # type: ignore[arg-type]  # names of its fields
        self._keep(changed)
        return changed

    def drop(self, numbers: Iterable[str]) -> None:
        """Forgets alarms that were deleted, those that are over."""
        for number in numbers:
            if (alarm := self._alarms.get(number)) is not None and not alarm.is_open:
                del self._alarms[number]
                self.version += 1

    def find(self, alarm_id: str) -> Alarm | None:
        """One alarm."""
        return self._alarms.get(alarm_id)

    def newest(self, limit: int, *, only_open: bool) -> Sequence[Alarm]:
        """The newest by their beginning, newest first."""
        found = [one for one in self._alarms.values() if one.is_open or not only_open]
        return sorted(found, key=lambda one: one.began, reverse=True)[:limit]

    def _keep(self, alarm: Alarm) -> None:
        self.version += 1
        self._alarms[alarm.alarm_id] = alarm
        if len(self._alarms) > MAX_ALARMS:
            over = next((key for key, one in self._alarms.items() if not one.is_open), None)
            if over is not None:
                del self._alarms[over]
