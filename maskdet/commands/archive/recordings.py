"""The recordings of the folders that were named, and the lines for what is left out."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from maskdet.errors import ConfigError
from maskdet.images.folder import MAX_NAMED, list_folder
from maskdet.system.redaction import mask_password

_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")


@dataclass(frozen=True)
class Recording:
    """A recording to process.

    Attributes:
        path: of the file, absolute.
        name: relative to its folder; people read it, and events have it as `source`.
        size: in bytes.
        modified_ns: when it was last written, in nanoseconds.
    """

    path: str
    name: str
    size: int
    modified_ns: int

    def is_unchanged(self) -> bool:
        """Whether the file is still the one that was listed."""
        try:
            state = os.stat(self.path)
        except OSError:
            return False
        return (state.st_size, state.st_mtime_ns) == (self.size, self.modified_ns)


def find_recordings(folders: Sequence[Path], output: Path) -> tuple[list[Recording], list[str]]:
    """Lists the videos of folders, and of those below them, in natural order.

    Args:
        folders: a video in place of a folder is taken, too.
        output: where results go; what lies there is no recording.

    Returns:
        The recordings, each file once, and a line for each folder with files that are left out.

    Raises:
        ConfigError: a folder is missing, or there is no recording at all.
    """
    found: dict[str, Recording] = {}
    lines: list[str] = []
    for folder in folders:
        _require_folder(folder)
        if not folder.is_dir():
            found.setdefault(*_listed(str(folder), folder.name))
            continue
        content = list_folder(folder)
        for path in content.videos:
            if not _lies_in(path, output):
                name = os.path.relpath(path, folder)
                found.setdefault(
                    *_listed(path, name if len(folders) == 1 else f"{folder.name}/{name}")
                )
        others = [path for path in content.others + content.images if not _lies_in(path, output)]
        lines += [_left_out(others, folder)] if others else []
    if not found:
        where = ", ".join(str(folder) for folder in folders)
        raise ConfigError(f"{where}: no recording (.mp4, .mkv, .avi …) in there; name its folder")
    return list(found.values()), lines


def _require_folder(folder: Path) -> None:
    if _ADDRESS.match(str(folder)) and not folder.exists():
        raise ConfigError(
            f"{mask_password(str(folder))} is an address; archive processes files, "
            "monitor.py --source watches a camera"
        )
    if not folder.exists():
        raise ConfigError(f"{folder}: no such folder; name one with recordings")


def _listed(path: str, name: str) -> tuple[str, Recording]:
    """A recording under its real path: the same file is processed once, however it is reached."""
    real = os.path.realpath(path)
    try:
        state = os.stat(real)
    except OSError:  # it has gone, or must not be read: reported when its turn comes
        return real, Recording(real, name, 0, 0)
    return real, Recording(real, name, state.st_size, state.st_mtime_ns)


def _lies_in(path: str, folder: Path) -> bool:
    return Path(path).resolve().is_relative_to(folder.resolve())


def _left_out(paths: Sequence[str], folder: Path) -> str:
    names = ", ".join(os.path.relpath(path, folder) for path in paths[:MAX_NAMED])
    more = f" and {len(paths) - MAX_NAMED} more" if len(paths) > MAX_NAMED else ""
    files = "1 file is no recording" if len(paths) == 1 else f"{len(paths)} files are no recordings"
    return f"{folder}: {files}: {names}{more}; left out"
