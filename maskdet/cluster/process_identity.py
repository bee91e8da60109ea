"""Processes named in files, so that another process finds them, and no other of that number."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

import psutil

_POLL_S = 0.02
_KILL_TIMEOUT_S = 3.0


def identity(pid: int) -> str:
    """Number and birth of a process; empty where there is none."""
    try:
        return f"{pid} {psutil.Process(pid).create_time()}"
    except psutil.Error:
        return ""


def find(text: str) -> psutil.Process | None:
    """The process of an identity; None where it has ended, a zombie included."""
    with contextlib.suppress(ValueError, psutil.Error):
        pid, created = text.split()
        process = psutil.Process(int(pid))
        if process.create_time() == float(created) and process.status() != psutil.STATUS_ZOMBIE:
            return process
    return None


def read(file: Path) -> str:
    """An identity in a file; empty where there is none."""
    try:
        return file.read_text()
    except OSError:
        return ""


class AdoptedMonitor:
    """A monitor that another process has started, which has died since.

    What is done with it is the same as with a `ChildProcess`.
    """

    def __init__(self, process: psutil.Process) -> None:
        """Takes it over.

        Args:
            process: the monitor's, which leads a process group.
        """
        self._process = process
        self._identity = identity(process.pid)

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def poll(self) -> int | None:
        """None while it runs; else -1, as only its parent learns its exit status."""
        return None if find(self._identity) is not None else -1

    def ask_to_end(self) -> None:
        """Asks it to end in its own way."""
        with contextlib.suppress(psutil.Error):
            self._process.terminate()

    def kill(self) -> int | None:
        """Ends it at once, and what it has started; its exit status, as `poll`."""
        if self.poll() is None:
            with contextlib.suppress(OSError):
                os.killpg(self.pid, signal.SIGKILL)
            deadline = time.monotonic() + _KILL_TIMEOUT_S
            while self.poll() is None and time.monotonic() < deadline:
                time.sleep(_POLL_S)
        return self.poll()
