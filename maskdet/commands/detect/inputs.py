"""The images that `detect` was asked for, and the line for what is no image."""

from __future__ import annotations

import os
import re
import shlex
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from maskdet.errors import ConfigError
from maskdet.sources.files.image_files import list_pictures
from maskdet.system.redaction import mask_password

VIDEO_SUFFIXES = frozenset(
    (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".wmv", ".flv", ".mpg", ".mpeg", ".ts")
    + (".mts", ".m2ts", ".3gp", ".ogv", ".h264", ".h265", ".mjpeg", ".mjpg")
)
_SUFFIXES_OF_SEVERAL = frozenset((".gif", ".webp", ".png", ".apng", ".tif", ".tiff", ".avif"))
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):/+(?=[^/])")
_IMAGE_STARTS = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*")
_IMAGE_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"hevc", b"heim", b"mif1", b"msf1")
_MPEG_TS_PACKET = 188
_HEADER_BYTES = 2 * _MPEG_TS_PACKET


@dataclass(frozen=True)
class Inputs:
    """The images to process, and the videos among the folders' files.

    Attributes:
        images: each image's path, and its name below the output folder.
        videos: videos in the folders, which are left out.
    """

    images: tuple[tuple[Path, Path], ...]
    videos: tuple[Path, ...]


def find_inputs(paths: Sequence[str | Path]) -> Inputs:
    """Lists the images of the paths; those of folders in natural order, sub-folders included.

    Args:
        paths: images and folders, as the user named them.

    Raises:
        ConfigError: one of them is a camera or stream; the line has the command that takes it.
    """
    images: list[tuple[Path, Path]] = []
    videos: list[Path] = []
    for path in map(Path, paths):
        _refuse_live(path)
        if not path.is_dir():
            images.append((path, Path(path.name)))
            continue
        found = [Path(name) for name in list_pictures(os.fspath(path))]
        images += [(image, image.relative_to(path)) for image in found]
        videos += _videos_in(path)
    return Inputs(tuple(images), tuple(videos))


def monitor_command(video: Path) -> str:
    """The command line that does for a video what `detect` does for an image."""
    record, events = (
        shlex.quote(f"./{name}" if name.startswith("-") else name)
        for name in (f"{video.stem}-annotated.mp4", f"{video.stem}.jsonl")
    )
    source = shlex.quote(os.fspath(video))
    return f"python monitor.py --source {source} --headless --record {record} --events {events}"


def is_video(path: Path) -> bool:
    """Whether a file is a video, by its first bytes, or by its ending if they do not say."""
    try:
        with open(path, "rb") as file:
            head = file.read(_HEADER_BYTES)
    except OSError:
        return False
    if head.startswith(_IMAGE_STARTS):
        return False
    if head[4:8] == b"ftyp":
        return head[8:12] not in _IMAGE_BRANDS
    if head.startswith(b"RIFF"):
        return head[8:12] == b"AVI "
    packets = head[0:1] + head[_MPEG_TS_PACKET : _MPEG_TS_PACKET + 1]
    starts = (b"\x1aE\xdf\xa3", b"FLV\x01", b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3")
    if head.startswith(starts) or packets == b"GG":
        return True
    return path.suffix.lower() in VIDEO_SUFFIXES


def frame_count(path: Path) -> int:
    """Frames or pages of an image that may have several: GIF, WebP, PNG, TIFF, AVIF; else 1."""
    if path.suffix.lower() not in _SUFFIXES_OF_SEVERAL:
        return 1
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path) as image:
            return int(getattr(image, "n_frames", 1))
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError, Image.DecompressionBombError):
        return 1  # what is wrong with it is said where it is read


def _refuse_live(path: Path) -> None:
    text = os.fspath(path)
    if address := _ADDRESS.match(text):  # a Path has made one slash of two
        text = mask_password(f"{address[1]}://{text[address.end() :]}")
    elif not _is_camera(path):
        return
    raise ConfigError(
        f"{text} is a camera or stream, and no image; process it with: "
        f"python monitor.py --source {shlex.quote(text)}"
    )


def _is_camera(path: Path) -> bool:
    """Whether the monitor would take a path for a webcam: ``0``, ``/dev/video0``."""
    if path.exists():
        return path.is_char_device()
    return str(path).isdecimal() or str(path).startswith("/dev/video")


def _videos_in(folder: Path) -> Iterator[Path]:
    """Videos of a folder and those below, by their endings; hidden ones left out."""
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            if not name.startswith(".") and Path(name).suffix.lower() in VIDEO_SUFFIXES:
                yield Path(place, name)
