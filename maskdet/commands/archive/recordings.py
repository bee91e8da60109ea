"""The recordings of the folders that were named, and the lines for what is left out."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from maskdet.errors import ConfigError
from maskdet.images.folder import MAX_NAMED, list_folder, not_searched
from maskdet.system.console import as_typed
from maskdet.system.redaction import mask_password

OWN_NAMES = (
    *("results", "summary.csv", "summary.json"),
    *("archive.db", "archive.db-wal", "archive.db-shm", "archive.lock"),
)
"""Files and folders in an archive's folder."""
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


@dataclass
class Found:
    """Result of a search of the folders.

    Attributes:
        recordings: to process, each file once, in natural order.
        lines: about files that are left out.
        unreadable: a line for each folder that cannot be searched.
    """

    recordings: list[Recording] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)


def find_recordings(folders: Sequence[Path], output: Path) -> Found:
    """Lists the videos of folders, and of those below them.

    Args:
        folders: a video instead of a folder is taken, too.
        output: where results go; the files of the archive there are not named as left out.

    Raises:
        ConfigError: a folder is missing, or there is no recording at all.
    """
    listed: dict[str, Recording] = {}
    found = Found()
    for folder in folders:
        _require_folder(folder)
        if not folder.is_dir():
            listed.setdefault(*_listed(str(folder), folder.name))
            continue
        content = list_folder(folder)
        for path in content.videos:
            name = os.path.relpath(path, folder)
            listed.setdefault(
                *_listed(path, name if len(folders) == 1 else f"{folder.resolve().name}/{name}")
            )
        found.unreadable += content.unreadable
        found.lines += not_searched(replace(content, unreadable=()), folder)
        own = _own_files(output)
        others = [path for path in content.others + content.images if not _lies_in(path, own)]
        found.lines += [_left_out(others, folder)] if others else []
    if not listed:
        raise ConfigError("\n".join((*found.unreadable, *found.lines, _nothing_in(folders))))
    found.recordings += listed.values()
    return found


def _nothing_in(folders: Sequence[Path]) -> str:
    where = ", ".join(str(folder) for folder in folders)
    return f"{where}: no recording (.mp4, .mkv, .avi …) in there; name its folder"


def _own_files(output: Path) -> tuple[Path, ...]:
    """Paths of the parts of an archive, which may lie among the recordings."""
    return tuple(output.resolve() / name for name in OWN_NAMES)


def _require_folder(folder: Path) -> None:
    if _ADDRESS.match(folder.as_posix()) and not folder.exists():
        raise ConfigError(
            f"{mask_password(folder.as_posix())} is an address; archive processes files, "
            f"{as_typed('monitor --source')} watches a camera"
        )
    if not folder.exists():
        raise ConfigError(f"{folder}: no such folder; name one with recordings")
    if not (folder.is_dir() or folder.is_file()):
        raise ConfigError(f"{folder} is a device or pipe; archive processes files")


def _listed(path: str, name: str) -> tuple[str, Recording]:
    """A recording under its real path: the same file is processed once, however it is reached."""
    real = os.path.realpath(path)
    try:
        state = os.stat(real)
    except OSError:  # it has gone, or must not be read: reported when its turn comes
        return real, Recording(real, name, 0, 0)
    return real, Recording(real, name, state.st_size, state.st_mtime_ns)


def _lies_in(path: str, places: Sequence[Path]) -> bool:
    real = Path(path).resolve()
    return any(real.is_relative_to(place) for place in places)


def _left_out(paths: Sequence[str], folder: Path) -> str:
    names = ", ".join(os.path.relpath(path, folder) for path in paths[:MAX_NAMED])
    more = f" and {len(paths) - MAX_NAMED} more" if len(paths) > MAX_NAMED else ""
    files = (
        "1 file is not a recording" if len(paths) == 1 else f"{len(paths)} files are not recordings"
    )
    return f"{folder}: {files}: {names}{more}; left out"
