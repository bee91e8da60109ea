"""Status lines of a run without a window: counts, rates, drops, and a file's progress."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import TYPE_CHECKING

from maskdet.detections import MaskState
from maskdet.drawing.status_text import duration
from maskdet.live.meters import SourceStats
from maskdet.live.pipeline import Pipeline
from maskdet.live.progress import Progress
from maskdet.observation import Observation, PeopleCounts, sum_of_margins
from maskdet.system.console import has_terminal, say

if TYPE_CHECKING:
    from maskdet.live.status.progress_bar import ProgressBars

FIRST_LINE_S = 0.5
"""Seconds from the first processed frame to the first line: rates need a few frames."""
LINE_INTERVAL_S = 10.0
_MAX_LINES = 4
"""Sources that get a line each; more of them share one."""


@dataclass
class _Seen:
    """Counts of one source since its last line."""

    last: Observation | None = None
    began: float = 0.0
    frames: int = 0
    most: Counter[str] = field(default_factory=Counter)


class StatusReporter:
    """Reports to standard error what a run sees, every ten seconds.

    A file's progress is a bar on a terminal, and part of the line elsewhere.
    """

    def __init__(self, pipeline: Pipeline) -> None:
        """Waits for the first frame.

        Args:
            pipeline: the run.
        """
        self._pipeline = pipeline
        self._seen: dict[str, _Seen] = {}
        self._bars = _bars() if has_terminal() else None
        self._due: float | None = None
        self._since = time.monotonic()

    def add(self, observation: Observation) -> None:
        """Takes note of an observation."""
        now = time.monotonic()
        seen = self._seen.setdefault(observation.frame.source, _Seen())
        if self._due is None:
            self._due, self._since = now + FIRST_LINE_S, now
        if seen.last is None:
            seen.began = now
        seen.last = observation
        seen.frames += 1
        for state, count in observation.counts.items():
            seen.most[state] = max(seen.most[state], count)
        if self._bars is not None and (progress := self._pipeline.stats.progress(observation)):
            name, share = observation.frame.source, progress.share
            self._bars.show(
                _short(name), share, f"{self._left(progress, seen)}  {faces(observation)}"
            )

    def poll(self) -> None:
        """Writes the lines that are due; called once a turn by the main loop."""
        now = time.monotonic()
        if self._due is None or now < self._due:
            return
        lines = self._lines(now - self._since)
        for line in lines:
            say(line)
        self._due, self._since = now + LINE_INTERVAL_S, now
        for seen in self._seen.values():
            seen.most.clear()

    def close(self) -> None:
        """Leaves the bars as they are."""
        if self._bars is not None:
            self._bars.close()

    def _lines(self, seconds: float) -> list[str]:
        stats = self._pipeline.stats
        present = [
            (index, name, self._seen.setdefault(name, _Seen()))
            for index, name in enumerate(stats.source_names)
            if not stats.is_removed(index)
        ]
        shown = [one for one in present if self._bars is None or not self._bars.has(_short(one[1]))]
        if len(shown) > _MAX_LINES:
            return [self._sum(present, seconds)]
        return [self._line(index, name, seen, seconds) for index, name, seen in shown]

    def _line(self, index: int, name: str, seen: _Seen, seconds: float) -> str:
        if self._pipeline.stats.is_paused(index):
            return f"{name}: paused"
        stats = self._pipeline.stats.of(index)
        recorded = self._pipeline.stats.recorded_stream(index)
        lost = []
        if recorded is not None and recorded.no_signal:
            lost.append(f"recorded stream: no signal for {duration(recorded.silent_s)}")
        if seen.last is None:
            return "; ".join([f"{name}: no frame yet", *lost])
        if self._pipeline.stats.has_ended(index):
            return f"{name}: has ended{_people_of_one_that_has_ended(seen.last)}"
        progress = self._pipeline.stats.progress(seen.last)
        parts = [] if progress is None else [self._left(progress, seen)]
        if stats.no_signal:
            parts.append(f"no signal for {duration(stats.silent_s)}")
        else:
            now = Counter(seen.last.counts)
            if seen.last.people_counts is None:
                parts.append(faces(seen.last))
            else:
                parts += [people([seen.last.people_counts]), f"faces: {faces(seen.last)}"]
            if seen.most - now:
                most = states(seen.most, all_of_them=False)
                parts.append(f"at most {most} in one frame of the last {duration(seconds)}")
            if seen.last.alerts:
                parts.append(f"alarm: {', '.join(seen.last.alerts)}")
        parts.append(rates(stats, is_live=progress is None))
        return f"{name}: {'; '.join([*parts, *lost])}"

    def _sum(self, present: Sequence[tuple[int, str, _Seen]], seconds: float) -> str:
        """One line for many sources."""
        now: Counter[str] = Counter()
        alerts: Counter[str] = Counter()
        counts: list[PeopleCounts] = []
        silent = paused = ended = 0
        for index, _, seen in present:
            known = None if seen.last is None else seen.last.people_counts
            if self._pipeline.stats.is_paused(index):
                paused += 1
            elif seen.last is not None and self._pipeline.stats.has_ended(index):
                ended += 1  # its last faces are nobody who is there now
            elif seen.last is None or self._pipeline.stats.of(index).no_signal:
                silent += 1
            else:
                now.update(seen.last.counts)
                alerts.update(seen.last.alerts)
                counts += [] if known is None else [known]
                continue
            counts += [] if known is None else [replace(known, now={})]
        without = f"; {silent} of them without a picture" if silent else ""
        recorded = [self._pipeline.stats.recorded_stream(index) for index, *_ in present]
        if lost := sum(one is not None and one.no_signal for one in recorded):
            without += f"; {lost} recorded streams without signal"
        without += f"; {paused} paused" if paused else ""
        without += f"; {ended} ended" if ended else ""
        without += f"; alarm: {', '.join(alerts)}" if alerts else ""
        total = rates(self._pipeline.stats.total(), is_live=True)
        found = f"{people(counts)}; faces: {states(now)}" if counts else states(now)
        return f"{len(present)} sources: {found}{without}; {total}"

    def _left(self, progress: Progress, seen: _Seen) -> str:
        """Position, length, and the time that the rest will take at the mean speed so far."""
        place = progress.place
        share = progress.share
        if not share or share >= 1 or seen.frames < 2:
            return place
        left = (time.monotonic() - seen.began) * (1 - share) / share
        return f"{place} ({int(100 * share)} %), about {duration(left)} left"


def _bars() -> ProgressBars:
    from maskdet.live.status.progress_bar import ProgressBars  # late: few runs need rich

    return ProgressBars()


def _people_of_one_that_has_ended(last: Observation) -> str:
    """Those since the start: nobody is there now."""
    known = last.people_counts
    return "" if known is None else f"; {people([replace(known, now={})])}"


def _short(name: str) -> str:
    """A path's last part: a bar has little room."""
    return PurePath(name).name or name


