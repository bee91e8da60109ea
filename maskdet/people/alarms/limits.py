"""Limits of what is sent: cool-down, alarms per hour, snoozes."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from maskdet.alarm import Mute, Snooze
from maskdet.people.alarms.rule import AlarmRule

HOUR_S = 3600.0


class Limits:
    """Alarms that are not sent at the moment, and why, by rule and camera.

    All times are of one clock that never goes back.
    """

    def __init__(self) -> None:
        self._sent: dict[tuple[str, str], deque[float]] = {}
        self._delivered: dict[tuple[str, str], float] = {}
        self._snoozes: dict[tuple[str, str], float] = {}

    def mute(self, rule: AlarmRule, camera: str, now: float) -> Mute:
        """Why nothing is to be sent about a new alarm; empty: it is to be sent."""
        if self.is_snoozed(rule.name, camera, now):
            return "snoozed"
        key = (rule.name, camera)
        delivered = self._delivered.get(key)
        if delivered is not None and now - delivered < rule.cool_down_s:
            return "cool-down"
        sent = self._sent.get(key, ())
        recent = sum(now - moment < HOUR_S for moment in sent)
        return "hourly limit" if recent >= rule.max_per_hour else ""

    def is_snoozed(self, rule: str, camera: str, now: float) -> bool:
        """Whether nothing at all is sent about a rule and camera."""
        return any(
            until > now and name in ("", rule) and where in ("", camera)
            for (name, where), until in self._snoozes.items()
        )

    def record_sent(self, rule: str, camera: str, now: float) -> None:
        """A new alarm goes to the channels."""
        sent = self._sent.setdefault((rule, camera), deque())
        sent.append(now)
        while now - sent[0] >= HOUR_S:
            sent.popleft()

    def record_delivered(self, rule: str, camera: str, now: float) -> None:
        """A channel has delivered a new alarm: the cool-down begins."""
        key = (rule, camera)
        self._delivered[key] = max(now, self._delivered.get(key, now))

    def snooze(self, rule: str, camera: str, until: float) -> None:
        """Mutes a rule (empty: all) and camera (empty: all); a time that is over ends it."""
        self._snoozes[rule, camera] = until

    def snoozes(self, now: float) -> Sequence[Snooze]:
        """Those that are not over, with their ends on the clock of `now`."""
        self._snoozes = {key: until for key, until in self._snoozes.items() if until > now}
        return [Snooze(rule, camera, until) for (rule, camera), until in self._snoozes.items()]
