"""Answers of a child process that reads a camera, and the time limit of its calls."""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import struct
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import BinaryIO

ANSWER = struct.Struct("<I")
"""The length of an answer's JSON text, which follows."""
TIMEOUT_STATUSES = (1, -14)
"""Exit statuses of a process that its watchdog ended: faulthandler's, and by SIGALRM."""


def take_output() -> BinaryIO:
    """The pipe to the parent, to which nothing else writes from now on; Ctrl-C is the parent's."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it then kills us
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # drivers that print
    return output


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


def send_answer(output: BinaryIO, answer: Mapping[str, object]) -> None:
    """Sends an answer as JSON."""
    text = json.dumps(answer).encode()
    send(output, ANSWER.pack(len(text)) + text)


def send(output: BinaryIO, data: bytes | memoryview) -> None:
    """Sends all of it."""
    rest = memoryview(data)
    while rest:
        rest = rest[output.write(rest) :]
