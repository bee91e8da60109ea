"""Processes of tests: the child processes of one, and commands without root's rights."""

from __future__ import annotations

import contextlib
import os
import sys

import psutil
import pytest


def children(recursive: bool = False) -> list[tuple[psutil.Process, str]]:
    """Our child processes with their command lines, without those that have ended.

    One that was killed while it hung on a disk may be there as a zombie for a while.
    """
    found = []
    for child in psutil.Process().children(recursive=recursive):
        with contextlib.suppress(psutil.Error):
            found.append((child, " ".join(child.cmdline())))
    return found


_NO_RIGHTS_OF_ROOT = ("-dac_override", "-dac_read_search")


def as_user(command: list[str]) -> list[str]:
    """The command without root's right to read everything."""
    if sys.platform == "win32":
        pytest.skip("rights of files are those of POSIX")
    if os.geteuid() != 0:
        return command
    rights = ",".join(_NO_RIGHTS_OF_ROOT)
    return ["setpriv", f"--bounding-set={rights}", f"--inh-caps={rights}", *command]
