"""Programs of others that are run for their effect: a player, a user's own command."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO

from maskdet.system.threads import Event, Worker

KILL_TIMEOUT_S = 1.0
MAX_OUTPUT_BYTES = 64 * 1024
"""Bytes at the end of a program's output that are kept: it may write without end."""


@dataclass(frozen=True)
class Outcome:
    """Result of a program.

    Attributes:
        status: its exit status; None: it was ended as it took too long.
        last_line: the last line that it wrote to standard error or output.
        output: all of that, or its last `MAX_OUTPUT_BYTES`.
    """

    status: int | None
    last_line: str
    output: str = field(default="", compare=False)


def run_command(
    arguments: Sequence[str],
    *,
    stdin: bytes = b"",
    environment: Mapping[str, str] | None = None,
    timeout_s: float = 30.0,
) -> Outcome:
    """Runs a program, never through a shell; ends it with all that it started after the time.

    Raises:
        OSError: it cannot be started.
    """
    until = time.monotonic() + timeout_s
    process = subprocess.Popen(
        list(arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **(environment or {})},
        process_group=None if sys.platform == "win32" else 0,
    )
    assert process.stdin is not None and process.stdout is not None
    writer, reader = _Writer(process.stdin, stdin), _Reader(process.stdout)
    status: int | None = None
    try:
        with contextlib.suppress(subprocess.TimeoutExpired):
            if reader.ended.wait(timeout_s):
                status = process.wait(max(0.0, until - time.monotonic()))
    except BaseException:  # a signal: nothing goes on behind our back
        _end(process)
        raise
    if status is None:
        _end(process)
        reader.ended.wait(KILL_TIMEOUT_S)
    writer.ended.wait(KILL_TIMEOUT_S)
    return Outcome(status, reader.last_line(), reader.output())


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kills a program and all that it has started."""
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(KILL_TIMEOUT_S)


class _Writer:
    """Writes a program's input in a thread: it may never read it."""

    def __init__(self, pipe: IO[bytes], content: bytes) -> None:
        self.ended = Event()
        self._pipe, self._content = pipe, content
        Worker("input of a program", self._write, is_daemon=True).start()

    def _write(self) -> None:
        with contextlib.suppress(OSError):  # it has ended, or closed its input
            self._pipe.write(self._content)
        with contextlib.suppress(OSError):
            self._pipe.close()
        self.ended.set()


class _Reader:
    """Reads a program's output in a thread, and keeps its end."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self.ended = Event()
        self._pipe, self._kept = pipe, b""
        Worker("output of a program", self._read, is_daemon=True).start()

    def _read(self) -> None:
        try:
            with self._pipe:
                while chunk := os.read(self._pipe.fileno(), MAX_OUTPUT_BYTES):
                    self._kept = (self._kept + chunk)[-MAX_OUTPUT_BYTES:]
        finally:
            self.ended.set()

    def output(self) -> str:
        """The end of what came so far."""
        return self._kept.decode(errors="replace")

    def last_line(self) -> str:
        """The last line so far that is not blank, 200 characters of it at most."""
        lines = self.output().strip().splitlines()
        return lines[-1].strip()[:200] if lines else ""
