"""The observation of one processed frame: its faces and the people they belong to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from maskdet.detections import Detections, MaskState
from maskdet.frame import Frame

PersonEventKind = Literal[
    "appeared", "state", "entered", "left", "crossed", "still", "moved", "gone"
]
PersonEventReason = Literal["", "left", "unseen"]


@dataclass(frozen=True)
class Person:
    """A person followed in one source, as of one frame.

    Attributes:
        track_id: number of the person within the run of a source, from 1 on.
        state: how the mask is worn, weighed over all frames so far; `unsure` until there is
            enough evidence.
        certainty: probability, 0-1, that `state` is right.
        since: time at which the state began, in seconds on the source's own time line.
        first_seen: time of the first frame, likewise.
        last_seen: time of the newest frame with a detection of this person, likewise.
        zones: names of the zones that the person is in.
        still: whether the face has not moved for so long that it is a poster or a screen: shown,
            not counted.
        longest: the state worn longest so far, in which the person counts.
    """

    track_id: int
    state: MaskState
    certainty: float
    since: float
    first_seen: float
    last_seen: float
    zones: tuple[str, ...] = ()
    still: bool = False
    longest: MaskState = MaskState.unsure


@dataclass(frozen=True)
class PersonEvent:
    """A change of one person.

    `appeared` and `gone` begin and end a visit. `still`: the face has not moved for so
    long that it is a poster or a screen: not counted from then on, nor for what was before;
    `moved` takes that back.

    Attributes:
        kind: what happened. `entered` and `left` are of a zone, `crossed` of a line.
        track_id: number of the person.
        time: when, in seconds on the source's own time line.
        utc: when, in Unix time.
        state: the person's state from then on; at `gone`, the state worn longest.
        certainty: probability, 0-1, that the state is right.
        previous: the state before, at `state`.
        place: name of the zone or line.
        direction: `in` or `out`, at `crossed`.
        duration: seconds that the person was seen (`gone`), in the zone (`left`) or motionless
            (`still`).
        reason: at `gone` and `left`, `left` of people who were not found any more, `unseen` of
            those there when the source ended or paused: nobody knows for how much longer.
    """

    kind: PersonEventKind
    track_id: int
    time: float
    utc: float
    state: MaskState
    certainty: float
    previous: MaskState | None = None
    place: str = ""
    direction: Literal["", "in", "out"] = ""
    duration: float = 0.0
    reason: PersonEventReason = ""


@dataclass(frozen=True)
class PeopleCounts:
    """People of one source by state (`MaskState` names).

    Attributes:
        now: people in the image at this frame.
        hour: unique people since the start of the local hour, each by the state worn longest.
        day: unique people since the start of the local day, likewise.
        run: unique people since the run began, likewise.
        zones: people now in each zone, by state.
        crossings: for each line, `in` and `out`, people by state since the run began.
        margin: unique people that the count of the run may be wrong by, either way.
        margin_today: likewise, of the day.
    """

    now: Mapping[str, int] = field(default_factory=dict)
    hour: Mapping[str, int] = field(default_factory=dict)
    day: Mapping[str, int] = field(default_factory=dict)
    run: Mapping[str, int] = field(default_factory=dict)
    zones: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    crossings: Mapping[str, Mapping[str, Mapping[str, int]]] = field(default_factory=dict)
    margin: int = 0
    margin_today: int = 0


def sum_by_state(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Counts by state added up.

    Args:
        parts: counts by `MaskState` names, of some or all states.

    Returns:
        Their sums, every state named.
    """
    total = {state.name: 0 for state in MaskState}
    for part in parts:
        for name, count in part.items():
            total[name] += count
    return total


def sum_of_margins(margins: Iterable[int]) -> int:
    """Margin of a sum of counts.

    Args:
        margins: of the counts, whose errors have nothing to do with each other.

    Returns:
        How far the sum may be off, in people, rounded up.
    """
    return math.ceil(math.sqrt(sum(margin**2 for margin in margins)))


@dataclass(frozen=True)
class Shape:
    """A zone or line as it is drawn.

    Attributes:
        name: of the zone or line.
        points: x and y of each corner, in shares of the image's width and height.
        is_zone: whether it is a polygon; else a line from its first point to its last.
    """

    name: str
    points: tuple[tuple[float, float], ...]
    is_zone: bool


def _no_boxes() -> np.ndarray:
    return np.zeros((0, 4), np.float32)


@dataclass(frozen=True, eq=False)
class Observation:
    """A frame, its faces and what follows from them; complete when made.

    Attributes:
        frame: the very image that was processed.
        detections: its faces, in the frame's pixels.
        counts: faces per state (`MaskState` names) in this frame.
        alerts: names of the rules that fired at this frame.
        people: everybody who is followed at this frame and confirmed, hidden for a moment or not.
        events: what happened to people since the frame before, in order of time.
        people_counts: people by state; None where nobody is followed.
        shapes: the source's zones and lines.
        is_carried: nothing has moved since the last processed frame, whose faces, people and counts
            these are: no new evidence, and no events.
        is_end: the frame of the observation before once more, without anybody: its source, or the
            run, has ended.
        hidden_boxes: float32 (N, 4) in pixels, where faces that were not found should be.
    """

    frame: Frame
    detections: Detections
    counts: Mapping[str, int] = field(default_factory=dict)
    alerts: tuple[str, ...] = ()
    people: tuple[Person, ...] = ()
    events: tuple[PersonEvent, ...] = ()
    people_counts: PeopleCounts | None = None
    shapes: tuple[Shape, ...] = ()
    is_carried: bool = False
    is_end: bool = False
    hidden_boxes: np.ndarray = field(default_factory=_no_boxes)

    def with_shapes(self, shapes: tuple[Shape, ...]) -> Observation:
        """The same with other zones and lines; nobody has been counted in the new zones yet.

        Args:
            shapes: the source's, instead of those that it has.
        """
        counts = self.people_counts
        if counts is not None:
            known = {shape.name for shape in shapes if shape in self.shapes}
            zones = {name: people for name, people in counts.zones.items() if name in known}
            counts = replace(counts, zones=zones)
        return replace(self, shapes=shapes, people_counts=counts)
