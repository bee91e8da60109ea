"""The monitor in a process of its own, started again for each measurement."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from maskdet.errors import MaskdetError

_ROOT = Path(__file__).resolve().parents[3]


def run_child(
    code: str, *options: str, request: str = "", timeout_s: float | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs Python code that imports this package, to its end.

    It runs in this folder, where relative paths mean what the person meant by them; so Python is
    given this package's place, and (``-P``) to look for none here.

    Args:
        code: what runs.
        options: its command line.
        request: its standard input.
        timeout_s: seconds after which it is killed; None: it may take any time.

    Raises:
        subprocess.TimeoutExpired: it was killed.
    """
    places = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.run(
        [sys.executable, "-P", "-c", code, *options],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(places)},
        input=request,
        capture_output=True,
        text=True,
        timeout=timeout_s,
    )


def failure_of(done: subprocess.CompletedProcess[str]) -> MaskdetError:
    """The error for a monitor that could not be measured, with its own last line."""
    lines = done.stderr.strip().splitlines() or ["no message"]
    return MaskdetError(f"the monitor failed in the benchmark: {lines[-1]}")
