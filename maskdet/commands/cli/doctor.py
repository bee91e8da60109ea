"""``maskdet doctor``: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maskdet.commands.options import Device, Model, MonitorFile
from maskdet.model.registry import DEFAULT_MODEL


def doctor(
    source: Annotated[
        list[str] | None,
        typer.Option(metavar="S", help="Repeatable: a camera or stream that must work: rtsp://…"),
    ] = None,
    model: Model = DEFAULT_MODEL,
    device: Device = "auto",
    folder: Annotated[
        Path, typer.Option(metavar="DIR", help="Where recordings go; default: here.")
    ] = Path("."),
    config: MonitorFile = None,
    json_file: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="All of it as JSON; - is stdout.")
    ] = None,
) -> int:
    """Checks what works on this machine, with the exact fix of what does not (exit status 2)."""
    from maskdet.commands.doctor import run

    return run(
        model=model,
        device=device,
        sources=source or (),
        folder=folder,
        config=config,
        json_file=json_file,
    )
