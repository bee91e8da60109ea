"""``maskdet report``: a page, and a table, about a time in an event store."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from maskdet.commands.events.output import csv_parts, say_written, write
from maskdet.commands.events.selection import SelectionOptions, select
from maskdet.errors import ConfigError
from maskdet.reports.local_time import LocalTime
from maskdet.reports.page import page, percent
from maskdet.reports.queries import STATES, People, Totals, Uptime, read_totals
from maskdet.sinks.event_line import utc_text
from maskdet.sinks.store.opening import open_store
from maskdet.sinks.store.postgres import Database
from maskdet.sinks.store.schema import reading
from maskdet.system.console import counted

DEFAULT_FILE = Path("maskdet-report.html")
_OTHER_FORMATS = (".csv", ".docx", ".json", ".pdf", ".xlsx")
"""Endings of files that a program would not open as a page."""
CSV_COLUMNS = (
    *("hour", "utc", "camera", "people", *STATES),
    *("compliance", "up_seconds", "expected_seconds"),
)


def run(
    store: Path | Database,
    selected: SelectionOptions,
    *,
    output: Path | None,
    csv_file: Path | None,
    timezone: str | None = None,
) -> int:
    """Writes a report.

    Args:
        store: the event store.
        selected: the period, cameras and zones; without a first day the last 31 at most.
        output: the page; None: `DEFAULT_FILE`, unless only a table is asked for.
        csv_file: a line for each camera and hour; ``-`` is standard output.
        timezone: of days and hours; None: that of this machine.

    Raises:
        MaskdetError: the store cannot be read, a name is unknown, a file cannot be written, or the
            page's name is that of another format.
    """
    if output is not None and output.suffix.lower() in _OTHER_FORMATS:
        raise ConfigError(
            f"--output {output}: the report is a page in HTML, which a browser prints to PDF; "
            f"name it {output.with_suffix('.html')} (--csv FILE writes a table)"
        )
    clock = LocalTime(timezone)
    with open_store(store) as connection:
        wanted = select(connection, clock, selected)
        totals = read_totals(connection, wanted, clock)
    if output is None and csv_file is None:
        output = DEFAULT_FILE
    if output is not None:
        write(output, page(totals, clock, time.time()))
        say_written(output, _summary(totals, clock))
    if csv_file is not None:
        rows = list(_hours(totals, clock))
        write(csv_file, csv_parts(CSV_COLUMNS, rows))
        say_written(csv_file, counted(len(rows), "line"))
    return 0


def page_text(store: Path, first: str | None, last: str | None) -> str:
    """A report as a page, of the days that `run` takes, in this machine's time zone.

    Raises:
        MaskdetError: the store cannot be read, or a day is none.
    """
    clock = LocalTime(None)
    with reading(store) as connection:
        totals = read_totals(
            connection, select(connection, clock, SelectionOptions(first, last)), clock
        )
    return page(totals, clock, time.time())


def _summary(totals: Totals, clock: LocalTime) -> str:
    people, selection = totals.people, totals.selection
    began, ended = clock.at(selection.began), clock.at(selection.ended)
    period = f"{began:%Y-%m-%d %H:%M} to {ended:%Y-%m-%d %H:%M}"
    if not people.total:
        return f"nobody was seen from {period}"
    masks = percent(people.compliance)
    seen = counted(people.total, "person", "people")
    return f"{seen} from {period}, {masks} of those known with a mask"


def _hours(totals: Totals, clock: LocalTime) -> Iterator[tuple[object, ...]]:
    """A row for each camera and hour in which it was watched, or somebody was seen."""
    keys = {*totals.by_camera_hour, *totals.uptime_by_hour}
    for camera, hour in sorted(keys, key=lambda key: (key[1], key[0])):
        people = totals.by_camera_hour.get((camera, hour), People())
        uptime = totals.uptime_by_hour.get((camera, hour), Uptime())
        share = None if people.compliance is None else round(people.compliance, 4)
        counts = (people.total, *(getattr(people, state) for state in STATES))
        seconds = round(uptime.up_s), round(uptime.expected_s)
        yield (clock.text(hour), utc_text(hour), camera, *counts, share, *seconds)
