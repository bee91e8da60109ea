"""Folders that outputs go to."""

from __future__ import annotations

import errno
import re
from pathlib import Path

from maskdet.system.console import say

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/|[^/\\]+:[^/\\]*@", re.IGNORECASE)
"""How an address begins, its scheme perhaps forgotten; one letter and a colon are a drive."""


def make_folder(folder: Path, *, quiet: bool = False) -> None:
    """Makes a folder, with those above it, where it is not there, and reports it.

    Args:
        folder: no address of a camera.
        quiet: it is not reported.

    Raises:
        OSError: it cannot be made; ``filename`` is the one that is in the way.
    """
    if folder.is_dir():
        return
    if _ADDRESS.match(folder.as_posix()):
        raise OSError(errno.EINVAL, "is an address, not a folder", str(folder))
    folder.mkdir(parents=True, exist_ok=True)
    if not quiet:
        say(f"created the folder {folder}")
