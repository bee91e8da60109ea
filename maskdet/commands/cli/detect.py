"""``maskdet detect``: its options."""

from __future__ import annotations

from contextlib import closing
from typing import Annotated

import typer

from maskdet.commands.options import (
    Blur,
    CsvFile,
    Device,
    ImageFolder,
    JsonFile,
    Labels,
    LooksOption,
    MinScore,
    Model,
    States,
    Tiles,
    parse_looks,
)
from maskdet.model.class_names import parse_states
from maskdet.model.registry import DEFAULT_MODEL


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
    from maskdet.runtimes import load_detector
    from maskdet.runtimes.looks.tiling import tiled

    with closing(
        load_detector(
            model,
            looks=parse_looks(looks, tiles),
            device=device,
            labels=labels,
            min_score=min_score,
            classes=parse_states(states),
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
