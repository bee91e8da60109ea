"""Scripted scenes for rules of alarms: who is seen when, on a clock that the test turns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from maskdet.alarm import Alarm, AlarmMessage
from maskdet.detections import Detections, MaskState
from maskdet.frame import Frame
from maskdet.observation import Observation, Person, PersonEvent
from maskdet.people.alarms.reporter import Changes
from maskdet.people.alarms.rule import AlarmRule, CameraView
from maskdet.people.alarms.rules import AlarmRules

IMAGE = np.zeros((2, 2, 3), np.uint8)
UTC = 1_780_000_000.0
NO_MASK, MASK = MaskState.without_mask, MaskState.with_mask
INCORRECT, UNSURE = MaskState.mask_weared_incorrect, MaskState.unsure


def somebody(
    track_id: int = 1, state: MaskState = NO_MASK, *zones: str, still: bool = False
) -> Person:
    return Person(track_id, state, 0.9, 0.0, 0.0, 0.0, zones, still)


def seen(
    camera: str, seconds: float, people: Iterable[Person], crossings: Iterable[tuple] = ()
) -> Observation:
    """A frame with people; crossings are (track_id, line, direction)."""
    frame = Frame(IMAGE, 0, UTC + seconds, 0.0, camera, position=seconds, utc=UTC + seconds)
    people = tuple(people)
    events = tuple(
        PersonEvent("crossed", number, 0, 0, NO_MASK, 0.9, place=line, direction=way)
        for number, line, way in crossings
    )
    return Observation(frame, Detections.empty(), people=people, events=events)


@dataclass
class Stage:
    """Rules with a clock, and all that has come of them.

    Attributes:
        sent: (phase, second, track_id) of each message.
    """

    rules: AlarmRules
    sent: list[tuple[str, float, int | None]] = field(default_factory=list)
    messages: list[AlarmMessage] = field(default_factory=list)
    alarms: dict[str, Alarm] = field(default_factory=dict)
    seconds: float = 0.0

    @classmethod
    def of(cls, *rules: AlarmRule, run: str = "run") -> Stage:
        return cls(AlarmRules(rules, run=run))

    def show(
        self,
        seconds: float,
        *people: Person,
        camera: str = "hall",
        view: CameraView | None = None,
        crossings: Sequence[tuple] = (),
    ) -> list[AlarmMessage]:
        self.seconds = seconds
        return self._take(
            self.rules.observe(seen(camera, seconds, people, crossings), seconds, view)
        )

    def wait(
        self, seconds: float, silent: dict[str, float] | None = None, free: float | None = None
    ) -> list[AlarmMessage]:
        """A sweep."""
        self.seconds = seconds
        return self._take(self.rules.sweep(seconds, UTC + seconds, silent or {}, free))

    def _take(self, changes: Changes) -> list[AlarmMessage]:
        for alarm in changes.alarms:
            self.alarms[alarm.alarm_id] = alarm
        for message in changes.messages:
            self.messages.append(message)
            self.sent.append((message.phase, self.seconds, message.alarm.track_id))
        return list(changes.messages)
