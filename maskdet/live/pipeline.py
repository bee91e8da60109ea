"""One frame's way: three loops, two rows of mailboxes, one mailbox of a row for each source.

    [grab]   source.read                                         -> frame_queue
    [infer]  detect -> analysis -> Observation -> each sink         -> result_queue
    [main]   the caller of `Pipeline.next`

Live sources have `newest` mailboxes: a slow detector lowers the image rate, it never makes the
image late. Files have waiting ones and lose nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import cache, partial
from typing import Self

from maskdet.contracts import Detector, Sink, Source
from maskdet.drawing.strict_blur import StrictBlur
from maskdet.errors import MaskdetError
from maskdet.frame import Frame
from maskdet.images.motion_gate import MotionGate
from maskdet.live.inference import FrameAnalysis, Inference, source_states
from maskdet.live.meters import SourceMeter, SourceStats
from maskdet.live.run_stats import RunStats
from maskdet.live.teardown import close_sinks, end_threads
from maskdet.observation import Observation
from maskdet.sources.frame_rate import Pace
from maskdet.system.threads import Condition, Event, Mailbox, Worker, wait_ready

__all__ = ["Pipeline", "SourceStats"]

_FRAMES_AHEAD, _RESULTS_AHEAD = 4, 2
"""Frames and observations of a file that wait, so that reading, detecting, and main overlap."""
_MIN_READ_FPS = 2.0
"""Frames a second that a camera gives at least: one that waits for the detector is replaced by a
newer one."""


class Pipeline:
    """Runs sources through a detector to sinks and to the caller; use it in a ``with`` block.

    Entering starts the threads, leaving stops them and closes sources and sinks, not the detector.
    Stopping waits only a moment for a call of the detector or of a sink that is under way.

    Attributes:
        detector: as given; its device may change.
        stats: numbers of the run.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        detector: Detector,
        sinks: Sequence[Sink] = (),
        *,
        source_sinks: Sequence[Sequence[Sink]] = (),
        min_score: float = 0.0,
        analyses: Sequence[FrameAnalysis | None] = (),
        new_strict_blur: Callable[[], StrictBlur] | None = None,
        max_frames: int | None = None,
        detect_fps: Sequence[float | None] = (),
        new_gate: Callable[[], MotionGate] | None = None,
    ) -> None:
        """Plans the run; nothing starts yet.

        Args:
            sources: open sources, each with a name of its own.
            detector: warmed up before the first frame is taken.
            sinks: get the observations of all sources.
            source_sinks: one sequence a source: sinks for that source alone.
            min_score: detections below it are left out.
            analyses: what follows the people of each source; empty: nobody is followed.
            new_strict_blur: makes what covers the faces of a source; called once for each.
            max_frames: ends the run after exactly so many processed frames, over all sources.
            detect_fps: frames a second to process, one a source, as of `Pace`; None: all.
            new_gate: makes what leaves out frames without motion; for each live source.
        """
        self._sources = list(sources)
        self.detector = detector
        self._meters = [SourceMeter() for _ in self._sources]
        self._index_of = {source.name: i for i, source in enumerate(self._sources)}
        own_sinks = source_sinks or [()] * len(self._sources)
        self._sinks = [*sinks, *(sink for few in own_sinks for sink in few)]
        self._inference = Inference(
            detector,
            source_states(self._meters, sinks, own_sinks, analyses, new_strict_blur, new_gate),
            min_score=min_score,
            max_frames=max_frames,
        )
        self._detect_fps = detect_fps or [None] * len(self._sources)
        self._warm, self._stopping = Event(), Event()
        self._turn = 0
        if len(self._index_of) != len(self._sources):
            raise ValueError("sources need names of their own")
        self._frame_queues, self._result_queues = _queues(self._sources)
        infer = Worker("detector", self._infer, [*self._frame_queues, *self._result_queues])
        grabs = [
            Worker(f"reading {source.name}", partial(self._grab, i), [self._frame_queues[i]])
            for i, source in enumerate(self._sources)
        ]
        self._workers = [infer, *grabs]
        self.stats = RunStats(
            self._sources, self._meters, self._frame_queues, self._result_queues, self._inference
        )

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
        if (death := _death(self._result_queues)) is not None:
            raise death
        return None

    @property
    def ended(self) -> bool:
        """Whether every source has ended and `next` has nothing more to return or raise."""
        return all(box.exhausted for box in self._result_queues) and not _death(self._result_queues)

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
        for meter in self._meters:
            meter.end()
        for frame_queue, result_queue in zip(self._frame_queues, self._result_queues, strict=True):
            frame_queue.close()
            result_queue.close()
        try:
            end_threads(self._workers, self._sources, self._inference.abandoned.set)
        finally:
            close_sinks(self._sinks, self.errors)

    def _grab(self, index: int) -> None:
        source, meter = self._sources[index], self._meters[index]
        frame_queue = self._frame_queues[index]
        self._warm.wait()
        meter.begin()
        takes = _thin(source, self._detect_fps[index], meter)
        while not self._stopping.is_set():
            frame = source.read()
            if frame is None:
                return
            if meter.captured == 0 and not source.is_live:  # a stream knows when it is open
                frame_queue.make_lossless(_FRAMES_AHEAD)
                self._result_queues[index].make_lossless(_RESULTS_AHEAD)
            meter.capture(getattr(source, "pause", 0.0))
            if not takes(frame.position):
                meter.skip()
                frame_queue.refresh(frame)  # a frame that is due, and waits, becomes this one
            elif not frame_queue.put(frame):
                return

    def _infer(self) -> None:
        self.detector.warm_up()
        self._warm.set()
        self._inference.run(self._frame_queues, self._result_queues, self._stopping)


def _queues(
    sources: Sequence[Source],
) -> tuple[list[Mailbox[Frame]], list[Mailbox[Observation]]]:
    """Mailboxes before and after the detector, one of each a source.

    They share a condition: the infer thread waits for both ends of each way.
    """
    condition = Condition()
    frames: list[Mailbox[Frame]] = []
    results: list[Mailbox[Observation]] = []
    for source in sources:
        live = source.is_live
        frames.append(Mailbox(1 if live else _FRAMES_AHEAD, newest=live, condition=condition))
        results.append(Mailbox(1 if live else _RESULTS_AHEAD, newest=live, condition=condition))
    return frames, results


def _thin(source: Source, fps: float | None, meter: SourceMeter) -> Callable[[float], bool]:
    """Has a camera leave out frames where it is decoded; whether to take one that it gives.

    Returns:
        A function of the position of each frame that is read.
    """
    thin = getattr(source, "thin", None)
    is_thinned = fps is not None and thin is not None and fps >= _MIN_READ_FPS
    if thin is not None:
        thin(None if fps is None else max(fps, _MIN_READ_FPS), meter.skip_unread)

    @cache
    def pace() -> Pace:  # with the first frame, when a stream is known to be live
        return Pace(None if is_thinned and source.is_live else fps, is_live=source.is_live)

    return lambda position: pace().takes(position)


def _death(result_queues: Sequence[Mailbox[Observation]]) -> BaseException | None:
    """The error that ended the detector's thread."""
    return next((box.error for box in result_queues if box.error), None)
