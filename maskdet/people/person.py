"""One person while followed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from maskdet.detections import MaskState
from maskdet.observation import PersonEventKind
from maskdet.people.counting import longest
from maskdet.people.person_state import StateFilter
from maskdet.people.stillness import Stillness
from maskdet.people.track import Track
from maskdet.people.zones import Line, LineCrossing, Zone, ZonePresence


@dataclass(frozen=True)
class Change:
    """An event before it is known whether its face is a person.

    Attributes:
        kind: as of `PersonEvent`.
        moment: seconds of the source's clock.
        facts: further fields of the event.
    """

    kind: PersonEventKind
    moment: float
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(eq=False)
class Places:
    """Where one face is and was: the zones and lines of a source.

    Attributes:
        presences: one for each zone.
        crossings: one for each line.
    """

    zones: Sequence[Zone]
    lines: Sequence[Line]
    presences: list[ZonePresence] = field(init=False)
    crossings: list[LineCrossing] = field(init=False)

    def __post_init__(self) -> None:
        self.presences = [ZonePresence() for _ in self.zones]
        self.crossings = [LineCrossing() for _ in self.lines]

    def replaced(self, zones: Sequence[Zone], lines: Sequence[Line]) -> Places:
        """The same face among other zones and lines; of those that stay it keeps what it knows."""
        other = Places(zones, lines)
        presences = dict(zip(self.zones, self.presences, strict=True))
        crossings = dict(zip(self.lines, self.crossings, strict=True))
        other.presences = [presences.get(zone, ZonePresence()) for zone in zones]
        other.crossings = [crossings.get(line, LineCrossing()) for line in lines]
        return other

    @property
    def inside(self) -> tuple[str, ...]:
        """Names of the zones that the face is in."""
        pairs = zip(self.zones, self.presences, strict=True)
        return tuple(zone.name for zone, presence in pairs if presence.inside)

    def update(
        self, x: float, y: float, width: float, aspect: float, now: float, inertia: float
    ) -> list[Change]:
        """Takes a position in, in shares of the image; returns what it changes."""
        changes = []
        for zone, presence in zip(self.zones, self.presences, strict=True):
            began = presence.since
            if kind := presence.update(zone.contains(x, y), now, inertia):
                stay = {"duration": now - began} if kind == "left" else {}
                changes.append(Change(kind, now, {"place": zone.name, **stay}))
        for line, crossing in zip(self.lines, self.crossings, strict=True):
            if direction := crossing.update(line, (x, y), aspect, width):
                facts = {"place": line.name, "direction": direction}
                changes.append(Change("crossed", now, facts))
        return changes

    def leave(self, now: float) -> list[Change]:
        """Leaves every zone, as the person is gone."""
        changes = []
        for zone, presence in zip(self.zones, self.presences, strict=True):
            if presence.inside:
                facts = {"place": zone.name, "duration": now - presence.since}
                changes.append(Change("left", now, facts))
                presence.inside = False
        return changes


@dataclass(eq=False)
class Follower:
    """One face, a person or not yet one, with all that is known of it.

    Attributes:
        track: where it is.
        places: which zones and lines.
        mask: how the mask is worn.
        stillness: since when it has not moved.
        since: moment at which the state began.
        weighed: moment of the newest evidence; None before the first.
        waiting: what happened before it was known for a person.
        worn: seconds by value of `MaskState`.
        sharp: sharpness of its image; None before it is measured.
        measured: moment of that.
        is_known: whether it was reported as a person.
    """

    track: Track
    places: Places
    mask: StateFilter = field(default_factory=StateFilter)
    stillness: Stillness = field(default_factory=Stillness)
    since: float = 0.0
    weighed: float | None = None
    waiting: list[Change] = field(default_factory=list)
    worn: list[float] = field(default_factory=lambda: [0.0] * len(MaskState))
    sharp: float | None = None
    measured: float = 0.0
    is_known: bool = False

    @property
    def longest(self) -> MaskState:
        """The state worn longest."""
        return longest(self.worn, self.mask.state)
