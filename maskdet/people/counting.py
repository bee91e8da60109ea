"""Unique people by state: of the run, and since the start of the local hour and day.

A person counts in the state worn longest in that time. People who are gone are kept as a number
alone, so memory does not grow with the days.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

from maskdet.detections import MaskState

Key = tuple[int, ...]
CLOCK_CORRECTION_S = 3600.0
"""A clock that is set back by less goes on in the same hour and day."""


class Tally:
    """People by state over one length of time."""

    def __init__(self) -> None:
        self._counts = {state.name: 0 for state in MaskState}
        self._seconds: dict[int, list[float]] = {}
        self._longest: dict[int, MaskState] = {}

    def add(self, track_id: int, state: MaskState, seconds: float) -> None:
        """A person wore the mask in that way for so long; 0 seconds count the person, too."""
        worn = self._seconds.get(track_id)
        if worn is None:
            worn = self._seconds[track_id] = [0.0] * len(MaskState)
            self._longest[track_id] = MaskState.unsure
            self._counts[MaskState.unsure.name] += 1
        worn[state] += seconds
        if state is not self._longest[track_id]:
            self._choose(track_id, longest(worn, state))

    def remove(self, track_id: int) -> None:
        """A person is not to count (any longer)."""
        if self._seconds.pop(track_id, None) is not None:
            self._counts[self._longest.pop(track_id).name] -= 1

    def end(self, track_id: int) -> None:
        """A person is gone, and counts from now on as a number."""
        self._seconds.pop(track_id, None)
        self._longest.pop(track_id, None)

    def counts(self) -> dict[str, int]:
        """People by name of `MaskState`, every state named."""
        return dict(self._counts)

    def _choose(self, track_id: int, state: MaskState) -> None:
        self._counts[self._longest[track_id].name] -= 1
        self._counts[state.name] += 1
        self._longest[track_id] = state


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

    def begin(self, utc: float) -> bool:
        """Begins a new hour or day where a frame's Unix time lies in another one.

        A clock that is set back by less than an hour begins none: nothing counts twice.

        Returns:
            Whether a new day begins.
        """
        if 0 < self._latest - utc < CLOCK_CORRECTION_S:
            return False
        self._latest = utc
        key = _hour_key(utc, self._zone)
        if key == self._hour_key:
            return False
        is_other_day = key[:3] != self._hour_key[:3]
        if is_other_day:
            self.day = Tally()
        self.hour = Tally()
        self._hour_key = key
        return is_other_day

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


def longest(seconds: Sequence[float], now: MaskState) -> MaskState:
    """The state worn longest; unsure only where it is all.

    Args:
        seconds: by value of `MaskState`.
        now: the state now, which counts where no other is known for any time.
    """
    known = seconds[: MaskState.unsure]
    best = max(range(len(known)), key=known.__getitem__)
    return MaskState(best) if known[best] > 0 else now


def _hour_key(utc: float, zone: tzinfo | None) -> Key:
    """Names the local hour: year, month, day, hour, and the minutes from UTC."""
    local = datetime.fromtimestamp(utc, zone) if zone else datetime.fromtimestamp(utc).astimezone()
    offset = local.utcoffset()
    return (*local.timetuple()[:4], int(offset.total_seconds() // 60) if offset else 0)
