"""The monitor in a process of its own, as its users run it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
StartMonitor = Callable[..., subprocess.Popen[str]]

MONITOR = """
import sys
import numpy as np
from maskdet.config import load_settings
from maskdet.console import ending
from maskdet.detections import Detections
from maskdet.live.leaving import leave
from maskdet.live.session import run
from maskdet.live.settings import MonitorSettings
from maskdet.live.stop import Stop
from maskdet.testing import ScriptedDetector

def middle(image):
    height, width = image.shape[:2]
    return Detections(np.array([[width, height, 3 * width, 3 * height]]) / 4, [0.9], [1])

detector = ScriptedDetector(middle, delay=float(sys.argv[1]))
settings = load_settings(MonitorSettings, None, sys.argv[2:])
stop = Stop(settings.max_seconds)
with stop.listening():
    status = ending("monitor.py", lambda: run(settings, stop, detector), interrupted=0)
sys.exit(leave(status))
"""


@pytest.fixture
def start_monitor() -> Iterator[StartMonitor]:
    """Starts the monitor with settings (``key=value``); its detector finds a face in the middle."""
    processes = []

    def start(*overrides: str, delay: float = 0.0, **env: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", MONITOR, str(delay), *overrides],
            cwd=ROOT,
            env={**os.environ, **env},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def mounts_allowed(folder: Path) -> bool:
    return (
        os.geteuid() == 0
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", folder], capture_output=True
        ).returncode
    )


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 40 MB, where this system lets us mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if shutil.which("mount") is None or not mounts_allowed(folder):
        pytest.skip("a disk of our own needs root")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(disk: Path, leave: int) -> Path:
    filler = disk / "filler"
    filler.write_bytes(bytes(shutil.disk_usage(disk).free - leave))
    return filler
