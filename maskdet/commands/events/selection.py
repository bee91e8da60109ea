"""The period, cameras and zones that a command is about."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import timedelta

from maskdet.errors import ConfigError
from maskdet.reports.local_time import LocalTime
from maskdet.reports.queries import Selection, span

_DEFAULT_DAYS = 31
"""Days, the last of a store, that a report is about where none are named."""


def select(
    connection: sqlite3.Connection,
    clock: LocalTime,
    first: str | None,
    last: str | None,
    cameras: Sequence[str] = (),
    zones: Sequence[str] = (),
    max_days: int | None = _DEFAULT_DAYS,
) -> Selection:
    """The selection that was asked for.

    Args:
        connection: of a store, for its first and last day.
        clock: of the place.
        first: as after ``--from``; None: the store's first day, or the last `max_days`.
        last: as after ``--to``, a day with all of it; None: the store's last day.
        cameras: names; none: all.
        zones: names; none: everybody.
        max_days: see `first`; None: no limit.

    Raises:
        ConfigError: a day that is none, or an end before the beginning.
    """
    whole = span(connection)
    if whole is None:
        now = clock.parse("today", "")
        whole = now, now + 1
    newest = clock.day_of(whole[1] - 1)
    ended = clock.parse(last or newest.isoformat(), "--to", is_end=True)
    oldest = clock.day_of(whole[0])
    if max_days is not None:
        oldest = max(oldest, clock.day_of(ended - 1) - timedelta(days=max_days - 1))
    oldest = min(oldest, clock.day_of(ended - 1))
    began = clock.parse(first or oldest.isoformat(), "--from")
    if began >= ended:
        raise ConfigError(f"--from {first or oldest} is after --to {last or newest}; exchange them")
    return Selection(began, ended, tuple(cameras), tuple(zones))
