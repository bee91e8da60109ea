"""Commands around models and data; ``python -m maskdet`` has them with the others."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Literal

import typer

from maskdet.commands.options import (
    Classes,
    Device,
    FormatName,
    Json,
    Labels,
    LooksOption,
    Model,
    States,
    Tiles,
    looks_said,
)
from maskdet.contracts import Detector
from maskdet.live.settings.monitor import DEFAULT_MODEL
from maskdet.model.class_names import states_said
from maskdet.model.decision import Judge

app = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)


@app.command()
def train(
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Settings, one of configs/; or none.")
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
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="A.B=VALUE", help="Repeatable: changes one setting."),
    ] = None,
) -> int:
    """Trains a network; Ctrl-C stops it between two steps, to be resumed (exit status 130)."""
    from maskdet.commands import train
    from maskdet.config import load_settings
    from maskdet.training.settings import TrainingSettings

    def open_teacher(name: str, judge: Judge) -> Detector:
        from maskdet.runtimes import load_detector

        return load_detector(name, judge=judge)

    settings = load_settings(TrainingSettings, config, overrides or ())
    return train.run(
        settings,
        data,
        output or Path("runs") / settings.name,
        resume=resume,
        command=train.command_of(config, overrides or ()),
        open_detector=open_teacher,
    )


@app.command()
def evaluate(
    data: Annotated[
        Path, typer.Option(metavar="DIR", help="The folder above images/ and annotations/.")
    ],
    model: Model = DEFAULT_MODEL,
    images: Annotated[
        Path | None,
        typer.Option(metavar="LIST.txt", help="Pictures relative to DIR; default: all of images/."),
    ] = None,
    data_format: Annotated[FormatName, typer.Option("--format", help="Of the labels.")] = "auto",
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
        typer.Option("--sweeps", help="By the face's share of the view and by light, too."),
    ] = False,
    gate: Annotated[
        bool,
        typer.Option("--gate", help="Status 2 if a figure wanted of a monitor is not reached."),
    ] = False,
) -> int:
    """Measures a model on annotated pictures: COCO metrics, by face width, states, intervals."""
    from maskdet.commands.evaluate import LOWEST, run
    from maskdet.runtimes import load_looking_detector
    from maskdet.runtimes.loading import judge_of
    from maskdet.runtimes.tiling import tiled

    said = states_said(states)

    def open_detector() -> Detector:
        opened = load_looking_detector(
            model,
            looks=looks_said(looks, tiles),
            device=device,
            labels=labels,
            min_score=LOWEST,
            certainty=0.0,
            least_width=0.0,
            runtime=runtime,
            classes=said,
        )
        return tiled(opened, tiles)

    return run(
        open_detector,
        data,
        images,
        kind=data_format,
        classes=classes,
        json=json_file,
        output=output,
        judge=judge_of(model) if threshold is None else Judge.plain(threshold),
        gate=gate,
        with_sweeps=sweeps,
    )


@app.command()
def calibrate(
    data: Annotated[
        Path, typer.Option(metavar="DIR", help="The folder above images/ and annotations/.")
    ],
    model: Model = DEFAULT_MODEL,
    images: Annotated[
        Path | None,
        typer.Option(metavar="LIST.txt", help="Pictures relative to DIR; default: all of images/."),
    ] = None,
    data_format: Annotated[FormatName, typer.Option("--format", help="Of the labels.")] = "auto",
    classes: Classes = None,
    device: Device = "auto",
    runtimes: Annotated[
        list[str] | None,
        typer.Option("--runtime", metavar="R", help="Repeatable: files to measure; default: all."),
    ] = None,
) -> int:
    """Measures a model on validation pictures and writes its card anew.

    Calibrated scores, the lowest score of each state, when a state is unsure, figures of each file.
    """
    from maskdet.commands.calibrate import run
    from maskdet.runtimes import load_detector
    from maskdet.runtimes.loading import find_model

    def open_detector(runtime: str, judge: Judge) -> Detector:
        return load_detector(model, device=device, runtime=runtime, judge=judge)

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


@app.command()
def export(
    to: Annotated[
        Literal["litert", "saved_model", "onnx"],
        typer.Option(
            "--to", help="saved_model: the Object Detection API's, with a frozen graph beside it."
        ),
    ],
    model: Model = DEFAULT_MODEL,
    int8: Annotated[
        bool, typer.Option("--int8", help="Full-integer: a quarter the size, faster on a CPU.")
    ] = False,
    calibrate: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Typical pictures, which set the ranges of --int8."),
    ] = None,
) -> None:
    """Writes another runtime's files beside a model's weights, and enters them into its card."""
    from maskdet.datasets.image_files import list_pictures
    from maskdet.runtimes.loading import find_model
    from maskdet.runtimes.tensorflow_import import quiet_import

    with quiet_import():
        from maskdet.export import run, unmeasured_files

    pictures = list_pictures(calibrate) if calibrate else []
    folder = find_model(model)
    for file in run(folder, to, int8=int8, calibrate=pictures):
        print(f"wrote {file}")
    if unmeasured := unmeasured_files(folder):
        print(
            f"not measured yet: {', '.join(unmeasured)}; python -m maskdet calibrate "
            f"--model {shlex.quote(model)} --data DIR --images LIST.txt"
        )


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="A data set, or an old model.")],
    target: Annotated[
        Path, typer.Argument(metavar="DST", help="New folder (pictures are copied), or new file.")
    ],
    from_format: Annotated[FormatName, typer.Option("--from", help="SRC's format.")] = "auto",
    to_format: Annotated[FormatName, typer.Option("--to", help="DST's format.")] = "auto",
    classes: Classes = None,
    images: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder that SRC's pictures lie in, if not beside it."),
    ] = None,
    card: Annotated[
        bool, typer.Option("--card", help="Of a model: DST is a folder like those under models/.")
    ] = False,
    anchors: Annotated[
        Path | None,
        typer.Option(metavar="FILE.ini", help="keras-retinanet's, if a model has its own anchors."),
    ] = None,
    labels: Labels = None,
    states: States = None,
) -> int:
    """Data sets: VOC xml, CSV, keras-retinanet's CSV, TFRecord, COCO json, YOLO txt; any to any.

    Models: a keras-retinanet training snapshot → inference .h5; with --card any old model → folder.
    """
    from maskdet.commands.convert import datasets, models
    from maskdet.runtimes.file_formats import is_model

    if is_model(source):
        return models.run(
            source, target, card=card, anchors=anchors, labels=labels, classes=states_said(states)
        )
    return datasets.run(
        source, target, from_kind=from_format, to_kind=to_format, classes=classes, images=images
    )


@app.command()
def inspect(
    data: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder of annotated pictures, or file of labels.")
    ],
    data_format: Annotated[FormatName, typer.Option("--format", help="Of the labels.")] = "auto",
    images: Annotated[
        Path | None, typer.Option(metavar="LIST.txt", help="Pictures relative to DIR; or all.")
    ] = None,
    classes: Classes = None,
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
    from maskdet.config import load_settings
    from maskdet.training.settings import TrainingSettings

    settings = load_settings(TrainingSettings, config)
    return run(data, settings, kind=data_format, images=images, classes=classes, output=output)


@app.command(short_help="Prints the monitor's settings file, with every default.")
def settings() -> None:
    """Prints the monitor's settings file: every setting with its default and what it means."""
    from maskdet.system.console import print_data
    from maskdet.system.resources import shipped

    print_data((shipped("configs") / "monitor.yaml").read_text("utf-8"))
