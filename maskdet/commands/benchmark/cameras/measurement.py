"""Measurement of a running monitor: of a while in which all its cameras have come.

It takes the places of the live page, which gets every observation, and of the request to stop,
which the main loop asks often.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import psutil

from maskdet.alarm import AlarmControl
from maskdet.commands.benchmark.cameras.backlog import unread_bytes
from maskdet.live.cameras.camera import CameraState
from maskdet.live.cameras.control import CameraControl
from maskdet.live.meters import SourceStats
from maskdet.live.pipeline import Pipeline
from maskdet.live.shutdown import Stop
from maskdet.observation import Observation

SETTLE_S, SETTLE_PER_CAMERA_S = 3.0, 0.1
"""Seconds from the last camera's first processed frame to the measurement."""
SAMPLE_INTERVAL_S = 1.0


@dataclass(frozen=True)
class Values:
    """Values of a monitor with several cameras.

    Attributes:
        seconds: length of the measurement.
        captured: frames a second of each camera.
        handled: frames a second of each camera that were processed, or had nothing moved in them.
        age_s: 95 % of the frames were younger when they were finished, since capture; the length
            of the measurement where none was.
        backlog_s: 95 % of the samples of each camera's stream had less of it on its way.
        reconnects: of all cameras together.
        memory_mb: of the monitor and the cameras' processes, at the end.
        growth_mb: of that memory during the measurement.
        monitor_cores: used by the monitor's process.
        camera_cores: used by the cameras' processes.
        server_cores: used by the server of the streams.
        device: that detected, with the size of the input where that is smaller than the model's.
    """

    seconds: float
    captured: tuple[float, ...]
    handled: tuple[float, ...]
    age_s: float
    backlog_s: float | None
    reconnects: int
    memory_mb: float
    growth_mb: float
    monitor_cores: float
    camera_cores: float
    server_cores: float
    device: str


@dataclass(frozen=True)
class _Moment:
    """Counters of a run at one moment: frames of each camera, CPU seconds of each process."""

    time: float
    stats: Sequence[SourceStats]
    monitor: float
    cameras: Mapping[int, float]
    server: float


class Measurement(Stop):
    """Measures a monitor from within, and then ends it.

    Attributes:
        values: of the measurement; None where it did not come to its end.
    """

    def __init__(
        self,
        seconds: float,
        timeout: float,
        cameras: int,
        server: int,
        port: int,
        bytes_per_second: int,
    ) -> None:
        """Waits for the cameras.

        Args:
            seconds: length of the measurement.
            timeout: seconds that the cameras may take to come; then the run ends.
            cameras: how many there are.
            server: number of the process that serves the streams.
            port: of the server.
            bytes_per_second: of each stream.
        """
        self._settle_s = SETTLE_S + SETTLE_PER_CAMERA_S * cameras
        super().__init__(timeout + self._settle_s + seconds)
        self.values: Values | None = None
        self._seconds, self._port, self._rate = seconds, port, bytes_per_second
        self._server, self._own = psutil.Process(server), psutil.Process()
        self._pipeline: Pipeline | None = None
        self._settled: float | None = None
        self._first: _Moment | None = None
        self._sampled = 0.0
        self._ages: list[float] = []
        self._backlogs: list[float] = []
        self._memory: list[float] = []

    def begin(
        self, pipeline: Pipeline, control: CameraControl, alarms: AlarmControl | None = None
    ) -> None:
        """Takes the run that is measured."""
        self._pipeline = pipeline

    def note_camera(self, name: str, state: CameraState) -> None:
        """No camera changes while it is measured."""

    def write(self, observation: Observation) -> None:
        """Takes the age of a frame that is finished."""
        if self._first is not None:
            self._ages.append(time.monotonic() - observation.frame.captured)

    def close(self) -> None:
        """Needs nothing."""

    def __call__(self) -> bool:
        """Whether to end now; measures on the way."""
        now = time.monotonic()
        if self._pipeline is None or self.values is not None:
            return super().__call__() or self.values is not None
        if self._settled is None:
            stats = self._pipeline.stats
            if all(stats.of(i).processed for i in range(len(stats.source_names))):
                self._settled = now + self._settle_s
        elif self._first is None:
            if now >= self._settled:
                self._first = self._moment(self._pipeline)
        else:
            self._sample(now)
            if now >= self._first.time + self._seconds:
                last = self._moment(self._pipeline)
                self.values = self._compare(self._first, last, self._pipeline.detector.device)
        return super().__call__() or self.values is not None

    def _sample(self, now: float) -> None:
        if now - self._sampled < SAMPLE_INTERVAL_S:
            return
        self._sampled = now
        processes = [self._own, *self._own.children()]
        self._memory.append(sum(_memory(one) for one in processes))
        waiting = unread_bytes(self._port)
        self._backlogs += [count / self._rate for count in waiting or ()]

    def _moment(self, pipeline: Pipeline) -> _Moment:
        count = len(pipeline.stats.source_names)
        return _Moment(
            time.monotonic(),
            [pipeline.stats.of(i) for i in range(count)],
            _cpu_seconds(self._own),
            {child.pid: _cpu_seconds(child) for child in self._own.children()},
            _cpu_seconds(self._server),
        )

    def _compare(self, first: _Moment, last: _Moment, device: str) -> Values:
        seconds = last.time - first.time
        pairs = list(zip(first.stats, last.stats, strict=True))
        cameras = sum(spent - first.cameras.get(pid, 0.0) for pid, spent in last.cameras.items())
        half = max(1, len(self._memory) // 2)
        return Values(
            seconds=seconds,
            captured=tuple((b.captured - a.captured) / seconds for a, b in pairs),
            handled=tuple((_handled(b) - _handled(a)) / seconds for a, b in pairs),
            age_s=_most(self._ages) if self._ages else seconds,
            backlog_s=_most(self._backlogs) if self._backlogs else None,
            reconnects=sum(b.reconnects - a.reconnects for a, b in pairs),
            memory_mb=self._memory[-1],
            growth_mb=min(self._memory[half:] or self._memory) - min(self._memory[:half]),
            monitor_cores=(last.monitor - first.monitor) / seconds,
            camera_cores=cameras / seconds,
            server_cores=(last.server - first.server) / seconds,
            device=device,
        )


def as_json(values: Values) -> dict[str, Any]:
    """The values for another process."""
    lists = {name: list(getattr(values, name)) for name in ("captured", "handled")}
    return {**asdict(values), **lists}


def from_json(values: Mapping[str, Any]) -> Values:
    """The values from another process."""
    tuples = {name: tuple(values[name]) for name in ("captured", "handled")}
    return Values(**{**values, **tuples})


def _handled(stats: SourceStats) -> int:
    return stats.processed + stats.unchanged


def _most(values: Sequence[float]) -> float:
    return float(np.percentile(values, 95))


def _cpu_seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _memory(process: psutil.Process) -> float:
    """Memory of a process in MiB; what several share, each has a part of."""
    full = process.memory_full_info()
    return float(getattr(full, "pss", full.uss) / 2**20)
