"""``maskdet export``: its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from maskdet.commands.options import Model
from maskdet.model.registry import DEFAULT_MODEL
from maskdet.system.console import as_typed
from maskdet.system.file_names import in_shell


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
    from maskdet.datasets.image_files import list_images, note_unreadable_folders
    from maskdet.datasets.loading import say_notes
    from maskdet.datasets.problems import Problems
    from maskdet.errors import DatasetError
    from maskdet.runtimes.spec import find_model
    from maskdet.runtimes.tensorflow_import import quiet_import

    with quiet_import():
        from maskdet.export import run, unmeasured_files

    images = list_images(calibrate) if calibrate else []
    if calibrate:
        if not images:
            raise DatasetError(f"--calibrate {calibrate}: no pictures in that folder")
        note_unreadable_folders(calibrate, problems := Problems())
        say_notes(problems)
    folder = find_model(model)
    for file in run(folder, to, int8=int8, calibrate=images):
        print(f"wrote {file}")
    if unmeasured := unmeasured_files(folder):
        print(
            f"not measured yet: {', '.join(unmeasured)}; {as_typed('calibrate')} "
            f"--model {in_shell(model)} --data DIR --images LIST.txt"
        )
