"""The middle loop: frames in, one detector call for all that are ready, observations out."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from maskdet.contracts import Detector, Sink
from maskdet.detections import Detections, MaskState
from maskdet.drawing.strict_blur import StrictBlur
from maskdet.errors import MaskdetError
from maskdet.frame import Frame
from maskdet.images.motion_gate import MotionGate
from maskdet.live.meters import SourceMeter
from maskdet.observation import Observation, PeopleCounts, sum_by_state
from maskdet.system.threads import Closed, Event, Mailbox

LIVE_CALL_S = 0.1
"""Seconds that a call of the detector may take for live frames: those that do not fit wait for the
next one, and are replaced by newer ones meanwhile."""
_TIME_SHARE = 0.3
"""Weight of the newest call in the time that an image is taken to need."""


_Ways = dict[int, tuple[Mailbox[Frame], Mailbox[Observation]]]
"""By source, where its frames come from and where its observations go."""


class FrameAnalysis(Protocol):
    """Makes observations of frames and their faces; one for each source."""

    def observe(self, frame: Frame, detections: Detections) -> Observation:
        """The frame with its faces and what follows from them."""

    def carry_on(self, observation: Observation) -> Observation:
        """The last observation with a newer frame, in which nothing has moved."""


@dataclass
class SourceState:
    """The state of one source on its way through inference.

    Attributes:
        meter: counts its frames.
        sinks: get its observations; one that fails is taken off this list.
        analysis: follows its people, if wanted.
        people: as of its newest frame; None where nobody is followed.
        strict_blur: covers its faces before anybody gets its frames, if wanted.
        gate: decides which frames of a live source are processed; None: all.
        last: observation of the newest processed frame; kept with a gate only.
    """

    meter: SourceMeter
    sinks: list[Sink] = field(default_factory=list)
    analysis: FrameAnalysis | None = None
    people: PeopleCounts | None = None
    strict_blur: StrictBlur | None = None
    gate: MotionGate | None = None
    last: Observation | None = None


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


class Inference:
    """Turns the frames of several sources into observations, taking what is ready of each.

    A file whose observations nobody fetches (it is shown at its own speed, or paused) waits alone.
    Of live sources those go first whose last frame is the longest ago: none starves.

    Attributes:
        errors: of sources that failed and of sinks; the others go on.
        counts: faces per state, summed over every frame.
        first_result: `time.monotonic()` of the first observation, None before.
        abandoned: set by the caller that waits no longer for the call under way; its result goes
            nowhere, as the sinks are closed.
    """

    def __init__(
        self,
        detector: Detector,
        states: Sequence[SourceState],
        *,
        min_score: float = 0.0,
        max_frames: int | None = None,
    ) -> None:
        self.errors: list[MaskdetError] = []
        self.counts: Counter[str] = Counter({state.name: 0 for state in MaskState})
        self.first_result: float | None = None
        self.abandoned = Event()
        self._detector = detector
        self._states = list(states)
        self._min_score = min_score
        self._frames_left = max_frames
        self._image_s = LIVE_CALL_S
        self._served = [0.0] * len(self._states)

    @property
    def people(self) -> dict[str, int] | None:
        """Unique people of the run by state, over all sources; None where nobody is followed."""
        known = [state.people for state in self._states if state.people is not None]
        if not known:
            return None
        return sum_by_state(people.run for people in known)

    def run(
        self,
        frame_queues: Sequence[Mailbox[Frame]],
        result_queues: Sequence[Mailbox[Observation]],
        stopping: Event,
    ) -> None:
        """Goes on until every frame_queue has ended, the limit is reached or it is asked to stop.

        Args:
            frame_queues: frames, one mailbox for each state.
            result_queues: observations, likewise; one is closed when its source has ended.
            stopping: set by the caller that wants an end before the next frame.
        """
        running = dict(enumerate(zip(frame_queues, result_queues, strict=True)))
        while running and not stopping.is_set() and self._frames_left != 0:
            frames, carried = self._take(running)
            for index, observation in (carried | self._process(frames)).items():
                if not result_queues[index].put(observation):
                    return

    def _take(self, running: _Ways) -> tuple[dict[int, Frame], dict[int, Observation]]:
        """Takes what there is, one frame a source: what to process, and what has not moved.

        Of live sources it takes as many as a call has time for, the longest unserved first.
        """
        frames: dict[int, Frame] = {}
        carried: dict[int, Observation] = {}
        room = max(1, int(LIVE_CALL_S / max(self._image_s, 1e-6)))
        for index in sorted(_passable(running), key=self._served.__getitem__):
            queue = running[index][0]
            if queue.keeps_newest and not queue.exhausted and not room:
                continue
            frame = self._get(index, running)
            if frame is None:
                continue
            self._served[index] = time.monotonic()
            unchanged = self._carry_on(index, frame) if queue.keeps_newest else None
            if unchanged is not None:
                carried[index] = unchanged
            else:
                frames[index] = frame
                room -= queue.keeps_newest
        return frames, carried

    def _get(self, index: int, running: _Ways) -> Frame | None:
        """The next frame of a source; None where it has ended."""
        frames, results = running[index]
        try:
            return frames.get(0)
        except (Closed, MaskdetError) as end:
            if isinstance(end, MaskdetError):
                self.errors.append(end)
            del running[index]
            results.close()
            return None

    def _carry_on(self, index: int, frame: Frame) -> Observation | None:
        """The observation of a live frame in which nothing has moved; None where it has."""
        state = self._states[index]
        if state.gate is None or state.gate.passes(frame.image, frame.position):
            return None
        if state.last is None:
            return None
        observation = replace(state.last, frame=frame, events=(), is_carried=True)
        if state.analysis is not None:
            observation = state.analysis.carry_on(observation)
        state.meter.carry_on()
        self._write_all(state, observation)
        return observation

    def _process(self, frames: dict[int, Frame]) -> dict[int, Observation]:
        if self._frames_left is not None:
            frames = dict(list(frames.items())[: self._frames_left])
            self._frames_left -= len(frames)
        if not frames:
            return {}
        began = time.monotonic()
        found = self._detector.detect([frame.image for frame in frames.values()])
        taken = (time.monotonic() - began) / len(frames)
        self._image_s += _TIME_SHARE * (taken - self._image_s)
        if self.abandoned.is_set():
            return {}
        return {
            index: self._observe(self._states[index], frame, detections)
            for (index, frame), detections in zip(frames.items(), found, strict=True)
        }

    def _observe(self, state: SourceState, frame: Frame, detections: Detections) -> Observation:
        found = detections
        if state.strict_blur is not None:
            detections = state.strict_blur.shown(found)
        if self._min_score > 0:
            detections = detections[detections.scores >= self._min_score]
        if state.analysis is not None:
            observation = state.analysis.observe(frame, detections)
        else:
            observation = Observation(frame, detections, detections.counts())
        state.people = observation.people_counts
        if state.strict_blur is not None:  # last: following people looks at the true image
            covered = state.strict_blur.cover(frame, found)
            observation = replace(observation, frame=covered)
        self.counts.update(observation.counts)
        if self.first_result is None:
            self.first_result = time.monotonic()
        state.meter.process()
        if state.gate is not None:
            if state.last is not None and state.last.counts != observation.counts:
                state.gate.hold()
            state.last = observation
        self._write_all(state, observation)
        return observation

    def _write_all(self, state: SourceState, observation: Observation) -> None:
        for sink in list(state.sinks):
            if not self.abandoned.is_set():
                self._write(sink, observation)

    def _write(self, sink: Sink, observation: Observation) -> None:
        try:
            sink.write(observation)
        except MaskdetError as error:  # reported once; the run and the other sinks go on
            self.errors.append(error)
            for state in self._states:
                with contextlib.suppress(ValueError):
                    state.sinks.remove(sink)


def _passable(ways: _Ways) -> list[int]:
    """The ways (from, to) that an item can go now, or that have ended; waits until there is one.

    A way whose far end is full holds up no other. All the mailboxes share a condition.
    """

    def passable() -> list[int]:
        return [k for k, (a, b) in ways.items() if a.exhausted or (a.ready and b.has_room)]

    condition = next(iter(ways.values()))[0].condition
    with condition:
        condition.wait_for(passable)
        return passable()
