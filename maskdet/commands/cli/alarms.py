"""``maskdet alarms``: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(rich_markup_mode=None, help="The alarms of the monitor.", no_args_is_help=True)


@app.callback()
def _alarms() -> None:
    """Makes `test` a command of its own."""


@app.command()
def test(
    channel: Annotated[
        str | None, typer.Argument(metavar="CHANNEL", help="One channel; default: all.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The monitor's settings in YAML.")
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="A.B=VALUE", help="Repeatable: changes one setting."),
    ] = None,
) -> int:
    """Sends a test message to each channel and reports what became of it."""
    from maskdet.commands.alarms import run

    return run(config, channel, overrides or [])
