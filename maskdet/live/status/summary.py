"""The values of a whole run, for people in a line and for programs as JSON."""

from __future__ import annotations

import json
import os
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from maskdet.drawing.status_text import duration
from maskdet.live.meters import SourceStats
from maskdet.live.pipeline import Pipeline
from maskdet.live.status.status_reporter import states
from maskdet.sinks.recording.copy.packet_feed import FeedState
from maskdet.system.atomic_files import write_output
from maskdet.system.console import counted

_MIN_RATE_S = 1.0
"""A rate of a shorter run is chance: of a few frames, which a file gives as fast as they come."""
_NOTHING = SourceStats(0, 0, 0, 0, 0, 0, 0.0, 0, 0.0, 0.0, 0.0)


class Report:
    """Values of a run, at any moment of it; also when it never began."""

    def __init__(self) -> None:
        self._pipeline: Pipeline | None = None
        self._began = self._ended = time.monotonic()

    @property
    def begun(self) -> bool:
        """Whether frames were processed, or were going to be."""
        return self._pipeline is not None

    def begin(self, pipeline: Pipeline) -> None:
        """The run is under way."""
        self._pipeline = pipeline
        self._began = time.monotonic()

    def end(self) -> None:
        """The main loop is over; what follows is closing."""
        self._ended = time.monotonic()

    @property
    def closing(self) -> float:
        """Seconds since then."""
        return time.monotonic() - self._ended

    @property
    def stats(self) -> SourceStats:
        """Values of all sources together."""
        return self._pipeline.stats.total() if self._pipeline else _NOTHING

    @property
    def unread(self) -> int:
        """Images of files and folders that could not be read."""
        return self._pipeline.stats.unread if self._pipeline else 0

    def values(self) -> dict[str, Any]:
        """Content of `--summary`; rates are means of the run, in frames a second."""
        stats, first = self.stats, self._pipeline.stats.first_result if self._pipeline else None
        detector = self._pipeline.detector if self._pipeline else None
        frames = ("captured", "processed", "shown", "dropped", "skipped", "unchanged")
        return {
            "frames": {name: getattr(stats, name) for name in frames},
            "unread": self.unread,
            "fps": self._rates(stats),
            "latency_ms": self._latency(),
            "counts": dict(self._pipeline.stats.counts) if self._pipeline else {},
            "people": self._people(),
            "reconnects": stats.reconnects,
            "no_signal": _silence(stats),
            "sources": self._sources(),
            "device": detector.device if detector else "",
            "model": detector.name if detector else "",
            "first_result_s": None if first is None else round(first - process_start(), 3),
            "peak_rss_mb": peak_rss_mb(),
            "seconds": round(self._ended - self._began, 3) if self._pipeline else 0.0,
        }

    def _people(self) -> dict[str, int] | None:
        """Unique people of the run by state; None where nobody is followed."""
        stats = self._pipeline.stats if self._pipeline else None
        if stats is None or stats.people is None:
            return None
        people = stats.people
        return {"unique": sum(people.values()), **people, "margin": stats.people_margin}

    def _sources(self) -> list[dict[str, Any]]:
        if self._pipeline is None:
            return []
        run = self._pipeline.stats
        each = [
            (name, run.of(i), run.recorded_stream(i)) for i, name in enumerate(run.source_names)
        ]
        return [
            {
                "name": name,
                "captured": stats.captured,
                "processed": stats.processed,
                "dropped": stats.dropped,
                "skipped": stats.skipped,
                "unchanged": stats.unchanged,
                "reconnects": stats.reconnects,
                "no_signal": _silence(stats),
                "recorded_stream": None if recorded is None else _recorded(recorded),
                "paused_s": round(stats.paused_s, 2),
            }
            for name, stats, recorded in each
        ]

    def line(self) -> str:
        """The run in one line, once it has begun."""
        assert self._pipeline is not None
        stats, detector = self.stats, self._pipeline.detector
        seconds = self._ended - self._began
        dropped = f", {stats.dropped} dropped for newer ones" if stats.dropped else ""
        if stats.skipped:
            dropped += f", {stats.skipped} skipped as the settings ask"
        if stats.unchanged:
            dropped += f", {stats.unchanged} without motion"
        if stats.outages:
            times = "once" if stats.outages == 1 else f"{stats.outages} times"
            dropped += f"; no signal {times}, {duration(stats.outage_s)} in all"
        dropped += self._recorded_outages()
        if self.unread:
            dropped += f"; {counted(self.unread, 'picture')} could not be read"
        rate = self._rates(stats)["detect"] if self._measured_s() >= _MIN_RATE_S else None
        fps = "" if rate is None else f" ({rate:.1f} fps)"
        found = states(Counter(self._pipeline.stats.counts))
        people = self._people()
        seen = "" if people is None else f"; {in_words(people)}"
        frames = counted(stats.captured, "frame")
        return (
            f"processed {stats.processed} of {frames} in {seconds:.1f} s{fps}"
            f"{dropped}{seen}; face-frames (each face in each frame): {found}; "
            f"{detector.name} on {detector.device}"
        )

    def _recorded_outages(self) -> str:
        assert self._pipeline is not None
        run = self._pipeline.stats
        states = [run.recorded_stream(i) for i in range(len(run.source_names))]
        known = [one for one in states if one is not None and one.outages]
        if not known:
            return ""
        outages = sum(one.outages for one in known)
        times = "once" if outages == 1 else f"{outages} times"
        seconds = sum(one.outage_s for one in known)
        return f"; no signal of the recorded stream {times}, {duration(seconds)} in all"

    def _rates(self, stats: SourceStats) -> dict[str, float | None]:
        """Means of the run from its first result on, in frames a second."""
        seconds = self._measured_s()
        return {
            "capture": _rate(stats.captured, seconds),
            "detect": _rate(stats.processed, seconds),
        }

    def _measured_s(self) -> float:
        """Length of the run from its first result on."""
        first = self._pipeline.stats.first_result if self._pipeline else None
        return 0.0 if first is None else self._ended - first

    def _latency(self) -> dict[str, float]:
        found = self._pipeline.stats.latency() if self._pipeline else {"p50": 0, "p95": 0, "max": 0}
        return {name: round(value, 2) for name, value in found.items()}


