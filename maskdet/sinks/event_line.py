"""The lines of the event log, as docs/events.md and docs/events.schema.json describe them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np

from maskdet.observation import Observation, Person, PersonEvent

VERSION = 1
"""Raised when a key changes its meaning or goes, not when one is added."""

BEGINNING = b'{"frame":'
"""What every line begins with."""


def event(observation: Observation, *, of_changes: bool = False) -> dict[str, Any]:
    """A line of the event log, before it is written as JSON.

    Args:
        observation: of the frame.
        of_changes: faces and people are listed to whom something happened, so that a line does not
            grow with the crowd; with it, a busy day stays small.
    """
    frame = observation.frame
    detections, people = observation.detections, observation.people
    if of_changes:
        concerned = {one.track_id for one in observation.events}
        ids = detections.track_ids
        rows = [] if ids is None else [i for i, one in enumerate(ids.tolist()) if one in concerned]
        detections = detections[np.array(rows, np.intp)]
        people = tuple(person for person in people if person.track_id in concerned)
    line: dict[str, Any] = {
        "frame": frame.index,
        "time": round(frame.time, 6),
        "source": frame.source,
        "detections": detections.records(track_ids=True),
        "counts": face_counts(observation),
        "version": VERSION,
        "utc": utc_text(frame.utc),
        "position": round(frame.position, 6),
        "width": frame.width,
        "height": frame.height,
        "file": frame.file or None,
    }
    if observation.people_counts is not None:
        line["people"] = [_person(person) for person in people]
        line["changes"] = [_change(one) for one in observation.events]
    if observation.alerts:
        line["alarms"] = list(observation.alerts)
    return line


def has_changed(before: Mapping[str, int] | None, observation: Observation) -> bool:
    """Whether a source's observation differs from the one before in what counts.

    Where people are followed that is what happened to them; a face that a frame misses is no
    change. Elsewhere it is the counts of faces.

    Args:
        before: faces by state in the frame before; None: this is the first.
        observation: of the frame.
    """
    if before is None:
        return True
    if observation.people_counts is not None:
        return bool(observation.events)
    return before != face_counts(observation)


def face_counts(observation: Observation) -> dict[str, int]:
    """Faces of a frame by state."""
    return dict(observation.counts) or observation.detections.counts()


def _person(person: Person) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "track_id": person.track_id,
        "state": person.state.name,
        "certainty": round(person.certainty, 3),
        "since": round(person.since, 3),
    }
    if person.zones:
        facts["zones"] = list(person.zones)
    if person.still:
        facts["still"] = True
    return facts


def _change(one: PersonEvent) -> dict[str, Any]:
    """An event of a person; facts that its kind does not have are left out."""
    facts: dict[str, Any] = {
        "kind": one.kind,
        "track_id": one.track_id,
        "time": round(one.time, 3),
        "utc": utc_text(one.utc),
        "state": one.state.name,
        "certainty": round(one.certainty, 3),
    }
    if one.previous is not None:
        facts["previous"] = one.previous.name
    if one.place:
        facts["place"] = one.place
    if one.direction:
        facts["direction"] = one.direction
    if one.kind in ("gone", "left", "still"):
        facts["duration"] = round(one.duration, 3)
    if one.reason:
        facts["reason"] = one.reason
    return facts


def utc_text(seconds: float) -> str:
    """A Unix time as ISO 8601 in UTC: ``2026-01-31T23:59:59.123Z``."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
