"""One frame's way: grab, infer, main."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from maskdet.contracts import Detector, Sink, Source
from maskdet.detections import Detections
from maskdet.errors import MaskdetError
from maskdet.frame import Frame
from maskdet.observation import Observation


class Tracker(Protocol):
    """Gives faces an identity from frame to frame; one for each source."""

    def update(self, detections: Detections, frame: Frame) -> Detections:
        """The same faces with `track_ids`."""


@dataclass(frozen=True)
class SourceStats:
    """A source's numbers at one moment.

    Attributes:
        captured: frames that left the source.
        processed: frames that were looked at.
        shown: frames that main reported by `Pipeline.finished(…, shown=True)`.
        dropped: frames that a newer one replaced before they were looked at; 0 for files.
        reconnects: how often a live source was opened again.
        capture_fps: frames a second out of the source, over the last seconds.
        detect_fps: frames a second through the detector, over the last seconds.
    """

    captured: int
    processed: int
    shown: int
    dropped: int
    reconnects: int
    capture_fps: float
    detect_fps: float


class Pipeline:
    """Runs sources through a detector to sinks and to the caller; use it in a ``with`` block.

    Entering starts the threads, leaving stops them and closes sources and sinks (not the detector).

    Attributes:
        errors: failures that did not stop the run: of one source, of a sink; in order.
        counts: faces per state, summed over every frame looked at.
        first_result: `time.monotonic()` of the first observation, None before.
    """

    errors: list[MaskdetError]
    counts: dict[str, int]
    first_result: float | None

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
    ) -> None:
        """Plans the run; nothing starts yet.

        Args:
            sources: open sources, each with a name of its own.
            detector: looks at every frame; warmed up before the first is taken.
            sinks: get the observations of all sources.
            source_sinks: one sequence a source: sinks for that source alone.
            min_score: detections below it are left out.
            new_tracker: makes a tracker; called once a source.
            max_frames: ends the run after exactly so many processed frames, over all sources.
        """
        raise NotImplementedError

    def __enter__(self) -> Self:
        raise NotImplementedError

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        raise NotImplementedError

    def __iter__(self) -> Iterator[Observation]:
        """Observations until the end; then raises the first of `errors`, if there is one."""
        raise NotImplementedError

    def next(self, timeout: float | None = None) -> Observation | None:
        """The next observation; None when none came in `timeout` seconds, or at the end.

        Live sources give their newest, files every one. To pause, stop calling: a file waits, a
        live source goes on. Raises what killed the detector; errors of sources or sinks do not
        raise here, they are in `errors`.
        """
        raise NotImplementedError

    @property
    def ended(self) -> bool:
        """Whether every source has ended and `next` has given its last observation."""
        raise NotImplementedError

    def finished(self, observation: Observation, *, shown: bool = True) -> None:
        """Main says that the overlay of this observation is done: counts it, samples latency."""
        raise NotImplementedError

    def stats(self, source: int | None = None) -> SourceStats:
        """Numbers of one source (by its index), or summed over all."""
        raise NotImplementedError

    def latency(self) -> dict[str, float]:
        """Milliseconds from capture to finished overlay: ``{"p50", "p95", "max"}``."""
        raise NotImplementedError

    def stop(self) -> None:
        """Stops and joins the threads, closes sources and sinks; may be called twice."""
        raise NotImplementedError
