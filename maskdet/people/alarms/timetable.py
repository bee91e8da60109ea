"""Times of the week in which a rule is armed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, tzinfo

MINUTES_PER_DAY = 24 * 60


@dataclass(frozen=True)
class Timetable:
    """Hours and weekdays in local time, daylight saving included.

    Attributes:
        spans: minutes of the day, from and to (itself not in it); a span that ends before it begins
            goes on after midnight and belongs to the day it began on. Empty: all day.
        days: weekdays, 0 is Monday. Empty: all.
    """

    spans: tuple[tuple[int, int], ...] = ()
    days: frozenset[int] = frozenset()

    def covers(self, utc: float, zone: tzinfo | None = None) -> bool:
        """Whether a rule is armed at a Unix time.

        Args:
            utc: the time.
            zone: of local time; None: the machine's.
        """
        if not self.spans and not self.days:
            return True
        local = datetime.fromtimestamp(utc, zone)
        minute, day = local.hour * 60 + local.minute, local.weekday()
        for begin, end in self.spans or ((0, MINUTES_PER_DAY),):
            if begin < end:
                if begin <= minute < end and self._has(day):
                    return True
            elif (minute >= begin and self._has(day)) or (minute < end and self._has(day - 1)):
                return True
        return False

    def _has(self, day: int) -> bool:
        return not self.days or day % 7 in self.days
