"""One frame's way: three loops, two rows of mailboxes, one mailbox of a row for each source.

    [grab]   source.read                                      -> frame_queue
    [infer]  detect -> analysis -> Observation -> each sink   -> result_queue
    [main]   the caller of `Pipeline.next`

Live sources have `newest` mailboxes: a slow detector lowers the image rate, it never makes the
image late. Files have waiting ones and lose nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import Self

from maskdet.contracts import Detector, Sink, Source
from maskdet.drawing.strict_blur import StrictBlur
from maskdet.errors import MaskdetError
from maskdet.images.motion_gate import MotionGate
from maskdet.live.cameras.changes import SourceChanges
from maskdet.live.cameras.lanes import Lane, Lanes
from maskdet.live.cameras.source_state import NewStates, SourceParts
from maskdet.live.inference import Inference
from maskdet.live.run_stats import RunStats
from maskdet.live.teardown import close_sinks, end_threads
from maskdet.observation import Observation
from maskdet.system.threads import Event, Worker, wait_ready


class Pipeline:
    """Runs sources through a detector to sinks and to the caller; use it in a ``with`` block.

    Entering starts the threads, leaving stops them and closes sources and sinks, not the detector.
    Stopping waits only a moment for a call of the detector or of a sink that is under way.

    Attributes:
        detector: as given; its device may change.
        stats: numbers of the run.
        changes: adds and removes sources while it runs.
    """

    def __init__(
        self,
        sources: Sequence[Source | SourceParts],
        detector: Detector,
        sinks: Sequence[Sink] = (),
        *,
        min_score: float = 0.0,
        max_frames: int | None = None,
        new_strict_blur: Callable[[], StrictBlur] | None = None,
        new_gate: Callable[[], MotionGate] | None = None,
    ) -> None:
        """Plans the run; nothing starts yet.

        Args:
            sources: each with a name of its own; as `SourceParts` where something belongs to it
                alone.
            detector: warmed up before the first frame is taken.
            sinks: get the observations of all sources.
            min_score: detections below it are left out.
            max_frames: ends the run after exactly so many processed frames, over all sources.
            new_strict_blur: makes what covers the faces of a source; called once for each.
            new_gate: makes what leaves out frames without motion; for each live source.
        """
        self.detector = detector
        self._sinks, self._lanes = sinks, Lanes()
        new_states = NewStates(sinks, new_strict_blur, new_gate)
        for one in sources:
            parts = one if isinstance(one, SourceParts) else SourceParts(one)
            self._lanes.put(self._lanes.new(parts, new_states.state_of(parts)))
        if len(self._lanes) != len(sources):
            raise ValueError("sources need names of their own")
        states = [lane.state for lane in self._lanes]
        self._inference = Inference(detector, states, min_score=min_score, max_frames=max_frames)
        self._warm, self._stopping = Event(), Event()
        infer = Worker("detector", self._infer, self._lanes.boxes)
        self._workers = [infer, *map(self._reader_of, self._lanes)]
        self.stats = RunStats(self._lanes, self._inference)
        self.changes = SourceChanges(self._lanes, self._inference, new_states, self._add_reader)

    def __enter__(self) -> Self:
        for worker in self._workers:
            worker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def __iter__(self) -> Iterator[Observation]:
        """Observations until the end; then raises the first of `errors`, if there is one."""
        while (observation := self.next()) is not None:
            yield observation
        if self.errors:
            raise self.errors[0]

    def next(
        self, timeout: float | None = None, *, without: Collection[str] = ()
    ) -> Observation | None:
        """The next observation; None when none came in `timeout` seconds, or at the end.

        Live sources give their newest, files every one. To pause, stop calling: a file waits, a
        live source goes on. Raises what killed the detector; errors of sources or sinks do not
        raise here, they are in `errors`.

        Args:
            timeout: seconds; None: waits indefinitely.
            without: names of sources whose next observation is not wanted yet. With none left that
                could give one, returns at once.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while waiting := {lane.results: lane for lane in self._lanes.in_turn(without)}:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            ready = wait_ready(waiting, left)
            if not ready:
                return None
            self._lanes.give_turn_after(waiting[ready[0]])
            if not ready[0].exhausted:
                return ready[0].get()
        if (death := self._lanes.death) is not None:
            raise death
        return None

    @property
    def ended(self) -> bool:
        """Whether every source has ended and `next` has nothing more to return or raise."""
        return all(lane.results.exhausted for lane in self._lanes) and not self._lanes.death

    @property
    def errors(self) -> list[MaskdetError]:
        """Failures that did not stop the run, in order: of one source, of a sink.

        Such a sink gets no more observations. The owner of the run reports them.
        """
        return self._inference.errors

    def stop(self) -> None:
        """Stops and joins the threads, closes sources and sinks; may be called twice.

        What hangs is named and left: see `maskdet.live.teardown`.
        """
        self._stopping.set()
        self._warm.set()
        self.changes.close()
        for lane in self._lanes:
            lane.meter.end()
            lane.frames.close()
            lane.results.close()
        sinks = [*self._sinks, *(sink for lane in self._lanes for sink in lane.own_sinks)]
        try:
            sources = [lane.source for lane in self._lanes]
            end_threads(self._workers, sources, self._inference.abandon)
        finally:
            close_sinks(sinks, self.errors)

    def _reader_of(self, lane: Lane) -> Worker:
        return Worker(f"reading {lane.name}", partial(self._read, lane), [lane.frames])

    def _add_reader(self, lane: Lane) -> Worker:
        running = [worker for worker in self._workers if not worker.has_ended]
        self._workers = [*running, reader := self._reader_of(lane)]
        return reader

    def _read(self, lane: Lane) -> None:
        source, camera, meter = lane.source, lane.camera, lane.meter
        self._warm.wait()
        meter.begin()
        lane.thin(lane.detect_fps)
        new_pace, pace = None, lane.new_pace()
        while not self._stopping.is_set():
            frame = source.read()
            if frame is None:
                return
            if new_pace is not lane.new_pace:
                if new_pace is None and not source.is_live:  # a stream knows when it is open
                    lane.make_lossless()
                new_pace = lane.new_pace
                pace = new_pace()
            meter.capture(0.0 if camera is None else camera.pause)
            if not pace.takes(frame.position):
                meter.skip()
                lane.frames.refresh(frame)  # a frame that is due, and waits, becomes this one
            elif not lane.frames.put(frame):
                return

    def _infer(self) -> None:
        self.detector.warm_up()
        self._warm.set()
        queues = [lane.frames for lane in self._lanes], [lane.results for lane in self._lanes]
        self._inference.run(*queues, self._stopping)
