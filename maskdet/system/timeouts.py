"""Timeouts: a run ends though a disk, a detector or a driver hangs."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from maskdet.errors import SinkError
from maskdet.system import threads
from maskdet.system.threads import Closed, Mailbox, Worker

T = TypeVar("T")

_POLL_S = 0.05


def run_all_with_timeout(seconds: float, jobs: Mapping[str, Callable[[], object]]) -> list[str]:
    """Does all jobs side by side, each in a thread of its own, and raises what one raises.

    Args:
        seconds: how long to wait for all of them together.
        jobs: by name.

    Returns:
        The names of those that hang.
    """
    until = time.monotonic() + seconds
    started = [Worker(name, job) for name, job in jobs.items()]
    for worker in started:
        worker.start()
    hanging = [worker.name for worker in started if not worker.join(until - time.monotonic())]
    for worker in started:
        worker.raise_error()
    return hanging


def run_with_timeout(seconds: float, name: str, job: Callable[[], T], otherwise: str) -> T:
    """Does a job that may hang, and returns or raises what it does.

    Args:
        seconds: how long to wait for it.
        name: what it does.
        job: what to do; goes on, in a thread that is left, where it takes longer.
        otherwise: the message then.

    Raises:
        SinkError: it hangs.
    """
    results: list[T] = []
    if run_all_with_timeout(seconds, {name: lambda: results.append(job())}):
        raise SinkError(otherwise)
    return results[0]


def interruptible(
    name: str, job: Callable[[], T], meanwhile: Callable[[], None] | None = None
) -> T:
    """Does a job that may hang and returns or raises what it does; a signal ends the wait for it.

    A call to a disk that does not answer cannot be interrupted, waiting for a thread can.

    Args:
        name: what it does.
        job: what to do; goes on, in a thread that is left, where the wait was ended.
        meanwhile: called some times a second while it is done; what it raises ends the wait, too.
    """
    results: list[T] = []
    over: Mailbox[None] = Mailbox()
    worker = Worker(name, lambda: results.append(job()), [over])
    worker.start()
    try:
        with contextlib.suppress(Closed):
            # Not join: a thread whose join is interrupted passes for ended (3.11).
            while over.get(None if meanwhile is None else _POLL_S) is None and meanwhile:
                meanwhile()
    finally:
        worker.join(None if over.closed else 0.0)
    return results[0]


def has_hung_threads() -> bool:
    """Whether a thread that was waited for in vain is still there."""
    return any(worker.is_alive for worker in threads.left)


def exit_process(status: int) -> int:
    """Returns the exit status; where a thread hangs, ends the process with it here and now.

    Python would wait for that thread. To be called when all is written that can be.
    """
    if has_hung_threads():
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError, AttributeError):  # None: closed
                stream.flush()
        os._exit(status)
    return status
