"""Observations with people, as the monitor makes them, without a camera."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from maskdet.detections import Detections, MaskState
from maskdet.frame import Frame
from maskdet.observation import Observation, PeopleCounts, Person, PersonEvent, PersonEventKind

IMAGE = np.zeros((4, 4, 3), np.uint8)
NOON = 1_767_265_200.0
"""Unix time of 2026-01-01 11:00 UTC."""


def person(track_id: int, state: MaskState = MaskState.with_mask, *, since: float) -> Person:
    return Person(track_id, state, 0.9, since, since, since, longest=state)


def happened(
    kind: PersonEventKind,
    track_id: int,
    utc: float,
    state: MaskState = MaskState.with_mask,
    **more: object,
) -> PersonEvent:
    return PersonEvent(kind, track_id, utc, utc, state, 0.9, **more)  # type: ignore[arg-type]


def observed(
    utc: float,
    people: Sequence[Person] = (),
    events: Sequence[PersonEvent] = (),
    *,
    camera: str = "door",
    position: float | None = None,
    captured: float | None = None,
) -> Observation:
    position = utc - NOON if position is None else position
    frame = Frame(
        IMAGE,
        *(0, utc, time.monotonic() if captured is None else captured, camera),
        position=position,
        utc=utc,
    )
    people = [replace(one, last_seen=NOON + position) for one in people]
    return Observation(
        frame,
        Detections.empty(),
        people=tuple(people),
        events=tuple(events),
        people_counts=PeopleCounts(),
    )


def a_visit(
    track_id: int,
    utc: float,
    seconds: int = 6,
    state: MaskState = MaskState.with_mask,
    camera: str = "door",
) -> list[Observation]:
    """A person who comes, is in the zone "till", crosses the line "in", and goes; one frame/s."""
    who = person(track_id, state, since=utc)
    events: dict[int, list[PersonEvent]] = {second: [] for second in range(seconds + 1)}
    events[0].append(happened("appeared", track_id, utc, state))
    events[1].append(happened("entered", track_id, utc + 1, state, place="till"))
    events[2].append(happened("crossed", track_id, utc + 2, state, place="in", direction="in"))
    events[3].append(happened("left", track_id, utc + 3, state, place="till", duration=2.0))
    gone = happened("gone", track_id, utc + seconds, state, duration=float(seconds))
    events[seconds].append(gone)
    return [
        observed(utc + second, [who] if second < seconds else [], these, camera=camera)
        for second, these in events.items()
    ]
