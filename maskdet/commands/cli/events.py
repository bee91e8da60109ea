"""``maskdet report``, ``export-events`` and ``delete-events``: their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Store = Annotated[
    Path, typer.Argument(metavar="STORE", help="The monitor's event store (setting store.file).")
]
First = Annotated[
    str | None,
    typer.Option("--from", metavar="DAY", help="2026-01-31, 2026-01-31T08:00, today, yesterday."),
]
Last = Annotated[
    str | None, typer.Option("--to", metavar="DAY", help="Likewise; a day counts to its end.")
]
Cameras = Annotated[
    list[str] | None, typer.Option("--camera", metavar="NAME", help="Repeatable: only of these.")
]
TimeZone = Annotated[
    str | None,
    typer.Option("--timezone", metavar="ZONE", help="Europe/Berlin …; default: this machine's."),
]


def report(
    store: Store,
    first: First = None,
    last: Last = None,
    zone: Annotated[
        list[str] | None,
        typer.Option("--zone", metavar="NAME", help="Repeatable: only people who were in these."),
    ] = None,
    camera: Cameras = None,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE.html", help="The page; default: maskdet-report.html."),
    ] = None,
    csv_file: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="By hour and camera, as CSV; - is stdout."),
    ] = None,
    timezone: TimeZone = None,
) -> int:
    """People, masks and cameras of some days, as a page to read, print or mail."""
    from maskdet.commands.events.report import run

    return run(
        store,
        output=output,
        csv_file=csv_file,
        first=first,
        last=last,
        cameras=camera or (),
        zones=zone or (),
        zone=timezone,
    )


def export_events(
    store: Store,
    csv_file: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="A line for each event; - is stdout."),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="All tables; - is stdout.")
    ] = None,
    first: First = None,
    last: Last = None,
    camera: Cameras = None,
    timezone: TimeZone = None,
) -> int:
    """Writes the content of an event store as CSV and JSON."""
    from maskdet.commands.events.export import run

    return run(
        store,
        csv_file=csv_file,
        json_file=json_file,
        first=first,
        last=last,
        cameras=camera or (),
        zone=timezone,
    )


def delete_events(
    store: Store,
    day: Annotated[
        str | None, typer.Option(metavar="DAY", help="2026-01-31, today, yesterday.")
    ] = None,
    person: Annotated[
        str | None, typer.Option(metavar="PERSON", help="One visit, as export-events names it.")
    ] = None,
    timezone: TimeZone = None,
) -> int:
    """Deletes a day, or a person's visit, from an event store, without a trace."""
    from maskdet.commands.events.deletion import run

    return run(store, day=day, person=person, zone=timezone)
