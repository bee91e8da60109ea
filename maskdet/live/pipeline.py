"""One frame's way: three loops, two rows of mailboxes, one mailbox of a row for each source.

    [grab]   source.read                                         -> frame_queue
    [infer]  detect -> track -> Observation -> each sink         -> result_queue
    [main]   whoever calls `Pipeline.next`

Live sources have `newest` mailboxes: a slow detector lowers the picture rate, it never makes the
picture late. Files have waiting ones and lose nothing.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import partial
from types import TracebackType
from typing import Self

from maskdet.contracts import Detector, Sink, Source
from maskdet.errors import MaskdetError
from maskdet.frame import Frame
from maskdet.live.inference import Inference, SourceState, Tracker
from maskdet.live.meters import Reservoir, SourceMeter, SourceStats
from maskdet.live.progress import Progress, progress_of
from maskdet.observation import Observation
from maskdet.sources.frame_rate import Pace
from maskdet.system.threads import Condition, Event, Mailbox, Worker, wait_ready
from maskdet.system.timeouts import run_all_with_timeout

__all__ = ["Pipeline", "SourceStats", "Tracker"]

log = logging.getLogger(__name__)

_PATIENCE = 0.35  # seconds for the threads to end: quitting takes less than one, with all sinks
_LONGEST = 10.0  # seconds for sinks to close; ours end sooner where nothing moves
_AHEAD, _DONE = 4, 2
"""Frames and observations of a file that wait, so that reading, detecting, and main overlap."""


class Pipeline:
    """Runs sources through a detector to sinks and to the caller; use it in a ``with`` block.

    Entering starts the threads, leaving stops them and closes sources and sinks (not the
    detector, which its maker may use again). Stopping waits for no frame, and only a moment for the
    call of the detector or a sink that is under way.

    Attributes:
        detector: what it was given; says what it computes on, which may change.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        detector: Detector,
        sinks: Sequence[Sink] = (),
        *,
        source_sinks: Sequence[Sequence[Sink]] = (),
        min_score: float = 0.0,
        new_tracker: Callable[[], Tracker] | None = None,
        max_frames: int | None = None,
        detect_fps: Sequence[float | None] = (),
    ) -> None:
        """Plans the run; nothing starts yet.

        Args:
            sources: open sources, each with a name of its own.
            detector: warmed up before the first frame is taken.
            sinks: get the observations of all sources.
            source_sinks: one sequence a source: sinks for that source alone.
            min_score: detections below it are left out.
            new_tracker: makes a tracker; called once a source.
            max_frames: ends the run after exactly so many processed frames, over all sources.
            detect_fps: frames a second to process, one a source, as of `Pace`; None: all.
        """
        self._sources = list(sources)
        self.detector = detector
        self._meters = [SourceMeter() for _ in self._sources]
        self._index_of = {source.name: i for i, source in enumerate(self._sources)}
        own_sinks = source_sinks or [()] * len(self._sources)
        self._sinks = [*sinks, *(sink for few in own_sinks for sink in few)]
        self._inference = Inference(
            detector,
            [
                SourceState(meter, [*sinks, *few], new_tracker() if new_tracker else None)
                for meter, few in zip(self._meters, own_sinks, strict=True)
            ],
            min_score=min_score,
            max_frames=max_frames,
        )
        self._detect_fps = detect_fps or [None] * len(self._sources)
        self._latency = Reservoir()
        self._warm, self._stopping = Event(), Event()
        self._turn = 0
        self._wire()

    def _wire(self) -> None:
        if len(self._index_of) != len(self._sources):
            raise ValueError("sources need names of their own")
        condition = Condition()  # one for all: the infer thread waits for both ends of each way
        self._frame_queues: list[Mailbox[Frame]] = []
        self._result_queues: list[Mailbox[Observation]] = []
        for source in self._sources:
            size = 1 if source.is_live else _AHEAD
            self._frame_queues.append(Mailbox(size, newest=source.is_live, condition=condition))
            done = 1 if source.is_live else _DONE
            self._result_queues.append(Mailbox(done, newest=source.is_live, condition=condition))
        infer = Worker("detector", self._infer, [*self._frame_queues, *self._result_queues])
        grabs = [
            Worker(f"reading {source.name}", partial(self._grab, i), [self._frame_queues[i]])
            for i, source in enumerate(self._sources)
        ]
        self._workers = [infer, *grabs]

    def __enter__(self) -> Self:
        for worker in self._workers:
            worker.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
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
            timeout: seconds; None: waits for ever.
            without: names of sources whose next observation is not wanted yet. With none left that
                could give one, returns at once.
        """
        barred = {self._result_queues[self._index_of[name]] for name in without}
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            turned = self._result_queues[self._turn :] + self._result_queues[: self._turn]
            waiting = [box for box in turned if not box.exhausted and box not in barred]
            if not waiting:
                break
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            ready = wait_ready(waiting, left)
            if not ready:
                return None
            self._turn = (self._result_queues.index(ready[0]) + 1) % len(self._result_queues)
            if not ready[0].exhausted:
                return ready[0].get()
        if self._death is not None:
            raise self._death
        return None

    @property
    def ended(self) -> bool:
        """Whether every source has ended and `next` has nothing more to return or raise."""
        return all(box.exhausted for box in self._result_queues) and self._death is None

    def has_ended(self, source: int) -> bool:
        """Whether a source (by its index) has ended and all of it was fetched."""
        return self._result_queues[source].exhausted

    def has_been_read(self, source: int) -> bool:
        """Whether the last frame of a source (by its index) was read."""
        return self._frame_queues[source].closed

    @property
    def _death(self) -> BaseException | None:
        return next((box.error for box in self._result_queues if box.error), None)

    @property
    def errors(self) -> list[MaskdetError]:
        """Failures that did not stop the run, in order: of one source, of a sink.

        Such a sink gets no more observations. Whoever owns the run reports them.
        """
        return self._inference.errors

    @property
    def counts(self) -> dict[str, int]:
        """Faces per state, summed over every frame looked at."""
        return dict(self._inference.counts)

    @property
    def first_result(self) -> float | None:
        """`time.monotonic()` of the first observation; None before."""
        return self._inference.first_result

    def finished(self, observation: Observation, *, shown: bool = True) -> None:
        """Main says that the overlay of this observation is done: counts it, samples latency."""
        self._latency.add((time.monotonic() - observation.frame.captured) * 1000)
        self._meters[self._index_of[observation.frame.source]].shown += shown

    def stats(self, source: int | None = None) -> SourceStats:
        """Numbers of one source (by its index), or summed over all."""
        if source is None:
            return SourceStats.total(self.stats(i) for i in range(len(self._sources)))
        one = self._sources[source]
        return self._meters[source].read(
            self._frame_queues[source].dropped,
            getattr(one, "reconnects", 0),
            is_live=one.is_live,
            is_held=not self._result_queues[source].has_room,  # a pause, or a still that stays
        )

    def signal_loss_reason(self, source: int) -> str | None:
        """Why a live source gives no frames at the moment, as far as is known."""
        found: str | None = getattr(self._sources[source], "signal_loss_reason", None)
        return found

    def progress(self, observation: Observation) -> Progress | None:
        """How far the file or folder has come that an observation is of; None of a live source."""
        source = self._sources[self._index_of[observation.frame.source]]
        return progress_of(source, observation.frame)

    @property
    def source_names(self) -> list[str]:
        """The sources' names, in order."""
        return [source.name for source in self._sources]

    def latency(self) -> dict[str, float]:
        """Milliseconds from capture to finished overlay: ``{"p50", "p95", "max"}``."""
        return self._latency.percentiles()

    def stop(self) -> None:
        """Stops and joins the threads, closes sources and sinks; may be called twice.

        What hangs is said and left: see `maskdet.system.timeouts`.
        """
        self._stopping.set()
        self._warm.set()
        for meter in self._meters:
            meter.end()
        for frame_queue, result_queue in zip(self._frame_queues, self._result_queues, strict=True):
            frame_queue.close()
            result_queue.close()
        try:
            self._end_threads()
        finally:
            run_all_with_timeout(
                _LONGEST, {str(i): partial(self._close_sink, s) for i, s in self._each_sink()}
            )

    def _end_threads(self) -> None:
        until = time.monotonic() + _PATIENCE
        closing = [Worker(f"closing {source.name}", source.close) for source in self._sources]
        for worker in closing:
            worker.start()
        workers = [*closing, *self._workers]
        hanging = [worker.name for worker in workers if not worker.join(until - time.monotonic())]
        if hanging:
            self._inference.abandoned.set()
            log.warning("%s did not end in time and was left", ", ".join(hanging))
        for worker in closing:
            if worker.error is not None:
                raise worker.error

    def _each_sink(self) -> Iterable[tuple[int, Sink]]:
        return enumerate({id(sink): sink for sink in self._sinks}.values())

    def _grab(self, index: int) -> None:
        source, frame_queue, meter = (
            self._sources[index],
            self._frame_queues[index],
            self._meters[index],
        )
        self._warm.wait()
        meter.begin()
        while not self._stopping.is_set():
            frame = source.read()
            if frame is None:
                return
            if meter.captured == 0:
                pace = Pace(self._detect_fps[index], is_live=source.is_live)
                if not source.is_live:  # a stream tells when it is open
                    frame_queue.make_lossless(_AHEAD)
                    self._result_queues[index].make_lossless(_DONE)
            meter.capture(getattr(source, "pause", 0.0))
            if not pace.takes(frame.position):
                meter.skip()
            elif not frame_queue.put(frame):
                return

    def _infer(self) -> None:
        self.detector.warm_up()
        self._warm.set()
        self._inference.run(self._frame_queues, self._result_queues, self._stopping)

    def _close_sink(self, sink: Sink) -> None:
        try:
            sink.close()
        except MaskdetError as error:
            self.errors.append(error)
