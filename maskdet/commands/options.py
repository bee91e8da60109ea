"""Options that several commands share."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from maskdet.errors import ConfigError
from maskdet.model.class_names import parse_states
from maskdet.system.console import ending
from maskdet.system.file_names import in_shell
from maskdet.system.native_libraries import open_closed_streams
from maskdet.system.processes.signals import unwound_by_signals
from maskdet.system.redaction import mask_password

if TYPE_CHECKING:
    from maskdet.config import Override

HELP_NAMES = {"help_option_names": ["--help", "-h"]}
"""How the help is asked for, of every command."""
Looks = Literal["auto"] | int
"""How often to look at an image; see `maskdet.runtimes.looks`."""

Model = Annotated[str, typer.Option(metavar="M", help="A folder under models/, or a path.")]
Device = Annotated[Literal["auto", "cpu", "gpu"], typer.Option(help="Where to detect.")]
Labels = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Label map of a third-party or legacy model: .pbtxt, CSV."),
]
States = Annotated[
    list[str] | None,
    typer.Option(
        "--state",
        metavar="NAME=STATE",
        help="Repeatable: what its class NAME means; not_a_face: it is left out.",
    ),
]
LooksOption = Annotated[
    str,
    typer.Option(
        "--looks",
        metavar="auto|N",
        help="At each image: 1, once; 2, close faces too; 3 to 8, parts along a side.",
    ),
]
Tiles = Annotated[
    int,
    typer.Option(
        metavar="N", min=1, max=8, help="Small faces: processes N × N tiles of each picture, too."
    ),
]
Json = Annotated[Path | None, typer.Option("--json", metavar="FILE", help="All of it as JSON.")]
FormatName = Literal["auto", "voc", "csv", "retinanet", "tfrecord", "coco", "yolo"]
Data = Annotated[
    Path, typer.Option(metavar="DIR", help="Folder of labeled pictures, or file of labels.")
]
ImageList = Annotated[
    Path | None,
    typer.Option(metavar="LIST.txt", help="Pictures relative to DIR, or labels; default: all."),
]
DataFormat = Annotated[FormatName, typer.Option("--format", help="Of the labels.")]
Classes = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Lists the classes: .txt, name,id CSV, .pbtxt, data.yaml."),
]

MonitorFile = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="The monitor's settings in YAML.")
]
Overrides = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="A.B=VALUE", help="Repeatable: changes one setting."),
]
MinScore = Annotated[
    float | None,
    typer.Option(metavar="X", min=0.0, max=1.0, help="Lowest score; default: the model's."),
]
ImageFolder = Annotated[Path | None, typer.Option(metavar="DIR", help="Where annotated images go.")]
JsonFile = Annotated[
    Path | None,
    typer.Option("--json", metavar="FILE", help="Boxes and counts as JSON; - is stdout."),
]
CsvFile = Annotated[
    Path | None,
    typer.Option("--csv", metavar="FILE", help="A line for each face as CSV; - is stdout."),
]
Blur = Annotated[
    bool, typer.Option("--blur", help="Faces of the annotated images become a mosaic.")
]
Seconds = Annotated[float, typer.Option(metavar="S", min=0.1, help="Length of each measurement.")]
BatchSizes = Annotated[
    str | None,
    typer.Option(metavar="1,2,4,8", help="Only the detector, by pictures in a call."),
]
CompareRuntimes = Annotated[
    bool, typer.Option("--runtimes", help="Compares the model's files instead: LiteRT, ONNX …")
]
CountCameras = Annotated[
    bool,
    typer.Option("--cameras", help="Instead: how many network cameras this machine carries."),
]
MaxCameras = Annotated[
    int, typer.Option(metavar="N", min=1, help="With --cameras: the most that are tried.")
]
HeadTracks = Annotated[
    Path | None,
    typer.Option(
        "--people",
        metavar="TRACKS.csv",
        help="Follows head tracks (frame,person,x1,y1,x2,y2 at 25 fps) instead, and scores that.",
    ),
]


FaceData = Annotated[
    Path | None,
    typer.Option(
        "--faces",
        metavar="DATA",
        help="With --people: faces of these annotated images move along the tracks, and the model "
        "has to find them.",
    ),
]
KeptDetections = Annotated[
    Path | None,
    typer.Option(
        "--detections",
        metavar="FILE.npz",
        help="With --faces: keeps what the model finds, and uses it the next time.",
    ),
]


def parse_looks(looks: str, tiles: int) -> Looks:
    """Number of looks at an image, by two options of which tiles go before.

    Raises:
        ConfigError: it is neither ``auto`` nor a number from 1 to 8.
    """
    if tiles > 1:
        return 1
    if looks == "auto":
        return "auto"
    from maskdet.runtimes.looks.plan import MAX_LOOKS

    if looks.isdecimal() and 1 <= int(looks) <= MAX_LOOKS:
        return int(looks)
    raise ConfigError(f"--looks {looks}: must be auto or a number from 1 to {MAX_LOOKS}")


def setting_overrides(values: Mapping[str, Any], states: Sequence[str] | None) -> list[Override]:
    """Options of a command line that replace the monitor's settings of the same names.

    Args:
        values: by setting; None: the option is not given.
        states: of ``--state``.

    Raises:
        ConfigError: one of these has no name or no state.
    """
    from maskdet.config import Override

    options = [
        Override(f"--{key.replace('_', '-')}", (key,), value)
        for key, value in values.items()
        if value is not None
    ]
    return options + [
        Override(f"--state {name}={state}", ("classes", name), state)
        for name, state in parse_states(states).items()
    ]


def run_app(
    app: typer.Typer, name: str, arguments: Sequence[str] | None, *, interrupted: int
) -> int:
    """Runs a command line; returns its exit status.

    Args:
        app: the command line.
        name: the command as the person typed it.
        arguments: what stands after the command's name; None: those of the process.
        interrupted: the exit status after Ctrl-C.
    """
    open_closed_streams()
    return ending(name, partial(_status, app, name, arguments), interrupted=interrupted)


def _status(app: typer.Typer, name: str, arguments: Sequence[str] | None) -> int:
    try:
        with unwound_by_signals():
            status = app(arguments, prog_name=name, standalone_mode=False)
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # typer's own answer to: … | head
            raise end.__context__ from None
        raise
    except typer.TyperException as error:
        message = _plain(" ".join(error.format_message().split()))
        words = sys.argv[1:] if arguments is None else arguments
        command = _command_path(app, name, words)
        hint = _file_hint(words) or _monitor_hint(app, name, words)
        raise ConfigError(f"{message} (see {command} --help){hint}") from None
    return int(status or 0)


def _command_path(app: typer.Typer, name: str, arguments: Sequence[str]) -> str:
    """The command with its subcommands: not every error of typer says whose it is."""
    command: Any = typer.main.get_command(app)
    for word in arguments:
        command = getattr(command, "commands", {}).get(word)
        if command is None:
            break
        name += f" {word}"
    return name


def _monitor_hint(app: typer.Typer, name: str, arguments: Sequence[str]) -> str:
    """The end of a message where somebody has left out the word ``monitor``, as monitor.py does."""
    commands = getattr(typer.main.get_command(app), "commands", {})
    first = arguments[0] if arguments else ""
    if "monitor" not in commands or first in commands:
        return ""
    known = {option for one in commands["monitor"].params for option in one.opts}
    is_source = first == "demo" or "://" in first or (first and os.path.exists(first))
    if not is_source and first.partition("=")[0] not in known:
        return ""
    return f"; did you mean: {name} monitor {in_shell(mask_password(first))} …"


def _plain(message: str) -> str:
    """A message of typer without pydantic's own words about a value."""
    message = re.sub(r", unable to (?:parse|interpret) .*$", "", message)
    message = message.replace("Value error, ", "").replace("Input should be", "must be")
    return message.removesuffix(".")


def _file_hint(arguments: Sequence[str]) -> str:
    """The end of a message, with the name of a file that was taken for an option, if one was."""
    files = (word for word in arguments if word.startswith("-") and os.path.exists(word))
    return next((f"; for the file of that name: {in_shell(f'./{file}')}" for file in files), "")
