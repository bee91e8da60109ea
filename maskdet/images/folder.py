"""The images of a folder, and what else lies there."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from maskdet.images.kinds import IMAGE_SUFFIXES, kind_of_file

MAX_NAMED = 5
"""Files that a message names; of the others it states the number."""


@dataclass(frozen=True)
class FolderContent:
    """The files in a folder and those below it, in natural order; hidden ones left out.

    Attributes:
        images: paths of files that are read as images.
        videos: paths of videos.
        others: paths of files that are neither.
    """

    images: tuple[str, ...]
    videos: tuple[str, ...]
    others: tuple[str, ...]


def list_folder(folder: str | Path) -> FolderContent:
    """Lists a folder and those below: 2.jpg before 10.jpg.

    A file with an image's ending counts as one, and what is wrong with it is found when it is
    read; of any other file the content decides.
    """
    from imutils.paths import list_files  # slow to import, and few need it

    found: dict[str, list[str]] = {"image": [], "video": [], "other": []}
    for path in sorted(map(str, list_files(str(folder))), key=natural_key):
        name = os.path.basename(path)
        if name.startswith(".") or not os.path.isfile(path):
            continue
        is_named_so = name.lower().endswith(IMAGE_SUFFIXES)
        found["image" if is_named_so else kind_of_file(path)].append(path)
    return FolderContent(tuple(found["image"]), tuple(found["video"]), tuple(found["other"]))


def natural_key(path: str) -> list[tuple[bool, int, str]]:
    """A sort key under which 2.jpg comes before 10.jpg."""
    parts = re.split(r"(\d+)", path.casefold())
    # isdecimal, not isdigit: "²" is a digit that int() refuses
    return [(not p.isdecimal(), int(p) if p.isdecimal() else 0, p) for p in parts]


def left_out(content: FolderContent, folder: str | Path) -> list[str]:
    """A line about the videos of a folder, and one about what is neither image nor video."""
    lines = []
    if content.videos:
        what = _counted(content.videos, "a video", "videos", folder)
        lines.append(f"{folder}: {what}; left out: a video needs a --source of its own")
    if content.others:
        what = _counted(content.others, "no picture", "no pictures", folder)
        lines.append(f"{folder}: {what}; left out")
    return lines


def _counted(paths: Sequence[str], one: str, several: str, folder: str | Path) -> str:
    """``2 files are no images: a.txt, b.xml``."""
    names = ", ".join(os.path.relpath(path, folder) for path in paths[:MAX_NAMED])
    if len(paths) == 1:
        return f"1 file is {one}: {names}"
    more = f" and {len(paths) - MAX_NAMED} more" if len(paths) > MAX_NAMED else ""
    return f"{len(paths)} files are {several}: {names}{more}"