def faces(observation: Observation) -> str:
    """The faces of a frame by state, as on the window's bar."""
    return states(Counter(observation.counts))


def people(counts: Sequence[PeopleCounts]) -> str:
    """People of some sources: ``people: 3 now, 17 (± 1) since the start``."""
    around = sum_of_margins(one.margin for one in counts)
    margin = f" (± {around})" if around else ""
    now = sum(sum(one.now.values()) for one in counts)
    unique = sum(sum(one.run.values()) for one in counts)
    return f"people: {now} now, {unique}{margin} since the start"


def states(counts: Counter[str], *, all_of_them: bool = True) -> str:
    """Counts in words: ``mask 2, no mask 1, incorrect 0, unsure 0``.

    Args:
        counts: faces by names of `MaskState`.
        all_of_them: name states without a face, too.
    """
    return ", ".join(
        f"{state.title} {counts[state.name]}"
        for state in MaskState
        if all_of_them or counts[state.name]
    )


def rates(stats: SourceStats, *, is_live: bool) -> str:
    """Rates of the last seconds, and the frames that were left out so far."""
    parts = [f"camera {stats.capture_fps:.1f} fps"] if is_live else []
    parts.append(f"detect {stats.detect_fps:.1f} fps")
    if is_live:
        parts.append(f"{stats.dropped} {'frame' if stats.dropped == 1 else 'frames'} dropped")
    if stats.skipped:
        parts.append(f"{stats.skipped} skipped")
    if stats.unchanged:
        parts.append(f"{stats.unchanged} without motion")
    return ", ".join(parts)
