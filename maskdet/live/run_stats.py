"""Numbers of a run while it goes on: frames, rates, latency, faces, progress of each source."""

from __future__ import annotations

import time

from maskdet.contracts import ImageList
from maskdet.live.cameras.lanes import Lanes
from maskdet.live.cameras.switched_source import SwitchedSource
from maskdet.live.inference import Inference
from maskdet.live.meters import Reservoir, SourceStats
from maskdet.live.progress import Progress, progress_of
from maskdet.observation import Observation, sum_by_state, sum_of_margins
from maskdet.sinks.recording.copy.copy_switch import CopySwitch
from maskdet.sinks.recording.copy.packet_feed import FeedState


class RunStats:
    """Reads what the parts of a pipeline count; a source is named by its index."""

    def __init__(self, lanes: Lanes, inference: Inference) -> None:
        """Takes the parts of a pipeline."""
        self._lanes = lanes
        self._inference = inference
        self._latency = Reservoir()

    @property
    def source_names(self) -> list[str]:
        """The sources' names, in order; those that were removed, too."""
        return [lane.name for lane in self._lanes]

    @property
    def source_count(self) -> int:
        """Number of sources; those that were removed, too."""
        return len(self._lanes)

    def recorded_stream(self, source: int) -> FeedState | None:
        """State of the camera's own video; None where it is not what is recorded."""
        sinks = self._lanes[source].own_sinks
        return next((one.feed.state() for one in sinks if isinstance(one, CopySwitch)), None)

    def of(self, source: int) -> SourceStats:
        """Numbers of one source."""
        lane = self._lanes[source]
        return lane.meter.read(
            lane.frames.dropped,
            0 if lane.camera is None else lane.camera.reconnects,
            is_live=lane.source.is_live,
            is_held=not lane.results.has_room,  # a pause, or a still that stays
        )

    def total(self) -> SourceStats:
        """Numbers summed over all sources."""
        return SourceStats.total(self.of(i) for i in range(len(self._lanes)))

    def has_been_read(self, source: int) -> bool:
        """Whether the last frame of a source was read."""
        return self._lanes[source].frames.closed

    def has_ended(self, source: int) -> bool:
        """Whether a source has ended and all of it was fetched."""
        return self._lanes[source].results.exhausted

    def is_wanted(self, source: int) -> bool:
        """Whether a source should give frames: nobody has paused or removed it."""
        return not self._lanes[source].meter.is_suspended

    def is_removed(self, source: int) -> bool:
        """Whether a source was taken out of the run."""
        return self._lanes[source].is_removed

    def is_paused(self, source: int) -> bool:
        """Whether a user has paused a source; one that was removed is not paused."""
        lane = self._lanes[source]
        return lane.meter.is_suspended and not lane.is_removed

    def standby_age_s(self, source: int) -> float | None:
        """Seconds since a source on standby gave a frame; None where it is not, or before."""
        connection = self._lanes[source].source
        return connection.standby_age_s if isinstance(connection, SwitchedSource) else None

    def is_on_standby(self, source: int) -> bool:
        """Whether the frames of a source are thrown away."""
        connection = self._lanes[source].source
        return isinstance(connection, SwitchedSource) and connection.is_on_standby

    @property
    def unread(self) -> int:
        """Images of files and folders that could not be read."""
        sources = (lane.source for lane in self._lanes)
        return sum(source.unread for source in sources if isinstance(source, ImageList))

    def record_finished(self, observation: Observation, *, shown: bool = True) -> None:
        """Counts an observation whose overlay the main loop has finished; samples its latency."""
        self._latency.add((time.monotonic() - observation.frame.captured) * 1000)
        self._lanes.lane_of(observation.frame.source).meter.shown += shown

    @property
    def counts(self) -> dict[str, int]:
        """Faces per state, summed over every processed frame."""
        return dict(self._inference.counts)

    @property
    def people(self) -> dict[str, int] | None:
        """Unique people of the run by state, over all sources; None where nobody is followed."""
        known = [lane.state.people for lane in self._lanes if lane.state.people is not None]
        return sum_by_state(people.run for people in known) if known else None

    @property
    def people_margin(self) -> int:
        """People that this number may be wrong by, either way."""
        known = [lane.state.people for lane in self._lanes if lane.state.people is not None]
        return sum_of_margins(people.margin for people in known)

    @property
    def first_result(self) -> float | None:
        """`time.monotonic()` of the first observation; None before."""
        return self._inference.first_result

    def latency(self) -> dict[str, float]:
        """Milliseconds from capture to finished overlay: ``{"p50", "p95", "max"}``."""
        return self._latency.percentiles()

    def signal_loss_reason(self, source: int) -> str | None:
        """Why a live source gives no frames at the moment, as far as is known."""
        camera = self._lanes[source].camera
        return None if camera is None else camera.signal_loss_reason

    def people_now(self, source: int) -> dict[str, int] | None:
        """People in a source's image by state; None where nobody is followed, or without images."""
        people = self._lanes[source].state.people
        if people is None or self.is_paused(source) or self.of(source).no_signal:
            return None
        return dict(people.now)

    def progress(self, observation: Observation) -> Progress | None:
        """Progress of the file or folder that an observation is of; None of a live source."""
        source = self._lanes.lane_of(observation.frame.source).source
        return progress_of(source, observation.frame)
