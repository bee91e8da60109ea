"""The time limit of calls in a child process that reads a camera."""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

TIMEOUT_STATUSES = (1, -14)
"""Exit statuses of a process that its watchdog ended: faulthandler's, and by SIGALRM."""


@contextmanager
def watchdog(seconds: float) -> Iterator[None]:
    """Ends the process if the block takes longer, even where native code never comes back.

    For blocks of the main thread, one at a time. The system's own timer costs a microsecond, and is
    set for every image. Windows has none: there faulthandler starts a thread each time.
    """
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        return
    with open(os.devnull, "w") as nowhere:
        faulthandler.dump_traceback_later(seconds, exit=True, file=nowhere)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()
