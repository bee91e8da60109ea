"""``maskdet train``: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maskdet.commands.options import Overrides
from maskdet.contracts import Detector
from maskdet.model.decision import DecisionRule


def train(
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Settings in YAML, as those in configs/.")
    ] = None,
    data: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of labeled pictures, or file of labels.")
    ] = Path("data"),
    output: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the run; default: runs/NAME.")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the run's last checkpoint.")
    ] = False,
    overrides: Overrides = None,
) -> int:
    """Trains a network; Ctrl-C stops it between two steps, to be resumed (exit status 130)."""
    from maskdet.commands import train
    from maskdet.training.other_systems import load_training_settings

    def open_detector(name: str, rule: DecisionRule | None) -> Detector:
        from maskdet.runtimes import load_detector

        return load_detector(name, looks="auto" if rule is None else 1, rule=rule)

    settings = load_training_settings(config, overrides or ())
    return train.run(
        settings,
        data,
        output or Path("runs") / settings.name,
        resume=resume,
        command=train.command_of(config, overrides or ()),
        open_detector=open_detector,
    )
