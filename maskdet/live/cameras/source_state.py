"""One source of a run: what belongs to it alone, and its state on the way through inference."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from maskdet.contracts import Sink, Source
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


@dataclass(frozen=True)
class SourceParts:
    """A source with what belongs to it alone in a run.

    Attributes:
        source: open, or opened by its first read; its name is no other source's.
        sinks: get its observations alone.
        analysis: follows its people; None: nobody is followed.
        detect_fps: frames a second to process, as of `Pace`; None: all.
    """

    source: Source
    sinks: Sequence[Sink] = ()
    analysis: FrameAnalysis | None = None
    detect_fps: float | None = None


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


@dataclass(frozen=True)
class NewStates:
    """Makes the states of sources, which differ in what belongs to one source alone.

    Attributes:
        sinks: get the observations of all sources.
        new_strict_blur: makes what covers the faces of a source; None: nothing does.
        new_gate: makes what leaves out frames without motion; None: nothing does.
    """

    sinks: Sequence[Sink] = ()
    new_strict_blur: Callable[[], StrictBlur] | None = None
    new_gate: Callable[[], MotionGate] | None = None

    def state_of(self, parts: SourceParts) -> SourceState:
        """The state of a source that begins."""
        state = SourceState(SourceMeter(), self.sinks_of(parts), parts.analysis)
        if self.new_strict_blur is not None:
            state.strict_blur = self.new_strict_blur()
        elif self.new_gate is not None:  # strict blur covers each frame's own faces
            state.gate = self.new_gate()
        return state

    def sinks_of(self, parts: SourceParts) -> list[Sink]:
        """The sinks that get the observations of a source."""
        return [*self.sinks, *parts.sinks]
