"""The last hour of all sources, for the side panel: masks worn by minute, and last changes."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping
from datetime import datetime

from maskdet.detections import MaskState
from maskdet.drawing.side_panel import PanelContent
from maskdet.observation import Observation, PeopleCounts, PersonEvent, sum_by_state, sum_of_margins
from maskdet.system.threads import Condition

MINUTES = 60
CHANGES = 8
_MAX_STEP_S = 1.0
"""Longest time between two frames that counts for the people there; after a loss nobody knows."""
_SHOWN = ("appeared", "state", "entered", "left", "crossed", "gone")


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

    def summary(self, sources: int = 1) -> PanelContent | None:
        """Content of the side panel; None where nobody is followed.

        Args:
            sources: how many there are; among several each change has its source.
        """
        with self._lock:
            if not self._last:
                return None
            known = [counts for _, _, counts in self._last.values()]
            # people who are gone were seen last two seconds before that is known
            changes = sorted(self._changes, key=lambda change: change[1].utc, reverse=True)
            newest = max(minute for _, minute, _ in self._last.values())
            return PanelContent(
                sum_by_state(one.now for one in known),
                sum_by_state(one.day for one in known),
                tuple(
                    _share(self._minutes.get(minute, {}))
                    for minute in range(newest - MINUTES + 1, newest + 1)
                ),
                [_line(source, event, sources) for source, event in changes],
                sum_of_margins(one.margin_today for one in known),
            )


def _line(source: str, event: PersonEvent, sources: int) -> tuple[str, MaskState, str]:
    """A change as the panel has it: time, person, what happened; state; source among several."""
    at = datetime.fromtimestamp(event.utc).strftime("%H:%M:%S")
    text = f"{at} #{event.track_id} {_text_of(event)}"
    return text, event.state, source if sources > 1 else ""


def _text_of(event: PersonEvent) -> str:
    """``appeared``, ``no mask -> mask``, ``entered ward``, ``line 1 in``, ``last seen`` …"""
    if event.kind == "state" and event.previous is not None:
        return f"{event.previous.title} -> {event.state.title}"
    if event.kind == "crossed":
        return f"{event.place} {event.direction}"
    if event.kind == "gone" and event.reason == "unseen":
        return "last seen"
    return f"{event.kind} {event.place}".strip()


def _share(worn: Mapping[MaskState, float]) -> float | None:
    known = sum(seconds for state, seconds in worn.items() if state != MaskState.unsure)
    return worn.get(MaskState.with_mask, 0.0) / known if known > 0 else None
