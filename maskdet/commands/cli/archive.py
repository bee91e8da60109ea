"""``maskdet archive``: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maskdet.commands.options import (
    Device,
    Labels,
    MinScore,
    MonitorFile,
    Overrides,
    States,
    setting_overrides,
)


def archive(
    folders: Annotated[
        list[Path], typer.Argument(metavar="FOLDER", help="Folders of recordings, and videos.")
    ],
    output: Annotated[
        Path,
        typer.Option(metavar="DIR", help="The archive: results and summary; runs go on in it."),
    ] = Path("maskdet-archive"),
    workers: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, max=4096, help="Processes; default: one a core."),
    ] = None,
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="On a Ray cluster: auto, HOST:PORT, or local: this machine."
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="M", help="A folder under models/, or a path.")
    ] = None,
    labels: Labels = None,
    states: States = None,
    device: Device = "auto",
    min_score: MinScore = None,
    config: MonitorFile = None,
    overrides: Overrides = None,
) -> int:
    """Folders of recordings in; people and faces of each out. A run that is repeated goes on.

    Exit status: 0 all is done; 2 wrong use, settings, model or output; 3 a recording could not be
    read (each is named, the others are processed).
    """
    from maskdet.commands.archive.run import run
    from maskdet.config import load_settings
    from maskdet.live.settings.monitor import MonitorSettings
    from maskdet.system.extras import require

    if ray is not None:
        require("cluster", "ray", "pandas", "pyarrow")
    values = {
        "model": model,
        "labels": labels and str(labels),
        "device": None if device == "auto" else device,
        "min_score": min_score,
    }
    options = setting_overrides(values, states)
    settings = load_settings(MonitorSettings, config, [*(overrides or ()), *options])
    return run(folders, settings, output, workers, ray)
