"""The images of a folder, and what else lies there."""

from __future__ import annotations

import logging
import os
import re
import stat
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from maskdet.errors import SourceError, reason_of
from maskdet.images.kinds import IMAGE_SUFFIXES, VIDEO_SUFFIXES, kind_of_file

log = logging.getLogger(__name__)

MAX_NAMED = 5
"""Files that a message names; of the others it states the number."""
MAX_OTHERS = 10_000
"""Files without an image in them, in a folder of images; a system's or a home has more."""
LABELS_PER_IMAGE = 3
"""Files of labels that may lie beside an image, besides those others."""
REPORT_INTERVAL_S = 3.0
_SYSTEM_FOLDERS = ("__MACOSX", "@eaDir")
"""Folders in archives of a Mac, and of previews on a Synology NAS."""
_VIDEO = tuple(VIDEO_SUFFIXES)
Kind = Literal["image", "video", "other", "linked folder", "dead link"]


@dataclass(frozen=True)
class FolderContent:
    """The files in a folder and those below it, in natural order; hidden ones left out.

    Attributes:
        images: paths of files that are read as images.
        videos: paths of videos.
        others: paths of files that are neither, and of what is not a file.
        linked_folders: paths of links to folders elsewhere, which are not followed.
        dead_links: paths of links that lead nowhere.
        unreadable: a line for each folder that cannot be searched.
    """

    images: tuple[str, ...]
    videos: tuple[str, ...]
    others: tuple[str, ...]
    linked_folders: tuple[str, ...] = ()
    dead_links: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()


def list_folder(folder: str | Path, max_others: int | None = None) -> FolderContent:
    """Lists a folder and those below: 2.jpg before 10.jpg.

    A file with an image's ending counts as one, and what is wrong with it is found when it is
    read; of any other file the content decides. A search that takes long is reported to the log.

    Args:
        folder: to search.
        max_others: files that are neither image nor video, nor labels of images, beyond which it
            is not a folder of images, but a disk or somebody's home; None: any number.

    Raises:
        SourceError: there are more.
    """
    found: dict[Kind, list[str]] = {
        kind: [] for kind in ("image", "video", "other", "linked folder", "dead link")
    }
    unreadable: list[str] = []
    report_due = time.monotonic() + REPORT_INTERVAL_S
    for count, path in enumerate(_entries(str(folder), unreadable)):
        if time.monotonic() > report_due:
            report_due += REPORT_INTERVAL_S
            log.warning("searching %s for pictures: %d files so far, at %s", folder, count, path)
        if kind := _kind_of_entry(path):
            found[kind].append(path)
        others = len(found["other"])
        if max_others is not None and others > max_others + LABELS_PER_IMAGE * len(found["image"]):
            raise SourceError(
                f"{folder} has more than {max_others} files that are not pictures; give the folder "
                "of the pictures alone"
            )
    listed = {kind: tuple(sorted(paths, key=natural_key)) for kind, paths in found.items()}
    return FolderContent(
        listed["image"],
        listed["video"],
        listed["other"],
        listed["linked folder"],
        listed["dead link"],
        tuple(sorted(unreadable)),
    )


def _entries(folder: str, unreadable: list[str]) -> Iterator[str]:
    """The paths of all files below a folder, and of links to folders elsewhere."""

    def note(error: OSError) -> None:
        unreadable.append(
            f"{error.filename} cannot be searched: {reason_of(error)}; check its rights"
        )

    real = os.path.realpath(folder)
    for parent, folders, files in os.walk(folder, onerror=note):
        folders[:] = [name for name in folders if not is_hidden(name)]
        for name in folders:
            path = os.path.join(parent, name)
            if os.path.islink(path) and not _lies_in(os.path.realpath(path), real):
                yield path
        yield from (os.path.join(parent, name) for name in files)


def is_hidden(name: str) -> bool:
    """Whether a file or folder of that name is hidden, or holds copies that a system made."""
    return name.startswith(".") or name in _SYSTEM_FOLDERS


def _lies_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(os.path.join(folder, ""))


def _kind_of_entry(path: str) -> Kind | None:
    """The kind of what lies in a folder; None: it is hidden, or has gone."""
    name = os.path.basename(path)
    if is_hidden(name):
        return None
    try:
        state = os.stat(path)
    except OSError:
        return "dead link" if os.path.islink(path) else None
    if stat.S_ISDIR(state.st_mode):
        return "linked folder"
    if not stat.S_ISREG(state.st_mode):
        return "other"
    if name.lower().endswith(IMAGE_SUFFIXES):
        return "image"
    # files of the kernel state no size; some of them make a reader wait without end
    return kind_of_file(path) if state.st_size or path.lower().endswith(_VIDEO) else "other"


def natural_key(path: str) -> list[tuple[bool, int, str]]:
    """A sort key under which 2.jpg comes before 10.jpg."""
    parts = re.split(r"(\d+)", path.casefold())
    # isdecimal, not isdigit: "²" is a digit that int() refuses
    return [(not p.isdecimal(), int(p) if p.isdecimal() else 0, p) for p in parts]


def left_out(content: FolderContent, folder: str | Path) -> list[str]:
    """A line about the videos of a folder, one about what is neither image nor video, and more."""
    lines = not_searched(content, folder)
    if content.videos:
        what = _counted(content.videos, "a video", "videos", folder)
        lines.append(f"{folder}: {what}; left out: a video needs a --source of its own")
    if content.others:
        what = _counted(content.others, "not a picture", "not pictures", folder)
        lines.append(f"{folder}: {what}; left out")
    return lines


def not_searched(content: FolderContent, folder: str | Path) -> list[str]:
    """Lines about folders that cannot be searched, and about links that are not followed."""
    lines = list(content.unreadable)
    if content.linked_folders:
        what = _counted(content.linked_folders, "a link to a folder", "links to folders", folder)
        lines.append(f"{folder}: {what}; not followed: name that folder, too")
    if content.dead_links:
        what = _counted(
            content.dead_links, "a link that leads nowhere", "links that lead nowhere", folder
        )
        lines.append(f"{folder}: {what}; left out")
    return lines


def _counted(paths: Sequence[str], one: str, several: str, folder: str | Path) -> str:
    """``2 files are not pictures: a.txt, b.xml``."""
    names = ", ".join(os.path.relpath(path, folder) for path in paths[:MAX_NAMED])
    if len(paths) == 1:
        return f"1 file is {one}: {names}"
    more = f" and {len(paths) - MAX_NAMED} more" if len(paths) > MAX_NAMED else ""
    return f"{len(paths)} files are {several}: {names}{more}"
