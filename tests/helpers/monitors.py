"""The monitor in a process of its own, as its users run it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
StartMonitor = Callable[..., subprocess.Popen[str]]

MONITOR = """
import sys
import numpy as np
from maskdet.config import load_settings
from maskdet.system.console import ending
from maskdet.detections import Detections
from maskdet.system.timeouts import exit_process
from maskdet.live.session import run
from maskdet.live.settings.monitor import MonitorSettings
from maskdet.live.shutdown import Stop
from tests.doubles import ScriptedDetector

def middle(image):
    height, width = image.shape[:2]
    return Detections(np.array([[width, height, 3 * width, 3 * height]]) / 4, [0.9], [1])

detector = ScriptedDetector(middle, delay=float(sys.argv[1]))
settings = load_settings(MonitorSettings, None, sys.argv[2:])
stop = Stop(settings.max_seconds)
with stop.listening():
    status = ending("monitor.py", lambda: run(settings, stop, detector), interrupted=0)
sys.exit(exit_process(status))
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


class StallingDisk:
    """A disk that can be made to hang, as a network drive does: nobody serves it meanwhile."""

    def __init__(self, folder: Path, server: subprocess.Popen[bytes]) -> None:
        self.folder = folder
        self._server = server

    def hang(self) -> None:
        self._server.send_signal(signal.SIGSTOP)

    def answer(self) -> None:
        self._server.send_signal(signal.SIGCONT)


@pytest.fixture
def stalling_disk(tmp_path: Path) -> Iterator[StallingDisk]:
    """A folder seen through a process of its own (FUSE), where this system lets us mount one."""
    behind, folder = tmp_path / "behind", tmp_path / "disk"
    behind.mkdir()
    folder.mkdir()
    if shutil.which("bindfs") is None or os.geteuid() or not os.access("/dev/fuse", os.W_OK):
        pytest.skip("a disk that hangs needs bindfs, root and /dev/fuse")
    server = subprocess.Popen(["bindfs", "-f", behind, folder])
    try:
        deadline = time.monotonic() + 60
        while not folder.is_mount():
            assert server.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        yield StallingDisk(folder, server)
    finally:
        server.send_signal(signal.SIGCONT)
        subprocess.run(["umount", "-l", folder], check=False)
        server.kill()
        server.wait()


def fill(disk: Path, leave: int) -> Path:
    """Fills a disk but for so many bytes; other programs that write to it fill it sooner."""
    filler = disk / "filler"
    with contextlib.suppress(OSError):
        filler.write_bytes(bytes(shutil.disk_usage(disk).free - leave))
    return filler


@pytest.fixture
def hears_hangups() -> Iterator[None]:
    """A monitor started meanwhile hears SIGHUP, though the tests may run under nohup."""
    if not hasattr(signal, "SIGHUP"):  # Windows
        yield
        return
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)
