"""The state of one source on its way through inference, and its place among the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from maskdet.contracts import Sink
from maskdet.detections import Detections
from maskdet.drawing.strict_blur import StrictBlur
from maskdet.frame import Frame
from maskdet.images.motion_gate import MotionGate
from maskdet.live.meters import SourceMeter
from maskdet.observation import Observation, PeopleCounts
from maskdet.system.threads import Event


class FrameAnalysis(Protocol):
    """Makes observations of frames and their faces; one for each source."""

    def observe(self, frame: Frame, detections: Detections) -> Observation:
        """The frame with its faces and what follows from them."""

    def carry_on(self, observation: Observation) -> Observation:
        """The last observation with a newer frame, in which nothing has moved."""

    def finish(self, observation: Observation) -> Observation:
        """The last observation without anybody: all who were there are gone."""


@dataclass(eq=False)
class SourceState:
    """The state of one source on its way through inference.

    Attributes:
        meter: counts its frames.
        sinks: get its observations; one that fails is taken off this list.
        analysis: follows its people, if wanted.
        people: as of its newest frame; None where nobody is followed.
        strict_blur: covers its faces before anybody gets its frames, if wanted.
        gate: decides which frames of a live source are processed; None: all.
        last: observation of the newest processed frame; None before, and once it is finished.
        is_finishing: nothing more is wanted of it for now: its people end with the last frame.
        is_leaving: its people end when its mailbox does.
        finished: set when they have.
    """

    meter: SourceMeter
    sinks: list[Sink] = field(default_factory=list)
    analysis: FrameAnalysis | None = None
    people: PeopleCounts | None = None
    strict_blur: StrictBlur | None = None
    gate: MotionGate | None = None
    last: Observation | None = None
    is_finishing: bool = False
    is_leaving: bool = False
    finished: Event = field(default_factory=Event)

    def end(self) -> Observation | None:
        """Ends its people with its last frame, for its sinks.

        Returns:
            None where there is none, or nobody was there: at an end that nobody has asked for,
            sinks get no frame without news.
        """
        last, self.last = self.last, None
        if last is None:
            return None
        is_asked = self.is_finishing or self.is_leaving
        empty = Detections.empty()
        seen = replace(last, detections=empty, counts=empty.counts(), alerts=(), people=())
        seen = replace(seen, events=(), is_carried=True, is_end=not is_asked)
        if self.analysis is not None:
            seen = self.analysis.finish(seen)
        self.people = seen.people_counts
        return seen if seen.events or is_asked else None


def source_states(
    meters: Sequence[SourceMeter],
    sinks: Sequence[Sink],
    source_sinks: Sequence[Sequence[Sink]],
    analyses: Sequence[FrameAnalysis | None],
    new_strict_blur: Callable[[], StrictBlur] | None = None,
    new_gate: Callable[[], MotionGate] | None = None,
) -> list[SourceState]:
    """The state of each source: its meter, the sinks of all and its own, its analysis."""
    each = zip(meters, source_sinks, analyses or [None] * len(meters), strict=True)
    states = [SourceState(meter, [*sinks, *own], analysis) for meter, own, analysis in each]
    for state in states:
        state.strict_blur = new_strict_blur() if new_strict_blur is not None else None
        if new_gate is not None and new_strict_blur is None:  # that covers each frame's own faces
            state.gate = new_gate()
    return states
