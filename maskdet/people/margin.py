"""The margin of error of the count of people."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from maskdet.people.tracking.track import Track
from maskdet.people.tracking.tracker import Step

REACH_WIDTHS = 6.0
"""Face widths within which somebody new may be somebody who is out of sight."""
SIZE_RATIO = 0.5
"""Change of the face's size, as a natural logarithm, up to which that is possible."""
MEMORY_S = 4.0
"""Seconds for which somebody out of sight may come back as somebody new: fewer than the tracker
remembers them for."""
ABSENCE_S = 0.5
"""Seconds out of sight after which it may be somebody else who comes back."""
ABSENCE_FRAMES = 1.5
"""Frames out of sight that are needed for that, too."""
WALK_WIDTHS = 3.0
"""Face widths after which somebody walks through the image, where others may not be found."""
MAX_INTERVAL_S = 2.0
"""Seconds between two frames, at most, that count for how many pass unseen."""
NEAR_VARIANCE = 0.1
"""Squared error for each person who came where somebody vanished."""
RETURN_VARIANCE = 0.02
"""Squared error for each return of somebody who was out of sight."""
WALK_VARIANCE = 0.16
"""Squared error for each person who walks: some are not found, some get two numbers."""
WALK_MISSES = 0.2
"""People who pass unseen for each who walks, at a frame a second; in proportion at other rates."""
COVERAGE = 1.85
"""Standard deviations that hold nineteen of twenty counts; fit to simulated ones, as all above."""


@dataclass
class Doubts:
    """Reasons for a count to be wrong, each as a number of cases.

    Attributes:
        near: people who came where somebody had vanished.
        returns: returns of somebody who was out of sight.
        walkers: people who walked through the image.
        interval_s: seconds between two frames, added up over the walkers.
    """

    near: float = 0.0
    returns: float = 0.0
    walkers: float = 0.0
    interval_s: float = 0.0

    def since(self, before: Doubts) -> Doubts:
        """Those that came after an earlier moment."""
        return Doubts(
            self.near - before.near,
            self.returns - before.returns,
            self.walkers - before.walkers,
            self.interval_s - before.interval_s,
        )

    @property
    def margin(self) -> int:
        """People that the count may be wrong by, either way, in nineteen of twenty runs."""
        variance = (
            NEAR_VARIANCE * self.near
            + RETURN_VARIANCE * self.returns
            + WALK_VARIANCE * self.walkers
        )
        return round(COVERAGE * math.sqrt(variance) + WALK_MISSES * self.interval_s)


class Margin:
    """Adds up the doubts that there are about a count.

    Attributes:
        doubts: of the run.
    """

    def __init__(self) -> None:
        self.doubts = Doubts()
        self._of_day = Doubts()
        self._walkers: set[int] = set()

    @property
    def people(self) -> int:
        """People that the count of the run may be wrong by, either way."""
        return self.doubts.margin

    @property
    def today(self) -> int:
        """People that the count of the day may be wrong by, either way."""
        return self.doubts.since(self._of_day).margin

    def begin_day(self) -> None:
        """A new day begins."""
        self._of_day = replace(self.doubts)

    def update(
        self, step: Step, tracks: Sequence[Track], gone: Sequence[Track], now: float
    ) -> None:
        """Takes the result of a frame in.

        Args:
            step: the tracker's.
            tracks: everybody who is followed.
            gone: people who were given up, but may come back.
            now: seconds of the source's clock.
        """
        recent = [track for track in gone if now - track.seen <= MEMORY_S]
        self._walkers &= {track.track_id for track in (*tracks, *recent)}
        known = [track for track in tracks if track.is_confirmed and not track.is_still]
        if step.confirmed:
            hidden = [*recent, *(track for track in known if track.row is None)]
            new = [track for track in step.confirmed if track not in step.returned]
            self.doubts.near += sum(_is_near(track, hidden) for track in new)
            self.doubts.returns += len(step.returned)
        absence = max(ABSENCE_S, ABSENCE_FRAMES * step.interval)
        for track in known:
            self.doubts.returns += track.row is not None and track.absent > absence
            if track.track_id not in self._walkers and track.distance > WALK_WIDTHS:
                self._walkers.add(track.track_id)
                self.doubts.walkers += 1
                self.doubts.interval_s += min(step.interval, MAX_INTERVAL_S)


def _is_near(track: Track, hidden: Sequence[Track]) -> bool:
    mine = track.motion
    return any(
        math.hypot(mine.x - one.motion.x, mine.y - one.motion.y) < REACH_WIDTHS * mine.size
        and abs(math.log(mine.size / one.motion.size)) < SIZE_RATIO
        for one in hidden
    )
