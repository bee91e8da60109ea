"""``maskdet inspect``: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maskdet.commands.options import Classes, FormatName, States


def inspect(
    data: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of annotated pictures, or file of labels.")
    ],
    data_format: Annotated[FormatName, typer.Option("--format", help="Of the labels.")] = "auto",
    images: Annotated[
        Path | None, typer.Option(metavar="LIST.txt", help="Pictures relative to DIR; or all.")
    ] = None,
    classes: Classes = None,
    states: States = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Training settings, for their anchors.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where the results go; default: runs/inspection/DATA."),
    ] = None,
) -> int:
    """Looks a data set over: counts, mistakes with file and line, odd boxes, a contact sheet."""
    from maskdet.commands.inspect.run import run
    from maskdet.model.class_names import parse_states
    from maskdet.training.other_systems import load_training_settings

    settings = load_training_settings(config)
    return run(
        data,
        settings,
        kind=data_format,
        images=images,
        classes=classes,
        states=parse_states(states),
        output=output,
    )
