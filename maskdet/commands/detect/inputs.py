"""The images that `detect` was asked for, and the line for what is no image."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from maskdet.errors import ConfigError
from maskdet.images.folder import MAX_OTHERS, left_out, list_folder
from maskdet.system.console import as_typed
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
        shlex.quote(f"./{name}" if name.startswith("-") else name)
        for name in (f"{video.stem}-annotated.mp4", f"{video.stem}.jsonl")
    )
    source = shlex.quote(os.fspath(video))
    outputs = f"--record {record} --events {events}"
    return f"{as_typed('monitor')} --source {source} --headless {outputs}"


def _refuse_live(path: Path) -> None:
    text = os.fspath(path)
    if address := _ADDRESS.match(text):  # a Path has made one slash of two
        text = mask_password(f"{address[1]}://{text[address.end() :]}")
    elif not _is_camera(path):
        return
    raise ConfigError(
        f"{text} is a camera or stream, and no image; process it with: "
        f"{as_typed('monitor')} --source {shlex.quote(text)}"
    )


def _is_camera(path: Path) -> bool:
    """Whether the monitor would take a path for a webcam: ``0``, ``/dev/video0``."""
    if path.exists():
        return path.is_char_device()
    return str(path).isdecimal() or str(path).startswith("/dev/video")
