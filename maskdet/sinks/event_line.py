"""The lines of the event log, as docs/events.md and docs/events.schema.json describe them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from maskdet.detections import Detections, MaskState
from maskdet.observation import Observation

VERSION = 1
"""Raised when a key changes its meaning or goes, not when one is added."""

BEGINNING = b'{"frame":'
"""What every line begins with."""


def event(observation: Observation) -> dict[str, Any]:
    """A line of the event log, before it is written as JSON."""
    frame, detections = observation.frame, observation.detections
    return {
        "frame": frame.index,
        "time": round(frame.time, 6),
        "source": frame.source,
        "detections": [_detection(detections, i) for i in range(len(detections))],
        "counts": dict(observation.counts) or detections.counts(),
        "version": VERSION,
        "utc": utc_text(frame.utc),
        "position": round(frame.position, 6),
        "width": frame.width,
        "height": frame.height,
        "file": frame.file or None,
    }


def change_key(observation: Observation) -> object:
    """What is the same for two observations between which nothing has changed."""
    detections = observation.detections
    ids = [] if detections.track_ids is None else detections.track_ids.tolist()
    people = sorted((i, s) for i, s in zip(ids, detections.states.tolist(), strict=False) if i >= 0)
    return sorted((observation.counts or detections.counts()).items()), people


def utc_text(seconds: float) -> str:
    """A Unix time as ISO 8601 in UTC: ``2026-01-31T23:59:59.123Z``."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _detection(detections: Detections, i: int) -> dict[str, Any]:
    track_id = -1 if detections.track_ids is None else int(detections.track_ids[i])
    return {
        "box": [round(side, 2) for side in detections.boxes[i].tolist()],
        "score": round(float(detections.scores[i]), 4),
        "state": MaskState(int(detections.states[i])).name,
        "track_id": track_id if track_id >= 0 else None,
    }
