"""Days and hours of the clock on the wall, where a day may have 23 or 25 hours."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from maskdet.errors import ConfigError

YEARS = (1970, 2099)
"""First and last year that a day may be in: more than any store has."""
_TRANSITION_STEP_S = 900
"""Clocks are set at quarters of an hour."""


class LocalTime:
    """Unix times to and from the time of a place."""

    def __init__(self, zone: str | None = None) -> None:
        """Chooses the place.

        Args:
            zone: IANA name, such as ``Europe/Berlin``; None: that of this machine.

        Raises:
            ConfigError: there is no such zone.
        """
        self._zone: tzinfo | None = None
        if zone is not None:
            try:
                self._zone = ZoneInfo(zone)
            except (ZoneInfoNotFoundError, ValueError, OSError):
                message = f"unknown time zone {zone!r}; write it as Europe/Berlin"
                raise ConfigError(message) from None

    def at(self, moment: float) -> datetime:
        """A Unix time as local time, with its offset from UTC."""
        if self._zone is not None:
            return datetime.fromtimestamp(moment, self._zone)
        return datetime.fromtimestamp(moment).astimezone()

    def text(self, moment: float) -> str:
        """A Unix time as ISO 8601 with offset, to the second: ``2026-01-31T23:59:59+01:00``."""
        return self.at(moment).isoformat(timespec="seconds")

    def start_of(self, day: date) -> float:
        """The Unix time at which a day begins; the first where the clock shows that twice."""
        return datetime(day.year, day.month, day.day, tzinfo=self._zone).timestamp()

    def day_of(self, moment: float) -> date:
        """The local day that a Unix time is on."""
        return self.at(moment).date()

    def hour_start(self, moment: float) -> float:
        """The Unix time at which the local hour began that a Unix time is in.

        An hour also begins where clocks are set in the middle of one, as on Lord Howe Island.
        """
        local = self.at(moment)
        start = moment - moment % 1 - 60 * local.minute - local.second
        while self.at(start).utcoffset() != local.utcoffset():
            start += _TRANSITION_STEP_S
        return start

    def hour_end(self, moment: float) -> float:
        """The Unix time at which the local hour ends that a Unix time is in."""
        return self.hour_start(self.hour_start(moment) + 3600)

    def days(self, began: float, ended: float) -> Iterator[tuple[date, float, float]]:
        """Each local day of a period, with the Unix times at which it begins and ends."""
        day = self.day_of(began)
        while (start := self.start_of(day)) < ended:
            following = day + timedelta(days=1)
            yield day, start, self.start_of(following)
            day = following

    def hours(self, began: float, ended: float) -> Iterator[float]:
        """The Unix time at which each local hour of a period begins: 23, 24 or 25 on a day."""
        moment = self.hour_start(began)
        while moment < ended:
            yield moment
            moment = self.hour_end(moment)

    def parse(self, text: str, option: str, *, is_end: bool = False) -> float:
        """The Unix time that a person means by a day or a time.

        Args:
            text: ``2026-01-31``, ``2026-01-31T08:00`` (with an offset or without), ``today``,
                ``yesterday``, ``yesterday 22:00``.
            option: what the person typed it after, for messages.
            is_end: whether a day means its end, not its beginning.

        Raises:
            ConfigError: it is none of these.
        """
        today = self.day_of(datetime.now().timestamp())
        words = {"today": today, "yesterday": today - timedelta(days=1)}
        word, gap, time = text.replace("T", " ").partition(" ")
        if gap and word in words:
            return self._parse_time(f"{words[word]}T{time}", option, text)
        try:
            day = words.get(text) or date.fromisoformat(text)
        except ValueError:
            return self._parse_time(text, option, text)
        _require_known_year(day, option, text)
        return self.start_of(day + timedelta(days=int(is_end)))

    def _parse_time(self, text: str, option: str, typed: str) -> float:
        try:
            moment = datetime.fromisoformat(text)
            if moment.tzinfo is None and self._zone is not None:
                moment = moment.replace(tzinfo=self._zone)
            _require_known_year(moment.date(), option, typed)
            return moment.timestamp()
        except (ValueError, OverflowError, OSError):
            raise ConfigError(
                f"{option} {typed}: expected a day or a time, such as 2026-01-31, "
                "2026-01-31T08:00, today, yesterday or 'yesterday 22:00'"
            ) from None


def _require_known_year(day: date, option: str, typed: str) -> None:
    first, last = YEARS
    if not first <= day.year <= last:
        raise ConfigError(f"{option} {typed}: expected a year from {first} to {last}")
