"""Unique people by state: of the run, and since the start of the local hour and day.

A person counts in the state worn longest in that time. Who is gone is kept as a number alone, so
memory does not grow with the days.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, tzinfo

from maskdet.detections import MaskState

Key = tuple[int, ...]
CLOCK_CORRECTION_S = 3600.0
"""A clock that is set back by less goes on in the same hour and day."""


class Tally:
    """People by state over one length of time."""

    def __init__(self) -> None:
        self._gone: Counter[str] = Counter()
        self._seconds: dict[int, list[float]] = {}

    def add(self, track_id: int, state: MaskState, seconds: float) -> None:
        """A person wore the mask in that way for so long; 0 seconds count the person, too."""
        self._seconds.setdefault(track_id, [0.0] * len(MaskState))[state] += seconds

    def remove(self, track_id: int) -> None:
        """A person is not to count (any longer)."""
        self._seconds.pop(track_id, None)

    def end(self, track_id: int) -> None:
        """A person is gone, and counts from now on as a number."""
        if (seconds := self._seconds.pop(track_id, None)) is not None:
            self._gone[longest(seconds).name] += 1

    def counts(self) -> dict[str, int]:
        """People by name of `MaskState`, every state named."""
        now = Counter(longest(seconds).name for seconds in self._seconds.values())
        return {state.name: self._gone[state.name] + now[state.name] for state in MaskState}


class PeopleTally:
    """People by state of the run, the local day and the local hour.

    Local time is that of the machine, or of a given zone; where clocks are set back for winter, the
    hour that comes twice is two hours, and the day has 25.
    """

    def __init__(self, zone: tzinfo | None = None) -> None:
        """Counts nobody yet.

        Args:
            zone: of local time; None: the machine's.
        """
        self._zone = zone
        self._hour_key: Key = ()
        self._latest = 0.0
        self.run, self.day, self.hour = Tally(), Tally(), Tally()

    def begin(self, utc: float) -> None:
        """Begins a new hour or day where a frame's Unix time lies in another one.

        A clock that is set back by less than an hour begins none: nothing counts twice.
        """
        if 0 < self._latest - utc < CLOCK_CORRECTION_S:
            return
        self._latest = utc
        key = _hour_key(utc, self._zone)
        if key != self._hour_key:
            if key[:3] != self._hour_key[:3]:
                self.day = Tally()
            self.hour = Tally()
            self._hour_key = key

    def add(self, track_id: int, state: MaskState, seconds: float) -> None:
        """A person was seen in that state for so many seconds."""
        for tally in (self.run, self.day, self.hour):
            tally.add(track_id, state, seconds)

    def remove(self, track_id: int) -> None:
        """A person turns out not to be one."""
        for tally in (self.run, self.day, self.hour):
            tally.remove(track_id)

    def end(self, track_id: int) -> None:
        """A person is gone."""
        for tally in (self.run, self.day, self.hour):
            tally.end(track_id)


def longest(seconds: Sequence[float]) -> MaskState:
    """The state worn longest, of seconds by value of `MaskState`; unsure only where it is all."""
    known = seconds[: MaskState.unsure]
    best = max(range(len(known)), key=known.__getitem__)
    return MaskState(best) if known[best] > 0 else MaskState.unsure


def _hour_key(utc: float, zone: tzinfo | None) -> Key:
    """Names the local hour: year, month, day, hour, and the minutes from UTC."""
    local = datetime.fromtimestamp(utc, zone) if zone else datetime.fromtimestamp(utc).astimezone()
    offset = local.utcoffset()
    return (*local.timetuple()[:4], int(offset.total_seconds() // 60) if offset else 0)
