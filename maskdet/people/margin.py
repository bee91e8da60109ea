"""The margin of error of the count of people."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from maskdet.people.tracking import Step, Track

REACH_WIDTHS = 6.0
"""Face widths within which somebody new may be somebody who is out of sight."""
SIZE_RATIO = 0.5
"""Change of the face's size, as a natural logarithm, up to which that is possible."""
MEMORY_S = 4.0
"""Seconds for which somebody out of sight may come back as somebody new."""
ABSENCE_S = 0.5
"""Seconds out of sight after which it may be somebody else who comes back."""
SPLIT_PROBABILITY = 0.35
"""Probability that somebody new within reach of somebody out of sight is the same person."""
JOIN_PROBABILITY = 0.08
"""Probability that somebody who comes back is somebody else."""


class Margin:
    """Adds up the chances that one person was counted twice, or two as one.

    Attributes:
        errors: wrong decisions that are to be expected so far.
    """

    def __init__(self) -> None:
        self.errors = 0.0
        self._ended: list[Track] = []

    @property
    def people(self) -> int:
        """People that the count may be wrong by, either way, in nineteen of twenty runs.

        Splits and joins cancel each other out in part: of many errors it is twice their root.
        """
        return round(min(2 * math.sqrt(self.errors), 4 * self.errors))

    def update(self, step: Step, tracks: Iterable[Track], now: float) -> None:
        """Takes the result of a frame in.

        Args:
            step: the tracker's.
            tracks: everybody who is followed.
            now: seconds of the source's clock.
        """
        self._ended = [t for t in (*self._ended, *step.ended) if now - t.seen <= MEMORY_S]
        known = [track for track in tracks if track.is_confirmed and not track.is_still]
        if step.confirmed:
            hidden = [*self._ended, *(track for track in known if track.row is None)]
            self.errors += SPLIT_PROBABILITY * sum(
                _is_near(track, hidden) for track in step.confirmed
            )
        self.errors += JOIN_PROBABILITY * sum(
            t.row is not None and t.absent > ABSENCE_S for t in known
        )


def _is_near(track: Track, hidden: Sequence[Track]) -> bool:
    mine = track.motion
    return any(
        math.hypot(mine.x - one.motion.x, mine.y - one.motion.y) < REACH_WIDTHS * mine.size
        and abs(math.log(mine.size / one.motion.size)) < SIZE_RATIO
        for one in hidden
    )
