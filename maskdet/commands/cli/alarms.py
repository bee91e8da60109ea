"""``maskdet alarms``: its options."""

from __future__ import annotations

from typing import Annotated

import typer

from maskdet.commands.options import MonitorFile, Overrides

app = typer.Typer(rich_markup_mode=None, help="The alarms of the monitor.")


@app.callback()
def _alarms() -> None:
    """Makes `test` a command of its own."""


@app.command()
def test(
    channel: Annotated[
        str | None, typer.Argument(metavar="CHANNEL", help="One channel; default: all.")
    ] = None,
    config: MonitorFile = None,
    overrides: Overrides = None,
) -> int:
    """Sends a test message to each channel and reports what became of it."""
    from maskdet.commands.alarms import run

    return run(config, channel, overrides or [])
