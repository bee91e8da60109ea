"""``maskdet report``, ``export-events``, ``delete-events``, ``collect-events``: their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maskdet.commands.options import MonitorFile, Overrides

Store = Annotated[
    str,
    typer.Argument(
        metavar="STORE", help="The monitor's event store (setting store.file), or postgresql://…"
    ),
]
First = Annotated[
    str | None,
    typer.Option("--from", metavar="DAY", help="2026-01-31, today, 'yesterday 22:00' …"),
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
    from maskdet.commands.events.selection import SelectionOptions
    from maskdet.sinks.store.opening import store_at

    return run(
        store_at(store),
        SelectionOptions(first, last, camera or (), zone or ()),
        output=output,
        csv_file=csv_file,
        timezone=timezone,
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
    from maskdet.commands.events.selection import SelectionOptions
    from maskdet.sinks.store.opening import store_at

    return run(
        store_at(store),
        SelectionOptions(first, last, camera or ()),
        csv_file=csv_file,
        json_file=json_file,
        timezone=timezone,
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
    from maskdet.sinks.store.opening import store_at

    return run(store_at(store), day=day, person=person, timezone=timezone)


def collect_events(
    store: Annotated[
        str,
        typer.Argument(
            metavar="STORE", help="Of all sites: all-sites.db, or postgresql://HOST/DB."
        ),
    ],
    server: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="nats://HOST:4222, tls://…; several with commas."),
    ] = None,
    stream: Annotated[
        str, typer.Option(metavar="NAME", help="Of the JetStream stream; made if it is missing.")
    ] = "MASKDET",
    max_gb: Annotated[
        float,
        typer.Option(
            "--max-gb", metavar="N", min=0.001, help="Size of a new stream; then sites wait."
        ),
    ] = 2.0,
    keep_days: Annotated[
        float, typer.Option("--keep-days", metavar="N", min=0, help="Older rows go; 0: none.")
    ] = 90.0,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Collect in the place of another, lost store.")
    ] = False,
    until_empty: Annotated[
        bool, typer.Option("--until-empty", help="End when no event waits on the server.")
    ] = False,
    config: MonitorFile = None,
    overrides: Overrides = None,
) -> int:
    """Collects the events of many sites from a NATS server into one store, each once.

    Login, certificates and subject are those of `nats` in the settings: --config, or --set
    nats.user=…; passwords come from the environment or the file nats.secrets.
    """
    from maskdet.commands.events.collection import Wanted, addresses, run
    from maskdet.config import Override, load_settings
    from maskdet.live.settings.monitor import MonitorSettings
    from maskdet.sinks.store.opening import store_at

    options: list[str | Override] = list(overrides or ())
    if server is not None:
        options.append(Override("--server", ("nats", "server"), addresses(server)))
    settings = load_settings(MonitorSettings, config, options)
    wanted = Wanted(stream, max_gb, keep_days, take_over, until_empty)
    return run(store_at(store), settings.nats, wanted)
