"""The way of each source through a pipeline: its thread, its mailboxes, its state."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import cached_property

from maskdet.contracts import CameraSource, Sink, Source
from maskdet.frame import Frame
from maskdet.live.cameras.source_state import SourceParts, SourceState
from maskdet.live.meters import SourceMeter
from maskdet.observation import Observation
from maskdet.sources.frame_rate import Pace
from maskdet.system.threads import Condition, Mailbox

FRAMES_AHEAD, RESULTS_AHEAD = 4, 2
"""Frames and observations of a file that wait, so that reading, detecting, and main overlap."""
MIN_READ_FPS = 2.0
"""Frames a second that a camera gives at least: one that waits for the detector is replaced by a
newer one."""


@dataclass(eq=False)
class Lane:
    """The way of one source.

    Attributes:
        source: open, or opened by its first read.
        state: on the way through inference, with its meter.
        frames: mailbox before the detector.
        results: mailbox after it.
        detect_fps: frames a second to process; None: all.
        own_sinks: sinks of this source alone.
        is_removed: whether it was taken out of the run.
        new_pace: makes the pace of its frames; called when it is known whether it is live.
    """

    source: Source
    state: SourceState
    frames: Mailbox[Frame]
    results: Mailbox[Observation]
    detect_fps: float | None = None
    own_sinks: tuple[Sink, ...] = ()
    is_removed: bool = False
    new_pace: Callable[[], Pace] = lambda: Pace(None, is_live=True)

    @property
    def name(self) -> str:
        """Name of the source."""
        return self.source.name

    @cached_property
    def camera(self) -> CameraSource | None:
        """The source, where it is a camera; asked for each frame, so it is found out once."""
        return self.source if isinstance(self.source, CameraSource) else None

    @property
    def meter(self) -> SourceMeter:
        """Counts its frames."""
        return self.state.meter

    @property
    def has_ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self.frames.exhausted

    def thin(self, fps: float | None) -> None:
        """Processes so many frames a second; a camera leaves the others out where it decodes.

        Takes effect with the first frame, or that of the next connection.
        """
        source, is_thinned = self.source, False
        if self.camera is not None:
            read_fps = None if fps is None else max(fps, MIN_READ_FPS)
            does_so = self.camera.thin(read_fps, self.meter.skip_unread)
            is_thinned = does_so and fps is not None and fps >= MIN_READ_FPS
        self.detect_fps = fps
        self.new_pace = lambda: Pace(
            None if is_thinned and source.is_live else fps, is_live=source.is_live
        )

    def make_lossless(self) -> None:
        """Lets frames wait instead of dropping them: it has proved to be a file."""
        self.frames.make_lossless(FRAMES_AHEAD)
        self.results.make_lossless(RESULTS_AHEAD)


class Lanes:
    """The lanes of a run, by index; one that was added stays, so that indices do.

    Attributes:
        boxes: all mailboxes, of earlier connections, too.
        condition: shared by all of them.
    """

    def __init__(self) -> None:
        """Has none."""
        self.boxes: list[Mailbox[Frame] | Mailbox[Observation]] = []
        self.condition = Condition()
        self._lanes: list[Lane] = []
        self._index_of: dict[str, int] = {}
        self._turn = 0

    def __getitem__(self, index: int) -> Lane:
        return self._lanes[index]

    def __iter__(self) -> Iterator[Lane]:
        return iter(self._lanes.copy())

    def __len__(self) -> int:
        return len(self._lanes)

    def index_of(self, name: str) -> int | None:
        """Index of the source of that name; None: there was none."""
        return self._index_of.get(name)

    def lane_of(self, name: str) -> Lane:
        """The lane of the source of that name."""
        return self._lanes[self._index_of[name]]

    def new(self, parts: SourceParts, state: SourceState) -> Lane:
        """Makes a lane, which is no part of the run yet.

        All mailboxes share a condition: the infer thread waits for both ends of each way.
        """
        live, condition = parts.source.is_live, self.condition
        frames: Mailbox[Frame] = Mailbox(
            1 if live else FRAMES_AHEAD, newest=live, condition=condition
        )
        results: Mailbox[Observation] = Mailbox(
            1 if live else RESULTS_AHEAD, newest=live, condition=condition
        )
        return Lane(
            parts.source, state, frames, results, parts.detect_fps, own_sinks=tuple(parts.sinks)
        )

    def put(self, lane: Lane) -> int:
        """Takes a lane in, instead of one of the same name; its index."""
        index = self._index_of.setdefault(lane.name, len(self._lanes))
        if index == len(self._lanes):
            self._lanes.append(lane)
        else:
            lane.frames.dropped += self._lanes[index].frames.dropped
            self._lanes[index] = lane
        self.boxes += [lane.frames, lane.results]
        return index

    def in_turn(self, without: Collection[str]) -> list[Lane]:
        """Lanes that may still give an observation, each first in its turn."""
        turned = self._lanes[self._turn :] + self._lanes[: self._turn]
        return [lane for lane in turned if not lane.results.exhausted and lane.name not in without]

    def give_turn_after(self, lane: Lane) -> None:
        """The lane after this one is the first next time."""
        self._turn = (self._index_of[lane.name] + 1) % len(self._lanes)

    @property
    def death(self) -> BaseException | None:
        """The error that ended the detector's thread."""
        return next((lane.results.error for lane in self if lane.results.error), None)
