"""The middle loop: frames in, one detector call for all that are ready, observations out."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from maskdet.contracts import Detector, Sink, detect_frames
from maskdet.detections import Detections, MaskState
from maskdet.errors import MaskdetError
from maskdet.frame import Frame
from maskdet.live.cameras.source_state import SourceState
from maskdet.observation import Observation
from maskdet.system.threads import Closed, Condition, Event, Lock, Mailbox
from maskdet.system.timeouts import run_all_with_timeout

LIVE_CALL_S = 0.1
"""Seconds that a call of the detector may take for live frames: those that do not fit wait for the
next one, and are replaced by newer ones meanwhile."""
_TIME_SHARE = 0.3  # of the newest call in the time that an image is taken to need
_WRITING_S = 0.15
"""Seconds, at the end, for an observation that is being written, and for people to end."""

_Ways = dict[int, tuple[Mailbox[Frame], Mailbox[Observation]]]
"""By source, where its frames come from and where its observations go."""


class Inference:
    """Turns the frames of several sources into observations, taking what is ready of each.

    A file whose observations nobody fetches (it is shown at its own speed, or paused) waits alone.
    Of live sources those go first whose last frame is the longest ago: none starves.

    Attributes:
        errors: of sources that failed and of sinks; the others go on.
        counts: faces per state, summed over every frame.
        first_result: `time.monotonic()` of the first observation, None before.
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
        self._detector = detector
        self._states = list(states)
        self._min_score = min_score
        self._frames_left = max_frames
        self._image_s = LIVE_CALL_S
        self._served = [0.0] * len(self._states)
        self._ways: _Ways = {}
        self._condition, self._writing = Condition(), Lock()
        self._over = Event()
        self._is_over = False
        self._failed: list[Sink] = []

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
        self._condition = frame_queues[0].condition
        with self._condition:
            first = dict(enumerate(zip(frame_queues, result_queues, strict=True)))
            self._ways = first | self._ways
        while self._goes_on(stopping):
            frames, carried = self._take()
            for index, observation in (carried | self._process(frames)).items():
                if (ways := self._ways.get(index)) is not None:
                    ways[1].put(observation)
        self._end_people()

    def join(
        self,
        index: int,
        state: SourceState,
        frames: Mailbox[Frame],
        results: Mailbox[Observation],
    ) -> bool:
        """Takes a source in, from any thread; False where the run is over.

        Args:
            index: of a new source, or of one that has ended and begins again.
            state: of that source.
            frames: its frames; shares the condition of all.
            results: its observations, likewise.
        """
        with frames.condition:
            if self._is_over:
                return False
            state.sinks = [one for one in state.sinks if not any(one is f for f in self._failed)]
            if index == len(self._states):
                self._states.append(state)
                self._served.append(0.0)
            self._ways[index] = frames, results
            state.is_leaving = state.is_finishing = False
            frames.condition.notify_all()
            return True

    def finish(self, index: int, *, at_end: bool = False) -> Event:
        """Ends the people of a source once its waiting frames are processed; from any thread.

        Args:
            index: of the source.
            at_end: when its mailbox has been closed and is empty; else, when it is empty.

        Returns:
            Set when that is done.
        """
        state = self._states[index]
        with self._condition:
            is_there = index in self._ways and not self._is_over
            state.is_leaving, state.is_finishing = at_end, is_there and not at_end
            (state.finished.clear if is_there else state.finished.set)()
            self._condition.notify_all()
        return state.finished

    def abandon(self) -> None:
        """Ends the people and waits no longer for the call under way; from another thread.

        An observation that is being written gets to every sink first, unless one hangs: they agree.
        """
        run_all_with_timeout(_WRITING_S, {"ending people": self._end_people})
        self._over.set()

    def _end_people(self) -> None:
        """Ends the people of all sources; nothing is written after that."""
        with self._writing:
            for state in self._states:
                self._write_end(state)
            self._over.set()

    def _goes_on(self, stopping: Event) -> bool:
        with self._condition:
            self._is_over = not self._ways or stopping.is_set() or self._frames_left == 0
            return not self._is_over

    def _take(self) -> tuple[dict[int, Frame], dict[int, Observation]]:
        """Takes what there is, one frame a source: what to process, and what has not moved.

        Of live sources it takes as many as a call has time for, the longest unserved first.
        """
        frames: dict[int, Frame] = {}
        carried: dict[int, Observation] = {}
        room = max(1, int(LIVE_CALL_S / max(self._image_s, 1e-6)))
        for index in sorted(self._passable(), key=self._served.__getitem__):
            queue = self._ways[index][0]
            if self._states[index].is_finishing and not queue.ready:
                self._finish(self._states[index])
                continue
            if queue.keeps_newest and not queue.exhausted and not room:
                continue
            frame = self._get(index)
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

    def _get(self, index: int) -> Frame | None:
        """The next frame of a source; None where it has ended."""
        frames, results = self._ways[index]
        try:
            return frames.get(0)
        except (Closed, MaskdetError) as end:
            if isinstance(end, MaskdetError):
                self.errors.append(end)
        with self._condition:
            del self._ways[index]
        self._finish(self._states[index])
        results.close()
        return None

    def _finish(self, state: SourceState) -> None:
        """Ends the people of a source with its last frame, for its sinks."""
        with self._writing:
            self._write_end(state)

    def _write_end(self, state: SourceState) -> None:
        seen = state.end()
        if seen is not None:
            self._write_all(state, seen)
        state.is_finishing = False
        state.finished.set()

    def _carry_on(self, index: int, frame: Frame) -> Observation | None:
        """The observation of a live frame in which nothing has moved; None where it has."""
        state = self._states[index]
        if state.gate is None or state.gate.passes(frame.image, frame.position) or not state.last:
            return None
        observation = replace(state.last, frame=frame, events=(), is_carried=True)
        state.meter.carry_on()
        with self._writing:
            if state.analysis is not None:
                observation = state.analysis.carry_on(observation)
            self._write_all(state, observation)
        return observation

    def _process(self, frames: dict[int, Frame]) -> dict[int, Observation]:
        if self._frames_left is not None:
            frames = dict(list(frames.items())[: self._frames_left])
            self._frames_left -= len(frames)
        if not frames:
            return {}
        began = time.monotonic()
        found = detect_frames(self._detector, list(frames.values()))
        self._image_s += _TIME_SHARE * ((time.monotonic() - began) / len(frames) - self._image_s)
        with self._writing:
            if self._over.is_set():
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
            covered = state.strict_blur.cover(frame, found, observation.hidden_boxes)
            observation = replace(observation, frame=covered)
        self.counts.update(observation.counts)
        self.first_result = self.first_result or time.monotonic()
        state.meter.process()
        has_changed = state.last is not None and state.last.counts != observation.counts
        if state.gate is not None and has_changed:
            state.gate.hold()
        state.last = observation
        self._write_all(state, observation)
        return observation

    def _write_all(self, state: SourceState, observation: Observation) -> None:
        for sink in list(state.sinks):
            if not self._over.is_set():
                self._write(sink, observation)

    def _write(self, sink: Sink, observation: Observation) -> None:
        try:
            sink.write(observation)
        except MaskdetError as error:  # reported once; the run and the other sinks go on
            self.errors.append(error)
            self._failed.append(sink)
            for state in self._states:
                with contextlib.suppress(ValueError):
                    state.sinks.remove(sink)

    def _passable(self) -> list[int]:
        """The sources of which an item can go on now, that have ended or are to be finished.

        Waits until there is one. A way whose far end is full holds up no other.
        """

        def passable() -> list[int]:
            return [
                index
                for index, (a, b) in self._ways.items()
                if a.exhausted or (a.ready and b.has_room) or self._states[index].is_finishing
            ]

        with self._condition:
            self._condition.wait_for(passable)
            return passable()
