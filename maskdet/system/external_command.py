"""Programs of others that are run for their effect: a player, a user's own command."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

KILL_TIMEOUT_S = 1.0


@dataclass(frozen=True)
class Outcome:
    """Result of a program.

    Attributes:
        status: its exit status; None: it was ended as it took too long.
        last_line: the last line that it wrote to standard error or output.
    """

    status: int | None
    last_line: str


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
    process = subprocess.Popen(
        list(arguments),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **(environment or {})},
        process_group=None if sys.platform == "win32" else 0,
    )
    try:
        output, _ = process.communicate(stdin, timeout=timeout_s)
        status: int | None = process.returncode
    except subprocess.TimeoutExpired:
        status, output = None, b""
        if sys.platform != "win32":
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            output, _ = process.communicate(timeout=KILL_TIMEOUT_S)
    lines = output.decode(errors="replace").strip().splitlines()
    return Outcome(status, lines[-1].strip()[:200] if lines else "")
