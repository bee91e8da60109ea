"""``maskdet convert``: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from maskdet.commands.options import Classes, FormatName, Labels, States
from maskdet.model.class_names import parse_states


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
            source,
            target,
            card=card,
            anchors=anchors,
            labels=labels,
            classes=parse_states(states),
        )
    return datasets.run(
        source, target, from_kind=from_format, to_kind=to_format, classes=classes, images=images
    )
