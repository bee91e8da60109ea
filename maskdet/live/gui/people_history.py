"""The last hour of all sources, for the side panel: masks worn by minute, and last changes."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from maskdet.detections import MaskState
from maskdet.drawing.side_panel import PanelContent
from maskdet.observation import Observation, PeopleCounts, PersonEvent, sum_by_state
from maskdet.system.threads import Condition

MINUTES = 60
CHANGES = 8
_MAX_STEP_S = 1.0
"""Longest time between two frames that counts for who is there; after a loss nobody knows."""
_SHOWN = ("appeared", "state", "entered", "left", "crossed", "gone")


@dataclass(frozen=True)
class PeopleSummary:
    """What the side panel shows.

    Attributes:
        now: people in the pictures by state (`MaskState` names).
        today: unique people since the start of the local day, by state.
        shares: of the time that people were there, how much with a mask, for each of the last
            `MINUTES` minutes, the newest last; None: nobody was there whose state was known.
        changes: what happened last, newest first: the source's name and the event.
    """

    now: dict[str, int]
    today: dict[str, int]
    shares: tuple[float | None, ...]
    changes: tuple[tuple[str, PersonEvent], ...]


class PeopleHistory:
    """A sink that remembers an hour; written by one thread, read by another."""

    def __init__(self) -> None:
        """Remembers nothing yet."""
        self._lock = Condition()
        self._last: dict[str, tuple[float, int, PeopleCounts]] = {}  # position, minute, counts
        self._minutes: dict[int, dict[MaskState, float]] = {}
        self._changes: deque[tuple[str, PersonEvent]] = deque(maxlen=CHANGES)

    def write(self, observation: Observation) -> None:
        """Takes an observation in."""
        if observation.people_counts is None:
            return
        with self._lock:
            frame = observation.frame
            minute = int(frame.utc // 60)
            before, *_ = self._last.get(frame.source, (frame.position,))
            self._last[frame.source] = frame.position, minute, observation.people_counts
            step = min(max(frame.position - before, 0.0), _MAX_STEP_S)
            worn = self._minutes.setdefault(minute, defaultdict(float))
            for person in observation.people:
                if not person.still:
                    worn[person.state] += step
            shown = (event for event in observation.events if event.kind in _SHOWN)
            self._changes.extendleft((frame.source, event) for event in shown)
            for old in [other for other in self._minutes if other <= minute - MINUTES]:
                del self._minutes[old]

    def close(self) -> None:
        """Nothing is open."""

    def summary(self) -> PeopleSummary | None:
        """What is known now; None where nobody is followed."""
        with self._lock:
            if not self._last:
                return None
            known = [counts for _, _, counts in self._last.values()]
            newest = max(minute for _, minute, _ in self._last.values())
            return PeopleSummary(
                sum_by_state(one.now for one in known),
                sum_by_state(one.day for one in known),
                tuple(
                    _share(self._minutes.get(minute, {}))
                    for minute in range(newest - MINUTES + 1, newest + 1)
                ),
                tuple(self._changes),
            )


def content_of(summary: PeopleSummary, sources: int) -> PanelContent:
    """A summary as the side panel draws it; among several sources each change has its source."""
    lines = []
    for source, event in summary.changes:
        at = datetime.fromtimestamp(event.utc).strftime("%H:%M:%S")
        where = f" {source}" if sources > 1 else ""
        lines.append((f"{at}{where} #{event.track_id} {_text_of(event)}", event.state))
    return PanelContent(summary.now, summary.today, summary.shares, lines)


def _text_of(event: PersonEvent) -> str:
    """``appeared``, ``no mask -> mask``, ``entered ward``, ``line 1 in`` …"""
    if event.kind == "state" and event.previous is not None:
        return f"{event.previous.title} -> {event.state.title}"
    if event.kind == "crossed":
        return f"{event.place} {event.direction}"
    return f"{event.kind} {event.place}".strip()


def _share(worn: Mapping[MaskState, float]) -> float | None:
    known = sum(seconds for state, seconds in worn.items() if state != MaskState.unsure)
    return worn.get(MaskState.with_mask, 0.0) / known if known > 0 else None
