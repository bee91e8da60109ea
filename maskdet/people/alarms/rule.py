"""One rule of alarms, and what it is asked about."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Literal

from maskdet.alarm import AlarmKind
from maskdet.detections import MaskState
from maskdet.observation import Person
from maskdet.people.alarms.timetable import Timetable

COVERED_DETAIL = 0.3
"""Detail of an image over what is usual, below which the camera is taken to be covered."""
MOVED_LIKENESS = 0.3
"""Likeness to the usual image, below which the camera is taken to have been moved."""


@dataclass(frozen=True)
class CameraView:
    """Difference of an image from what its camera usually shows.

    Attributes:
        detail: edges of the image over those of the usual image; 1 where nothing has changed.
        likeness: correlation of its edges with those of the usual image, -1 to 1.
    """

    detail: float = 1.0
    likeness: float = 1.0

    @property
    def is_covered(self) -> bool:
        """Whether hardly anything is to be seen: a hand, a cloth, paint, darkness."""
        return self.detail < COVERED_DETAIL

    @property
    def is_moved(self) -> bool:
        """Whether another scene is to be seen."""
        return not self.is_covered and self.likeness < MOVED_LIKENESS


@dataclass(frozen=True)
class AlarmRule:
    """Conditions of an alarm: what has to be so, where, for how long and when.

    Attributes:
        name: unique among rules.
        kind: what the rule is about.
        states: how the mask is worn.
        zone: of people; empty: anywhere.
        line: that people have crossed; empty: none.
        direction: in which they crossed it; empty: either.
        for_s: seconds that it has to be so.
        clear_s: seconds that it must not be so, before the alarm is cleared.
        people: how many people at a time; from 2 on, the alarm is of all of them together.
        timetable: when the rule is armed.
        cameras: names of sources; empty: all.
        cool_down_s: seconds after the delivery of a message in which none is sent about another
            alarm of this rule and camera.
        max_per_hour: alarms sent in any hour, for a rule and camera.
        channels: names of the channels that get it; None: all.
        free_bytes: a disk with less is full.
    """

    name: str
    kind: AlarmKind = "people"
    states: frozenset[MaskState] = frozenset({MaskState.without_mask})
    zone: str = ""
    line: str = ""
    direction: Literal["", "in", "out"] = ""
    for_s: float = 0.0
    clear_s: float = 5.0
    people: int = 1
    timetable: Timetable = field(default_factory=Timetable)
    cameras: tuple[str, ...] = ()
    cool_down_s: float = 0.0
    max_per_hour: int = 60
    channels: tuple[str, ...] | None = None
    free_bytes: float = 1e9

    def is_about(self, camera: str) -> bool:
        """Whether it applies to a camera."""
        return not self.cameras or camera in self.cameras

    def matches(self, person: Person, crossed: Collection[tuple[str, str]]) -> bool:
        """Whether a person is as the rule says, for however short.

        Args:
            person: as of a frame.
            crossed: lines that the person has crossed, each with the direction.
        """
        if person.still or person.state not in self.states:
            return False
        if self.zone and self.zone not in person.zones:
            return False
        return not self.line or any(
            line == self.line and self.direction in ("", way) for line, way in crossed
        )
