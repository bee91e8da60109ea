"""``maskdet benchmark``: its options."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from maskdet.commands.options import (
    BatchSizes,
    CompareRuntimes,
    CountCameras,
    Device,
    FaceData,
    HeadTracks,
    Json,
    KeptDetections,
    Labels,
    MaxCameras,
    Model,
    Seconds,
    States,
)
from maskdet.model.class_names import parse_states
from maskdet.model.registry import DEFAULT_MODEL

if TYPE_CHECKING:
    from maskdet.contracts import Detector


def benchmark(
    model: Model = DEFAULT_MODEL,
    labels: Labels = None,
    states: States = None,
    device: Device = "auto",
    seconds: Seconds = 10.0,
    batch: BatchSizes = None,
    runtimes: CompareRuntimes = False,
    people: HeadTracks = None,
    cameras: CountCameras = False,
    max_cameras: MaxCameras = 64,
    faces: FaceData = None,
    detections: KeptDetections = None,
    json_file: Json = None,
) -> None:
    """Speed, latency, start-up and memory on this machine."""
    from maskdet.commands.benchmark.runtimes import compare
    from maskdet.runtimes import load_detector
    from maskdet.system.atomic_files import check_writable

    if json_file is not None:
        check_writable(json_file, folder="create")
    chosen = parse_states(states)
    new_detector = partial(load_detector, model, device=device, labels=labels, classes=chosen)
    if faces is not None:
        if people is None:
            raise typer.BadParameter("--faces needs --people TRACKS.csv")
        with closing(new_detector(looks="auto")) as detector:
            _rendered_people(people, faces, detector, detections, json_file)
    elif people is not None:
        _people(people, json_file)
    elif runtimes:
        compare(model, seconds, json_file)
    elif cameras:
        from maskdet.commands.benchmark.cameras.run import compare as count_cameras

        of_model = [f"model={model}", f"device={device}"] + [f"labels={labels}"] * bool(labels)
        of_model += [f"classes.{name}={state}" for name, state in chosen.items()]
        count_cameras(of_model, seconds, max_cameras, json_file)
    elif batch is not None:
        _batches(new_detector, batch, seconds, json_file)
    else:
        options = ["--labels", str(labels)] if labels else []
        options += [
            part for name, state in chosen.items() for part in ("--state", f"{name}={state}")
        ]
        with closing(new_detector()) as detector:
            _whole_monitor(detector, model, device, seconds, options, json_file)


def _whole_monitor(
    detector: Detector,
    model: str,
    device: str,
    seconds: float,
    options: list[str],
    json_file: Path | None,
) -> None:
    from maskdet.commands.benchmark.output import write_values
    from maskdet.commands.benchmark.whole_monitor import run, table

    if device == "auto" and detector.device == "CPU (LiteRT)":
        device = "cpu"  # the monitor would move to a GPU while it is measured
    measured = run(detector, model, device, seconds=seconds, options=options)
    print(table(measured))
    write_values(json_file, measured)


def _batches(
    new_detector: Callable[..., Detector], batch: str, seconds: float, json_file: Path | None
) -> None:
    from maskdet.commands.benchmark import batches
    from maskdet.commands.benchmark.output import write_values
    from maskdet.commands.benchmark.whole_monitor import demo_images

    sizes = batches.parse_sizes(batch)
    by_batch = batches.time_batches(
        lambda size: new_detector(batch=size), sizes, demo_images(60), seconds
    )
    print(batches.table(by_batch))
    write_values(json_file, {"batches": by_batch})


def _people(tracks: Path, json_file: Path | None) -> None:
    from maskdet.commands.benchmark import people
    from maskdet.commands.benchmark.output import write_values

    results = people.run(tracks)
    print(people.table(results))
    write_values(json_file, {"people": results})


def _rendered_people(
    tracks: Path, data: Path, detector: Detector, kept: Path | None, json_file: Path | None
) -> None:
    from maskdet.commands.benchmark import rendered_people
    from maskdet.commands.benchmark.output import write_values
    from maskdet.runtimes.looks.multi_look import expect_video

    expect_video(detector)
    results = rendered_people.run(tracks, data, detector, kept)
    print(rendered_people.table(results))
    write_values(json_file, {"rendered": results})
