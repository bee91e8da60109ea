"""Command lines of the child processes of a test."""

from __future__ import annotations

import contextlib

import psutil


def children(recursive: bool = False) -> list[tuple[psutil.Process, str]]:
    """Our child processes with their command lines, without those that have ended.

    One that was killed while it hung on a disk may be there as a zombie for a while.
    """
    found = []
    for child in psutil.Process().children(recursive=recursive):
        with contextlib.suppress(psutil.Error):
            found.append((child, " ".join(child.cmdline())))
    return found
