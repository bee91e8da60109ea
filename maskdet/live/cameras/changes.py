"""Sources that are added to a running pipeline and taken out of it."""

from __future__ import annotations

from collections.abc import Callable

from maskdet.live.cameras.lanes import Lane, Lanes
from maskdet.live.cameras.source_state import NewStates, SourceParts
from maskdet.live.inference import Inference
from maskdet.live.teardown import close_sinks, close_source
from maskdet.system.threads import Worker

FINISH_TIMEOUT_S = 3.0
"""For the frames of one source that are on their way, a call of the detector under way included."""


class SourceChanges:
    """Adds and removes sources of a pipeline, from any thread, one change at a time."""

    def __init__(
        self,
        lanes: Lanes,
        inference: Inference,
        new_states: NewStates,
        begin: Callable[[Lane], Worker],
    ) -> None:
        """Has changed nothing.

        Args:
            lanes: of the pipeline.
            inference: of the pipeline.
            new_states: makes the states of sources.
            begin: makes the thread that reads a lane, which the pipeline will end.
        """
        self._lanes, self._inference = lanes, inference
        self._new_states, self._begin = new_states, begin
        self._is_closed = False

    def add(self, parts: SourceParts) -> bool:
        """Begins to read a source; False where the run is over.

        One of the name of a source that has ended takes its place: counts, and numbers of people,
        go on.

        Args:
            parts: the source, opened by its first read, with what belongs to it; one that takes
                another's place goes on with the other's analysis.
        """
        with self._lanes.condition:
            if self._is_closed:
                return False
            index = self._lanes.index_of(parts.source.name)
            if index is None:
                index, state = len(self._lanes), self._new_states.state_of(parts)
            else:
                state = self._lanes[index].state
                state.sinks = self._new_states.sinks_of(parts)
            lane = self._lanes.new(parts, state)
            if not self._inference.join(index, state, lane.frames, lane.results):
                return False
            self._lanes.put(lane)
            state.meter.resume()
            self._begin(lane).start()
        return True

    def remove(self, index: int) -> None:
        """Ends one source: its people end, and its own sinks are closed."""
        lane = self._lanes[index]
        lane.is_removed = True
        lane.meter.suspend()
        finished = self._inference.finish(index, at_end=True)
        close_source(lane.source)
        lane.results.close()
        lane.frames.close()
        finished.wait(FINISH_TIMEOUT_S)
        lane.state.sinks = []
        close_sinks(lane.own_sinks, self._inference.errors)

    def suspend(self, index: int) -> None:
        """No frames are wanted for a while, which is not a loss of signal."""
        self._lanes[index].meter.suspend()

    def finish_people(self, index: int) -> bool:
        """Ends the people of a source that gives no frames for a while; False: not in time."""
        return self._inference.finish(index).wait(FINISH_TIMEOUT_S)

    def resume(self, index: int) -> None:
        """Frames are wanted again."""
        self._lanes[index].meter.resume()

    def has_ended(self, index: int) -> bool:
        """Whether nothing more comes of a source."""
        return self._lanes[index].has_ended

    def set_detect_fps(self, index: int, detect_fps: float | None) -> bool:
        """Frames a second of a source to process from now on, None: all; whether that is new."""
        lane = self._lanes[index]
        if lane.detect_fps == detect_fps:
            return False
        lane.thin(detect_fps)
        return True

    def close(self) -> None:
        """The run ends: nothing is added any more."""
        with self._lanes.condition:
            self._is_closed = True
