"""The images that `detect` was asked for, and the line for what is not an image."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath

from maskdet.errors import ConfigError
from maskdet.images.folder import MAX_OTHERS, left_out, list_folder
from maskdet.system.console import as_typed
from maskdet.system.file_names import in_shell
from maskdet.system.redaction import mask_password

_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+(?=[^/])")


@dataclass(frozen=True)
class Inputs:
    """The images to process, and the videos among the folders' files.

    Attributes:
        images: each image's path, and its name below the output folder.
        videos: videos in the folders, which are left out.
        others: other files in the folders, which are left out, too.
        lines: about those others, a line for each folder.
    """

    images: tuple[tuple[Path, Path], ...]
    videos: tuple[Path, ...]
    others: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()


def find_inputs(paths: Sequence[str | Path]) -> Inputs:
    """Lists the images of the paths; those of folders in natural order, sub-folders included.

    Args:
        paths: images and folders, as the user named them.

    Raises:
        ConfigError: one of them is a camera or stream; the line has the command that takes it. Or
            there is none of them.
        SourceError: a folder has far more other files than images, as a whole disk has.
    """
    images: list[tuple[Path, Path]] = []
    videos: list[Path] = []
    others: list[str] = []
    lines: list[str] = []
    for path in map(Path, paths):
        _refuse_live(path)
    if paths and not any(os.path.lexists(path) for path in paths):
        raise ConfigError("\n".join(f"{path}: no such file or folder" for path in paths))
    for path in map(Path, paths):
        if not path.is_dir():
            images.append((path, Path(path.name)))
            continue
        found = list_folder(path, MAX_OTHERS)
        images += [(Path(name), Path(name).relative_to(path)) for name in found.images]
        videos += map(Path, found.videos)
        others += found.others
        lines += left_out(replace(found, videos=()), path)
    return Inputs(tuple(images), tuple(videos), tuple(others), tuple(lines))


def monitor_command(video: Path) -> str:
    """The command line that does for a video what `detect` does for an image."""
    record, events = (
        in_shell(f"./{name}" if name.startswith("-") else name)
        for name in (f"{video.stem}-annotated.mp4", f"{video.stem}.jsonl")
    )
    source = in_shell(os.fspath(video))
    outputs = f"--record {record} --events {events}"
    return f"{as_typed('monitor')} --source {source} --headless {outputs}"


def _refuse_live(path: Path) -> None:
    text = _address(path) or os.fspath(path)
    if path.is_fifo() or path.is_socket():
        what = "pipe" if path.is_fifo() else "socket"
        raise ConfigError(f"{text} is a {what}, and no image; write the image to a file first")
    if not (_address(path) or _is_camera(path)):
        return
    raise ConfigError(
        f"{text} is a camera or stream, and no image; process it with: "
        f"{as_typed('monitor')} --source {in_shell(text)}"
    )


def _address(path: PurePath) -> str:
    """The address that was taken for a path, without its password; empty where it is none."""
    typed = path.as_posix()  # Windows turns the strokes of an address round, too
    address = _ADDRESS.match(typed)  # a Path has made one slash of two
    return mask_password(f"{address[1]}://{typed[address.end() :]}") if address else ""


def _is_camera(path: Path) -> bool:
    """Whether the monitor would take a path for a webcam: ``0``, ``/dev/video0``."""
    if path.exists():
        return path.is_char_device()
    return str(path).isdecimal() or str(path).startswith("/dev/video")
