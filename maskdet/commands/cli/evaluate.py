"""``maskdet evaluate`` and ``calibrate``: their options."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from maskdet.commands.options import (
    Classes,
    Data,
    DataFormat,
    Device,
    ImageList,
    Json,
    Labels,
    LooksOption,
    Model,
    States,
    Tiles,
    parse_looks,
)
from maskdet.contracts import Detector
from maskdet.errors import ConfigError
from maskdet.model.class_names import parse_states
from maskdet.model.decision import DecisionRule
from maskdet.model.registry import DEFAULT_MODEL


def evaluate(
    data: Data,
    model: Model = DEFAULT_MODEL,
    images: ImageList = None,
    data_format: DataFormat = "auto",
    classes: Classes = None,
    json_file: Json = None,
    output: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where plots go; default: runs/evaluation/MODEL."),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            metavar="X", min=0.0, max=1.0, help="Lowest score that is shown; default: the model's."
        ),
    ] = None,
    device: Device = "auto",
    runtime: Annotated[
        str | None, typer.Option(metavar="R", help="Which of the model's files: litert_int8, …")
    ] = None,
    labels: Labels = None,
    states: States = None,
    looks: LooksOption = "auto",
    tiles: Tiles = 1,
    sweeps: Annotated[
        bool,
        typer.Option("--sweeps", help="By the face's share of the view, tilt and light, too."),
    ] = False,
    sweep_faces: Annotated[
        int, typer.Option(metavar="N", min=1, help="With --sweeps: faces of each step.")
    ] = 120,
    scene: Annotated[
        str,
        typer.Option(
            metavar="REGEX",
            help="Its one group, in a picture's path, names the person or scene that it shows.",
        ),
    ] = "",
    max_per_scene: Annotated[
        int, typer.Option(metavar="N", min=1, help="With --scene: pictures of each at most.")
    ] = 20,
    card: Annotated[
        bool,
        typer.Option("--card", help="With --sweeps: writes them into the model's card, too."),
    ] = False,
    gate: Annotated[
        bool,
        typer.Option("--gate", help="Status 2 if a metric that a monitor needs is not reached."),
    ] = False,
) -> int:
    """Measures a model on annotated pictures: COCO metrics, by face width, states, intervals."""
    from maskdet.commands.evaluate import MIN_EVALUATED_SCORE, Outputs, run
    from maskdet.commands.measured_data import MeasuredData, Scenes
    from maskdet.runtimes.loading import open_model
    from maskdet.runtimes.looks.tiling import tiled
    from maskdet.runtimes.spec import find_model, resolve

    chosen = parse_states(states)
    spec = resolve(
        model,
        device=device,
        labels=labels,
        min_score=MIN_EVALUATED_SCORE,
        certainty=0.0,
        min_width=0.0,
        runtime=runtime,
        classes=chosen,
    )
    rule = spec.card.rule if spec.card else None
    if card and not (sweeps and spec.is_own and threshold is None and tiles == 1):
        raise ConfigError(
            "--card: writes the sweeps of a model of maskdet with its own scores; add --sweeps, "
            "and leave out --threshold and --tiles"
        )

    def open_detector(min_score: float) -> Detector:
        every = replace(spec, rule=spec.rule.without_rejection(min_score))
        return tiled(open_model(every, looks=parse_looks(looks, tiles)), tiles)

    scenes = Scenes(_scene(scene), max_per_scene) if scene else None
    return run(
        open_detector,
        MeasuredData(data, images, data_format, classes, chosen, scenes),
        Outputs(json_file, plots=output, card_folder=find_model(model) if card else None),
        rule=rule if threshold is None else DecisionRule.from_min_score(threshold),
        gate=gate,
        sweep_faces=sweep_faces if sweeps else None,
    )


def _scene(pattern: str) -> str:
    """A regular expression that names scenes.

    Raises:
        ConfigError: it does not.
    """
    from maskdet.datasets.samples import check_scene

    try:
        return check_scene(pattern)
    except ValueError as error:
        raise ConfigError(f"--scene {pattern}: {error}") from None


def calibrate(
    data: Data,
    model: Model = DEFAULT_MODEL,
    images: ImageList = None,
    data_format: DataFormat = "auto",
    classes: Classes = None,
    states: States = None,
    device: Device = "auto",
    runtimes: Annotated[
        list[str] | None,
        typer.Option("--runtime", metavar="R", help="Repeatable: files to measure; default: all."),
    ] = None,
    certainty: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            min=0,
            max=1,
            help="A face whose best state has a smaller share is unsure; default: chosen.",
        ),
    ] = None,
) -> int:
    """Measures a model on validation pictures and writes its card again.

    Calibrated scores, how likely a shown face must be, when its state is unsure, and the metrics of
    each file.
    """
    from maskdet.commands.calibrate import run
    from maskdet.commands.measured_data import MeasuredData
    from maskdet.runtimes import load_detector
    from maskdet.runtimes.spec import find_model

    def open_detector(runtime: str, rule: DecisionRule) -> Detector:
        return load_detector(model, device=device, runtime=runtime, rule=rule)

    folder = find_model(model)
    return run(
        open_detector,
        folder,
        MeasuredData(data, images, data_format, classes, parse_states(states)),
        runtimes=runtimes or (),
        certainty=certainty,
    )
