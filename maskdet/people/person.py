"""One person while followed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from maskdet.detections import Detections, MaskState
from maskdet.frame import Frame
from maskdet.observation import PersonEventKind
from maskdet.people.counting import longest
from maskdet.people.person_state import StateFilter, probabilities_of, sharpness, weight_of
from maskdet.people.stillness import Stillness
from maskdet.people.tracking.track import Track
from maskdet.people.zones import Line, LineCrossing, Position, Zone, ZonePresence

SHARPNESS_INTERVAL_S = 0.15
"""Seconds between two measurements of a face's sharpness."""


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
        zones: of the source.
        lines: likewise.
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

    def update(self, position: Position, now: float, inertia: float) -> list[Change]:
        """Takes a position in; returns what it changes.

        Args:
            position: of the face.
            now: time of the frame, seconds.
            inertia: seconds that a face must be on the other side of a zone's border.
        """
        changes = []
        for zone, presence in zip(self.zones, self.presences, strict=True):
            began = presence.since
            if kind := presence.update(zone.contains(position.x, position.y), now, inertia):
                stay = {"duration": presence.since - began} if kind == "left" else {}
                changes.append(Change(kind, presence.since, {"place": zone.name, **stay}))
        for line, crossing in zip(self.lines, self.crossings, strict=True):
            if direction := crossing.update(line, position):
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
class TrackedPerson:
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
    is_known: bool = False
    _sharpness: float | None = None
    _sharpness_moment: float = 0.0

    @property
    def longest(self) -> MaskState:
        """The state worn longest."""
        return longest(self.worn, self.mask.state)

    def position(self, frame: Frame) -> Position:
        """Where it is in a frame, smoothed."""
        motion, width, height = self.track.motion, frame.width, frame.height
        return Position(motion.x / width, motion.y / height, motion.width / width, width / height)

    def weigh(self, frame: Frame, detections: Detections, now: float) -> bool:
        """Takes in what a frame shows of its mask; returns whether the state has changed.

        Args:
            frame: in which the track was found.
            detections: of that frame.
            now: moment of the frame.
        """
        row = self.track.row
        assert row is not None
        seconds = None if self.weighed is None else now - self.weighed
        self.weighed = now
        box = detections.boxes[row].tolist()
        if self._sharpness is None or now - self._sharpness_moment >= SHARPNESS_INTERVAL_S:
            self._sharpness, self._sharpness_moment = sharpness(frame.image, box), now
        weight = weight_of(box[2] - box[0], self._sharpness)
        if not self.mask.update(probabilities_of(detections, row), weight, seconds):
            return False
        self.since = now
        return True
