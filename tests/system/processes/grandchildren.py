"""Processes that a child process may start and leave behind, and that hold its pipe open."""

from __future__ import annotations

import os
import signal
import subprocess
import sys


def one_that_stays() -> None:
    """Starts one and waits, as a driver that has a helper."""
    _start(is_session=False)
    signal.pause()


def one_that_cuts_itself_loose() -> None:
    """Likewise, but in a session of its own: killing the child's group does not reach it."""
    _start(is_session=True)
    signal.pause()


def one_that_outlives_the_child() -> None:
    """Likewise, and the child ends automatically."""
    _start(is_session=True)


def _start(*, is_session: bool) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"],
                             start_new_session=is_session)  # fmt: skip
    os.write(1, child.pid.to_bytes(4, "little"))