def in_words(people: Mapping[str, int]) -> str:
    """People of a run in words: ``3 people (± 1): mask 2, no mask 1``."""
    unique = people["unique"]
    noun = "1 person" if unique == 1 else f"{unique} people"
    noun += f" (± {people['margin']})" if people["margin"] else ""
    return f"{noun}: {states(Counter(people), all_of_them=False)}" if unique else noun


def write_summary(path: Path, values: dict[str, Any], *, sync: bool = True) -> None:
    """Writes the values as JSON, whole or not at all.

    Args:
        path: of the file.
        values: of the run.
        sync: wait until the disk holds them.

    Raises:
        SinkError: the file cannot be written.
    """
    write_output(path, json.dumps(values, indent=2) + "\n", folder="require", sync=sync)


def process_start() -> float:
    """When this process started, on the clock of `time.monotonic()`."""
    if sys.platform == "linux":
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
        start = int(fields[19]) / os.sysconf("SC_CLK_TCK")  # since boot, to 10 ms
        age = time.clock_gettime(time.CLOCK_BOOTTIME) - start
    else:
        import psutil

        age = time.time() - psutil.Process().create_time()
    return time.monotonic() - age


def peak_rss_mb() -> float:
    """The most memory this process ever held, in MiB."""
    if sys.platform == "linux":  # getrusage would count what the parent held when it started us
        lines = Path("/proc/self/status").read_text().splitlines()
        kib = next(line.split()[1] for line in lines if line.startswith("VmHWM"))
        return round(int(kib) / 2**10, 1)
    if sys.platform == "win32":
        import psutil

        return float(round(psutil.Process().memory_info().peak_wset / 2**20, 1))
    import resource

    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 1)


def _silence(stats: SourceStats) -> dict[str, float]:
    return {"times": stats.outages, "seconds": round(stats.outage_s, 2)}


def _recorded(state: FeedState) -> dict[str, Any]:
    return {
        "packets": state.packets,
        "reconnects": state.reconnects,
        "no_signal": {"times": state.outages, "seconds": round(state.outage_s, 2)},
    }


def _rate(frames: int, seconds: float) -> float | None:
    return round((frames - 1) / seconds, 2) if frames > 1 and seconds > 0 else None
