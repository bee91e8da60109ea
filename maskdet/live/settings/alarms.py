"""Settings of alarms: rules, images and clips; `alarm_channels` has the channels."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    field_validator,
    model_validator,
)

from maskdet.alarm import AlarmKind
from maskdet.config import Settings
from maskdet.config_texts import OneLine
from maskdet.detections import MaskState
from maskdet.live.settings.alarm_channels import ChannelSettings
from maskdet.people.alarms.rule import AlarmRule
from maskdet.people.alarms.timetable import Timetable

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)\s*-\s*([01]?\d|2[0-4]):([0-5]\d)")
_DEFAULT_FOR_S: dict[str, float] = {"people": 0.0, "camera_gone": 30.0}
_FOR_S = 5.0

State = Literal["with_mask", "without_mask", "mask_weared_incorrect", "unsure"]
Name = Annotated[OneLine, Field(max_length=60)]


class AlarmRuleSettings(Settings):
    """Conditions of an alarm: what has to be so, where, for how long and when.

    Attributes:
        name: unique among rules.
        when: what the rule is about: people, a camera that gives no image, shows hardly anything or
            another scene, or a disk that is nearly full.
        states: of people, how they wear the mask.
        zone: name of a zone that they have to be in; None: anywhere.
        line: name of a line that they have to have crossed; None: none.
        direction: in which they crossed it; None: either.
        people: how many at a time; from 2 on, the alarm is of all of them together.
        for_seconds: how long it has to be so; None: 0 for people, 30 for a camera that is gone, 5
            for the others.
        clear_seconds: how long it must not be so, before the alarm is cleared.
        hours: ``HH:MM-HH:MM`` in local time, over midnight too; none: all day.
        days: ``mon`` to ``sun``, of the day on which the hours begin; none: all.
        cameras: names of sources; none: all.
        cool_down_seconds: after the delivery of a message, none about another alarm of this rule
            and camera.
        max_per_hour: alarms sent in any hour, of this rule and camera.
        channels: names of channels; None: all.
        free_gb: a disk with less is nearly full.
    """

    name: Name
    when: AlarmKind = "people"
    states: Annotated[tuple[State, ...], Field(min_length=1)] = ("without_mask",)
    zone: str | None = None
    line: str | None = None
    direction: Literal["in", "out"] | None = None
    people: PositiveInt = 1
    for_seconds: NonNegativeFloat | None = None
    clear_seconds: NonNegativeFloat = 5.0
    hours: tuple[str, ...] = ()
    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = ()
    cameras: tuple[str, ...] = ()
    cool_down_seconds: NonNegativeFloat = 0.0
    max_per_hour: PositiveInt = 60
    channels: tuple[str, ...] | None = None
    free_gb: PositiveFloat = 1.0

    @field_validator("hours")
    @classmethod
    def _are_spans(cls, hours: tuple[str, ...]) -> tuple[str, ...]:
        for text in hours:
            _span(text)
        return hours

    @model_validator(mode="after")
    def _belongs_together(self) -> Self:
        if self.direction and not self.line:
            raise ValueError("direction needs line")
        if self.line and self.people > 1:
            raise ValueError("line is of each person; leave people at 1")
        if self.when != "people":
            for name in ("states", "zone", "line", "people"):
                if name in self.model_fields_set:
                    raise ValueError(f"{name} is of people, and this rule is about {self.when}")
        return self

    def rule(self) -> AlarmRule:
        """The rule as it is applied."""
        for_s = _DEFAULT_FOR_S.get(self.when, _FOR_S)
        spans = tuple(map(_span, self.hours))
        return AlarmRule(
            self.name,
            self.when,
            states=frozenset(MaskState[state] for state in self.states),
            zone=self.zone or "",
            line=self.line or "",
            direction=self.direction or "",
            for_s=for_s if self.for_seconds is None else self.for_seconds,
            clear_s=self.clear_seconds,
            people=self.people,
            timetable=Timetable(spans, frozenset(DAYS.index(day) for day in self.days)),
            cameras=self.cameras,
            cool_down_s=self.cool_down_seconds,
            max_per_hour=self.max_per_hour,
            channels=self.channels,
            free_bytes=self.free_gb * 1e9,
        )


class ClipSettings(Settings):
    """The video of each alarm.

    Attributes:
        enabled: clips are saved, in the folder of the snapshots.
        before: seconds before the alarm.
        after: seconds after it.
        max_mb: memory for the seconds before, of each source, in millions of bytes.
    """

    enabled: bool = False
    before: Annotated[float, Field(ge=0, le=120)] = 5.0
    after: Annotated[float, Field(ge=1, le=600)] = 10.0
    max_mb: Annotated[float, Field(ge=1)] = 32.0


class AlarmSettings(Settings):
    """Alarms.

    Attributes:
        rules: what raises an alarm; none: there are no alarms.
        channels: where messages go, beside the screen.
        secrets: file of ``NAME=value`` lines for ``${NAME}``, which nobody else may read; the
            environment serves, too.
        file: SQLite file of alarms and undelivered messages; None: the store's, or else
            ``alarms.db`` in the folder of snapshots.
        snapshots: folder for the image of each alarm; None: there are none.
        clips: the video of each alarm.
        keep_days: older pictures and clips are deleted; None: none.
        keep_gb: the oldest pictures and clips go while all together are larger.
    """

    rules: tuple[AlarmRuleSettings, ...] = ()
    channels: tuple[ChannelSettings, ...] = ()
    secrets: Path | None = None
    file: Path | None = None
    snapshots: Path | None = Path("alarms")
    clips: ClipSettings = ClipSettings()
    keep_days: PositiveFloat | None = 30.0
    keep_gb: PositiveFloat | None = None

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        names = [one.name for one in self.channels]
        for kind, given in (("rules", [one.name for one in self.rules]), ("channels", names)):
            twice = next((name for name in given if given.count(name) > 1), None)
            if twice is not None:
                raise ValueError(f"two {kind} are named '{twice}'; give each its own name")
        for rule in self.rules:
            for name in rule.channels or ():
                if name not in names:
                    there = f"there is {', '.join(names)}" if names else "there are no channels"
                    raise ValueError(f"rule '{rule.name}': no channel is named '{name}'; {there}")
        if self.clips.enabled and self.snapshots is None:
            raise ValueError("clips need the folder snapshots")
        return self


def _span(text: str) -> tuple[int, int]:
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"'{text}' is not a span of hours; write 08:00-18:00")
    begin_hour, begin_minute, end_hour, end_minute = map(int, found.groups())
    begin, end = begin_hour * 60 + begin_minute, end_hour * 60 + end_minute
    if begin == end or max(begin, end) > 24 * 60:
        raise ValueError(f"'{text}' is not a span of hours; write 08:00-18:00")
    return begin, end
