"""The period, cameras and zones that a command is about."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from maskdet.errors import ConfigError
from maskdet.reports.local_time import LocalTime
from maskdet.reports.queries import Selection, span

_DEFAULT_DAYS = 31
"""Days, the last of a store, that a report is about where none are named."""


@dataclass(frozen=True)
class SelectionOptions:
    """Options of a selection, as they are typed.

    Attributes:
        first: day or time, as after ``--from``; None: the store's first day.
        last: likewise, as after ``--to``, a day with all of it; None: the store's last day.
        cameras: names; none: all.
        zones: names: only people who were in one of them; none: everybody.
    """

    first: str | None = None
    last: str | None = None
    cameras: Sequence[str] = ()
    zones: Sequence[str] = ()


def select(
    connection: sqlite3.Connection,
    clock: LocalTime,
    options: SelectionOptions,
    max_days: int | None = _DEFAULT_DAYS,
) -> Selection:
    """The selection that was asked for.

    Args:
        connection: of a store, for its first and last day.
        clock: of the place.
        options: the period, and of whom.
        max_days: days, the last ones, where no first is named; None: all.

    Raises:
        ConfigError: a day that is none, or an end before the beginning.
    """
    whole = span(connection)
    if whole is None:
        now = clock.parse("today", "")
        whole = now, now + 1
    newest = clock.day_of(whole[1] - 1)
    ended = clock.parse(options.last or newest.isoformat(), "--to", is_end=True)
    oldest = clock.day_of(whole[0])
    if max_days is not None:
        oldest = max(oldest, clock.day_of(ended - 1) - timedelta(days=max_days - 1))
    oldest = min(oldest, clock.day_of(ended - 1))
    began = clock.parse(options.first or oldest.isoformat(), "--from")
    if began >= ended:
        first, last = options.first or oldest, options.last or newest
        raise ConfigError(f"--from {first} is after --to {last}; exchange them")
    return Selection(began, ended, tuple(options.cameras), tuple(options.zones))
