"""Numbers of a run while it goes on: frames, rates, latency, faces, progress of each source."""

from __future__ import annotations

import time
from collections.abc import Sequence

from maskdet.contracts import Source
from maskdet.frame import Frame
from maskdet.live.inference import Inference
from maskdet.live.meters import Reservoir, SourceMeter, SourceStats
from maskdet.live.progress import Progress, progress_of
from maskdet.live.recording.watching import recorded_stream
from maskdet.observation import Observation
from maskdet.sinks.recording.copy.packet_feed import FeedState
from maskdet.sinks.recording.recording_switch import RecordingSwitch
from maskdet.system.threads import Mailbox


class RunStats:
    """Reads what the parts of a pipeline count; a source is named by its index.

    Attributes:
        source_names: the sources' names, in order.
    """

    def __init__(
        self,
        sources: Sequence[Source],
        meters: Sequence[SourceMeter],
        frame_queues: Sequence[Mailbox[Frame]],
        result_queues: Sequence[Mailbox[Observation]],
        inference: Inference,
    ) -> None:
        """Takes the parts of a pipeline, each sequence with one entry a source."""
        self.source_names = [source.name for source in sources]
        self._sources = sources
        self._meters = meters
        self._frame_queues = frame_queues
        self._result_queues = result_queues
        self._inference = inference
        self._index_of = {name: i for i, name in enumerate(self.source_names)}
        self._recordings: Sequence[RecordingSwitch] = ()
        self._latency = Reservoir()

    def include(self, recordings: Sequence[RecordingSwitch]) -> None:
        """Takes the recordings, one of each source, for `recorded_stream`."""
        self._recordings = recordings

    def recorded_stream(self, source: int) -> FeedState | None:
        """State of the camera's own video; None where it is not what is recorded."""
        known = source < len(self._recordings)
        return recorded_stream(self._recordings[source]) if known else None

    def of(self, source: int) -> SourceStats:
        """Numbers of one source."""
        one = self._sources[source]
        return self._meters[source].read(
            self._frame_queues[source].dropped,
            getattr(one, "reconnects", 0),
            is_live=one.is_live,
            is_held=not self._result_queues[source].has_room,  # a pause, or a still that stays
        )

    def total(self) -> SourceStats:
        """Numbers summed over all sources."""
        return SourceStats.total(self.of(i) for i in range(len(self._sources)))

    def has_been_read(self, source: int) -> bool:
        """Whether the last frame of a source was read."""
        return self._frame_queues[source].closed

    def has_ended(self, source: int) -> bool:
        """Whether a source has ended and all of it was fetched."""
        return self._result_queues[source].exhausted

    def record_finished(self, observation: Observation, *, shown: bool = True) -> None:
        """Counts an observation whose overlay the main loop has finished; samples its latency."""
        self._latency.add((time.monotonic() - observation.frame.captured) * 1000)
        self._meters[self._index_of[observation.frame.source]].shown += shown

    @property
    def counts(self) -> dict[str, int]:
        """Faces per state, summed over every processed frame."""
        return dict(self._inference.counts)

    @property
    def people(self) -> dict[str, int] | None:
        """Unique people of the run by state, over all sources; None where nobody is followed."""
        return self._inference.people

    @property
    def first_result(self) -> float | None:
        """`time.monotonic()` of the first observation; None before."""
        return self._inference.first_result

    def latency(self) -> dict[str, float]:
        """Milliseconds from capture to finished overlay: ``{"p50", "p95", "max"}``."""
        return self._latency.percentiles()

    def signal_loss_reason(self, source: int) -> str | None:
        """Why a live source gives no frames at the moment, as far as is known."""
        found: str | None = getattr(self._sources[source], "signal_loss_reason", None)
        return found

    def progress(self, observation: Observation) -> Progress | None:
        """Progress of the file or folder that an observation is of; None of a live source."""
        source = self._sources[self._index_of[observation.frame.source]]
        return progress_of(source, observation.frame)
