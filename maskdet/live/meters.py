"""Counts and times of a run while it runs, in memory that does not grow."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from maskdet.sources.silence import Silence, SilenceMeter, is_no_signal

OPENING_S = 3.0
"""Seconds that it may take to give its first frame after it was asked for."""


BURST_S = 0.3
"""Seconds within which frames come that had queued up while a camera was opened."""


class Rate:
    """Events a second over the last few seconds; without the burst that they may begin with."""

    def __init__(self, window: float = 3.0) -> None:
        self._window = window
        self._times: deque[float] = deque(maxlen=1024)
        self._steady_from = 0.0

    def tick(self) -> None:
        """One event, now."""
        now = time.monotonic()
        if not self._times or self._times[-1] < now - self._window:
            self._steady_from = now + BURST_S
        self._times.append(now)
        while self._times[0] < now - self._window:
            self._times.popleft()

    @property
    def value(self) -> float:
        """The rate; 0 before the second event and when events have stopped."""
        since = time.monotonic() - self._window
        times = [moment for moment in tuple(self._times) if moment >= since]
        steady = [moment for moment in times if moment >= self._steady_from]
        times = steady if len(steady) > 1 else times
        if len(times) < 2 or times[-1] == times[0]:
            return 0.0
        return (len(times) - 1) / (times[-1] - times[0])


class Reservoir:
    """A fair sample of any number of values (Vitter's algorithm R); the highest is exact."""

    def __init__(self, size: int = 2048) -> None:
        self._size = size
        self._values: list[float] = []
        self._seen = 0
        self._highest = 0.0
        self._random = random.Random(0)

    def add(self, value: float) -> None:
        """One more value."""
        self._seen += 1
        self._highest = max(self._highest, value)
        if len(self._values) < self._size:
            self._values.append(value)
        elif (at := self._random.randrange(self._seen)) < self._size:
            self._values[at] = value

    def percentiles(self) -> dict[str, float]:
        """``{"p50", "p95", "max"}``; zeros before the first value."""
        if not self._values:
            return {"p50": 0.0, "p95": 0.0, "max": 0.0}
        middle, high = np.percentile(self._values, (50, 95))
        return {"p50": float(middle), "p95": float(high), "max": self._highest}


@dataclass(frozen=True)
class SourceStats:
    """A source's numbers at one moment.

    Attributes:
        captured: frames that left the source.
        processed: frames that went through the detector.
        shown: frames that main reported as shown.
        dropped: frames that a newer one replaced before they were processed; 0 for files.
        pending: frames that the detector has or could have, and has not answered.
        reconnects: how often a live source was opened again.
        silent_s: seconds since a live source's last frame, at this moment.
        outages: how often a live source was silent for too long: see `SilenceMeter`.
        outage_s: for how long in all.
        capture_fps: frames a second out of the source, over the last seconds.
        detect_fps: frames a second through the detector, over the last seconds.
        skipped: frames left out on purpose, as only so many a second are to be processed.
        unchanged: frames that were not processed, as nothing had moved in them.
        paused_s: seconds in which a user had paused or removed it.
        is_opening: whether no frame has come since it was asked for.
    """

    captured: int
    processed: int
    shown: int
    dropped: int
    pending: int
    reconnects: int
    silent_s: float
    outages: int
    outage_s: float
    capture_fps: float
    detect_fps: float
    skipped: int = 0
    unchanged: int = 0
    paused_s: float = 0.0
    is_opening: bool = False

    @property
    def no_signal(self) -> bool:
        """Whether a live source gives nothing at the moment."""
        return is_no_signal(self.silent_s)

    @classmethod
    def total(cls, parts: Iterable[SourceStats]) -> SourceStats:
        """The sums over several sources."""
        rows = [tuple(vars(part).values()) for part in parts]
        return cls(*(sum(column) for column in zip(*rows, strict=True)))


class SourceMeter:
    """Counts one source's frames; each counter is written by one thread only."""

    def __init__(self) -> None:
        self.captured = self.processed = self.shown = self.skipped = self.unchanged = 0
        self._capture_rate, self._detect_rate = Rate(), Rate()
        self._silence = SilenceMeter(OPENING_S)
        self._ended: float | None = None
        self._paused_at: float | None = None
        self._paused_s = 0.0

    def begin(self) -> None:
        """Records that from now on a frame may come, unless it is suspended."""
        if not self.is_suspended:
            self._silence.want()

    def suspend(self) -> None:
        """Records that from now on no frame is wanted, which is no silence."""
        if not self.is_suspended:
            self._silence.rest()
            self._paused_at = time.monotonic()

    @property
    def is_suspended(self) -> bool:
        """Whether no frame is wanted at the moment."""
        return self._paused_at is not None

    def resume(self) -> None:
        """Records that frames are wanted again."""
        self._paused_s, self._paused_at = self._paused(), None
        self._silence.want()

    def end(self) -> None:
        """Records that from now on none will come, which is no silence."""
        if self._ended is None:
            self._ended = time.monotonic()
            self._silence.end()

    def capture(self, pause: float = 0.0) -> None:
        """A frame left the source, which waits so many seconds on its own before the next."""
        if not self.is_suspended:
            self._silence.receive(pause)
        self.captured += 1
        self._capture_rate.tick()

    def skip(self) -> None:
        """A captured frame is left out on purpose."""
        self.skipped += 1

    def skip_unread(self, count: int) -> None:
        """The source itself left out so many frames, as it was asked to."""
        for _ in range(count):
            self.capture(self._silence.pause)
        self.skipped += count

    def carry_on(self) -> None:
        """A frame was not processed, as nothing had moved in it."""
        self.unchanged += 1

    def process(self) -> None:
        """A frame was processed."""
        self.processed += 1
        self._detect_rate.tick()

    def read(
        self, dropped: int, reconnects: int, *, is_live: bool, is_held: bool = False
    ) -> SourceStats:
        """The numbers now; a file is never silent: it waits for its reader.

        Args:
            dropped: see `SourceStats`.
            reconnects: likewise.
            is_live: whether it is a camera or stream.
            is_held: whether it waits for main, not for the detector.
        """
        done = self.processed + dropped + self.skipped + self.unchanged
        pending = 0 if is_held else max(0, self.captured - done)
        silence = self._silence.read() if is_live else Silence()
        return SourceStats(
            captured=self.captured,
            processed=self.processed,
            shown=self.shown,
            dropped=dropped,
            pending=pending,
            reconnects=reconnects,
            silent_s=silence.silent_s,
            outages=silence.outages,
            outage_s=silence.outage_s,
            capture_fps=self._capture_rate.value,
            detect_fps=self._detect_rate.value,
            skipped=self.skipped,
            unchanged=self.unchanged,
            paused_s=self._paused(),
            is_opening=self._silence.is_opening,
        )

    def _paused(self) -> float:
        if self._paused_at is None:
            return self._paused_s
        return self._paused_s + (self._ended or time.monotonic()) - self._paused_at
