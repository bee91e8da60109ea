"""``maskdet …``, ``python -m maskdet …``: all commands; ``monitor`` is ``monitor.py``, too."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from maskdet.commands.__main__ import app as training
from maskdet.commands.monitor import HELP, Version, monitor
from maskdet.commands.monitor import main as run_monitor
from maskdet.commands.options import (
    BatchSizes,
    Blur,
    CompareRuntimes,
    CsvFile,
    Device,
    ImageFolder,
    Json,
    JsonFile,
    Labels,
    LooksOption,
    MinScore,
    Model,
    Seconds,
    States,
    Tiles,
    looks_said,
)
from maskdet.contracts import Detector
from maskdet.errors import ConfigError
from maskdet.live.settings.monitor import DEFAULT_MODEL
from maskdet.model.class_names import states_said
from maskdet.model.decision import Judge
from maskdet.system.console import ending
from maskdet.system.native_libraries import require_opencv
from maskdet.system.resources import user_models

NAME = "maskdet"

app = typer.Typer(
    rich_markup_mode=None,
    help="Sees, live and on any camera, who wears a face mask correctly.",
    epilog="Begin with: maskdet monitor --source demo",
    context_settings={"max_content_width": 100},
)
app.command(help=HELP, short_help="The live monitor: window, recording, event log.")(monitor)


@app.callback()
def _common(version: Version = False) -> None:
    require_opencv()


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns its exit status.

    Args:
        arguments: what stands after the command's name; None: those of the process.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["monitor"]:  # it ends in a way of its own
        return run_monitor(words[1:], f"{NAME} monitor")
    return ending(NAME, partial(_main, words or ["--help"]), interrupted=130)


def _main(arguments: Sequence[str]) -> int:
    try:
        status = app(arguments, prog_name=NAME, standalone_mode=False)
    except typer.TyperException as error:
        message = " ".join(error.format_message().split())
        raise ConfigError(f"{message} (see {NAME} --help)") from None
    return int(status or 0)


@app.command()
def detect(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH", help="Images, and folders of images.")
    ],
    model: Model = DEFAULT_MODEL,
    labels: Labels = None,
    states: States = None,
    output: ImageFolder = None,
    json_file: JsonFile = None,
    csv_file: CsvFile = None,
    blur: Blur = False,
    min_score: MinScore = None,
    device: Device = "auto",
    looks: LooksOption = "auto",
    tiles: Tiles = 1,
) -> int:
    """Images in; annotated images, boxes and states out."""
    from maskdet.commands.detect.run import run
    from maskdet.runtimes import load_looking_detector
    from maskdet.runtimes.tiling import tiled

    with closing(
        load_looking_detector(
            model,
            looks=looks_said(looks, tiles),
            device=device,
            labels=labels,
            min_score=min_score,
            classes=states_said(states),
        )
    ) as opened:
        detector = tiled(opened, tiles)
        return run(
            detector,
            paths,
            output=output,
            json_file=json_file,
            csv_file=csv_file,
            min_score=min_score or 0.0,
            blur=blur,
        )


@app.command()
def benchmark(
    model: Model = DEFAULT_MODEL,
    labels: Labels = None,
    states: States = None,
    device: Device = "auto",
    seconds: Seconds = 10.0,
    batch: BatchSizes = None,
    runtimes: CompareRuntimes = False,
    json_file: Json = None,
) -> None:
    """Speed, latency, start-up and memory on this machine."""
    from maskdet.commands.benchmark import batches
    from maskdet.commands.benchmark.runtimes import compare
    from maskdet.commands.benchmark.whole_monitor import demo_pictures, run, table
    from maskdet.runtimes import load_detector
    from maskdet.system.atomic_files import write_whole

    if runtimes:
        compare(model, seconds, json_file)
        return
    said = states_said(states)
    new_detector = partial(load_detector, model, device=device, labels=labels, classes=said)
    if batch is not None:
        sizes = batches.sizes_said(batch)
        by_batch = batches.time_batches(
            lambda size: new_detector(batch=size), sizes, demo_pictures(60), seconds
        )
        print(batches.table(by_batch))
        if json_file is not None:
            write_whole(json_file, json.dumps({"batches": by_batch}, indent=2) + "\n")
        return
    options = ["--labels", str(labels)] if labels else []
    options += [part for name, state in said.items() for part in ("--state", f"{name}={state}")]
    with closing(new_detector()) as detector:
        if device == "auto" and detector.device == "CPU (LiteRT)":
            device = "cpu"  # the monitor would move to a GPU while it is measured
        figures = run(detector, model, device, seconds=seconds, options=options)
    print(table(figures))
    if json_file is not None:
        write_whole(json_file, json.dumps(figures, indent=2) + "\n")


@app.command()
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
    json_file: Annotated[
        str | None, typer.Option("--json", metavar="FILE", help="All of it as JSON; - is stdout.")
    ] = None,
) -> int:
    """What works on this machine, and the exact fix of what does not (exit status 2)."""
    from maskdet.commands.doctor import run

    return run(model=model, device=device, sources=source or (), folder=folder, json_file=json_file)


@app.command()
def serve(
    host: Annotated[
        str, typer.Option(metavar="H", help="Where to listen; 0.0.0.0: open to the network.")
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="P", min=0, max=65535, help="0: any that is free.")
    ] = 8000,
    model: Model = DEFAULT_MODEL,
    labels: Labels = None,
    states: States = None,
    device: Device = "auto",
    min_score: MinScore = None,
    max_mb: Annotated[
        float, typer.Option(metavar="X", min=0.001, max=1000, help="Largest request.")
    ] = 32.0,
    max_megapixels: Annotated[
        float, typer.Option(metavar="X", min=0.001, max=175, help="Largest picture.")
    ] = 50.0,
    max_pictures: Annotated[
        int, typer.Option(metavar="N", min=1, max=1000, help="Most pictures in a request.")
    ] = 20,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Repeatable: a name by which browsers reach the page."),
    ] = None,
    root_path: Annotated[
        str,
        typer.Option(metavar="PATH", help="Where a proxy puts the page: /mask; or it says so."),
    ] = "",
) -> int:
    """A page, and an HTTP API, where pictures are dropped to see who wears a mask correctly."""
    from maskdet.commands.serve import run
    from maskdet.runtimes import load_looking_detector
    from maskdet.runtimes.legacy.opening import MIN_SCORE
    from maskdet.runtimes.loading import judge_of
    from maskdet.web.request_limits import MEGA, Limits

    said = states_said(states)
    limits = Limits(
        bytes=round(max_mb * MEGA), pixels=round(max_megapixels * MEGA), pictures=max_pictures
    )
    judge = judge_of(model) or Judge.plain(MIN_SCORE)
    if min_score is not None:
        judge = judge.showing(min_score)

    def open_detector(judge: Judge) -> Detector:
        return load_looking_detector(model, device=device, labels=labels, classes=said, judge=judge)

    return run(
        open_detector,
        judge,
        host=host,
        port=port,
        limits=limits,
        allow_hosts=allow_host or (),
        root_path=root_path,
    )


models_app = typer.Typer(rich_markup_mode=None, invoke_without_command=True)
app.add_typer(models_app, name="models", short_help="The models: size, accuracy; get fetches one.")


@models_app.callback()
def models(
    context: typer.Context,
    readme: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Writes the table into that README.")
    ] = None,
    speed: Annotated[
        bool, typer.Option("--speed", help="Measures each on this machine; takes seconds.")
    ] = False,
) -> None:
    """Lists the models: size, accuracy on the validation pictures, where they are.

    The marked one is the default. Those that are not on this machine are fetched by models get.
    """
    if context.invoked_subcommand is not None:
        return
    from maskdet.commands import models as listing
    from maskdet.runtimes.loading import MODELS

    if readme is not None:
        listing.write_readme(readme, listing.table(listing.HEAD, listing.rows(MODELS)))
    listing.show(MODELS, user_models(), speed=speed)


@models_app.command()
def get(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Of `maskdet models`; or a model's address.")
    ],
    origin: Annotated[
        str | None,
        typer.Option("--from", metavar="FOLDER_OR_URL", help="Where its files or folder lie."),
    ] = None,
) -> None:
    """Fetches a model, verifies its checksums, and keeps it for this user."""
    from maskdet.commands.get_model import get as fetch
    from maskdet.runtimes.loading import MODELS

    folder = fetch(name, origin, MODELS, user_models())
    print(f"{folder}: verified; use it with: maskdet monitor --model {folder.name}")


app.add_typer(training)


if __name__ == "__main__":
    sys.exit(main())
