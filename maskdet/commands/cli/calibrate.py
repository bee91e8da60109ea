"""``maskdet calibrate``: its options."""

from __future__ import annotations

from typing import Annotated

import typer

from maskdet.commands.options import Classes, Data, DataFormat, Device, ImageList, Model
from maskdet.contracts import Detector
from maskdet.model.decision import DecisionRule
from maskdet.model.registry import DEFAULT_MODEL


def calibrate(
    data: Data,
    model: Model = DEFAULT_MODEL,
    images: ImageList = None,
    data_format: DataFormat = "auto",
    classes: Classes = None,
    device: Device = "auto",
    runtimes: Annotated[
        list[str] | None,
        typer.Option("--runtime", metavar="R", help="Repeatable: files to measure; default: all."),
    ] = None,
) -> int:
    """Measures a model on validation pictures and writes its card again.

    Calibrated scores, the lowest score of each state, when a state is unsure, metrics of each file.
    """
    from maskdet.commands.calibrate import run
    from maskdet.runtimes import load_detector
    from maskdet.runtimes.spec import find_model

    def open_detector(runtime: str, rule: DecisionRule) -> Detector:
        return load_detector(model, device=device, runtime=runtime, rule=rule)

    folder = find_model(model)
    return run(
        open_detector,
        folder,
        data,
        images,
        kind=data_format,
        classes=classes,
        runtimes=runtimes or (),
    )
