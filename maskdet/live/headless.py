"""The main loop where there is no window, and what every main loop does beside showing."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable

from maskdet.drawing.status_text import duration
from maskdet.live.cameras.signal_watch import SignalWatch
from maskdet.live.pipeline import Pipeline
from maskdet.live.status.heartbeat import Heartbeat
from maskdet.live.status.status_reporter import StatusReporter
from maskdet.system.console import say_named

_POLL_S = 0.1
_CHECK_INTERVAL_S = 0.1
"""Seconds between two checks of all sources: a turn of the main loop is an observation of one of
them, and with many sources there are many turns."""
_CLOCK_JUMP_S = 5.0
"""What a clock may go wrong between two checks before that is worth a line; time services slew."""


class ClockWatch:
    """Reports a clock that is set, or a machine that has slept: a line for each jump."""

    def __init__(self) -> None:
        """Takes the clock as it is."""
        self._offset = time.time() - time.monotonic()

    def check(self) -> None:
        """Compares the clock with the time that has passed; called often."""
        offset = time.time() - time.monotonic()
        jump, self._offset = offset - self._offset, offset
        if abs(jump) >= _CLOCK_JUMP_S:
            way = f"{'forward' if jump > 0 else 'back'} by {duration(round(abs(jump)))}"
            say_named(
                f"the clock went {way}; people and totals go on, and times follow the clock",
                "warning",
            )


class Watch:
    """Reports what fails, and asks whether to end; called once a turn by a main loop."""

    def __init__(
        self,
        pipeline: Pipeline,
        stop: Callable[[], bool],
        heartbeat: Heartbeat | None = None,
        also: Iterable[Callable[[], object] | None] = (),
    ) -> None:
        """Watches.

        Args:
            pipeline: the run.
            stop: whether somebody has asked for the end.
            heartbeat: shows others that all is well.
            also: called at each turn, too, where there are any.
        """
        self._pipeline = pipeline
        self._stop = stop
        self._heartbeat = heartbeat
        self._also = [job for job in also if job is not None]
        self._signals: defaultdict[int, SignalWatch] = defaultdict(SignalWatch)
        self._recorded: defaultdict[int, SignalWatch] = defaultdict(
            lambda: SignalWatch("recorded stream: ")
        )
        self._clock = ClockWatch()
        self._reported = 0
        self._due = 0.0

    def __call__(self) -> bool:
        """Whether to end now."""
        for error in self._pipeline.errors[self._reported :]:
            say_named(str(error), "error")
            self._reported += 1
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + _CHECK_INTERVAL_S
            self._check()
        for job in self._also:
            job()
        return self._stop()

    def _check(self) -> None:
        """Looks at all sources, and at the clock."""
        self._clock.check()
        for index, name in enumerate(self._pipeline.stats.source_names):
            self._check_signals(index, name)
        if self._heartbeat is not None:
            self._heartbeat.beat(self._pipeline.stats.total())

    def _check_signals(self, index: int, name: str) -> None:
        """Looks at a source, and at its recorded stream if it has one."""
        stats = self._pipeline.stats
        if stats.is_wanted(index):
            now, reason = stats.of(index), stats.signal_loss_reason(index)
            self._signals[index].check(
                name, silent_s=now.silent_s, has_begun=not now.is_opening, reason=reason
            )
        else:  # a user has paused or removed it
            self._signals[index].forget()
        recorded = stats.recorded_stream(index)
        if recorded is not None and recorded.is_wanted:
            has_begun = recorded.packets > 0
            self._recorded[index].check(
                name, silent_s=recorded.silent_s, has_begun=has_begun, reason=recorded.reason
            )
        else:
            self._recorded[index].forget()

    def run(self) -> None:
        """The main loop without a window: until the sources end or somebody ends it."""
        status = StatusReporter(self._pipeline)
        try:
            while not (self() or self._pipeline.ended):
                observation = self._pipeline.next(_POLL_S)
                if observation is not None:
                    self._pipeline.stats.record_finished(observation, shown=False)
                    status.add(observation)
                status.poll()
        finally:
            status.close()
