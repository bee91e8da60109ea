"""A monitor with a settings file and a live page, in a process of its own, whose cameras change."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import yaml

from tests.helpers.monitors import ROOT

CODE = """
import sys
import numpy as np
from functools import partial
from pathlib import Path
from maskdet.commands.monitor import _open_page
from maskdet.config import load_settings
from maskdet.detections import Detections
from maskdet.live.session import Hooks, run
from maskdet.live.settings.monitor import MonitorSettings
from maskdet.live.shutdown import Stop
from maskdet.system.console import ending
from maskdet.system.timeouts import exit_process
from tests.doubles import ScriptedDetector

def middle(image):
    height, width = image.shape[:2]
    return Detections(np.array([[width, height, 3 * width, 3 * height]]) / 4, [0.9], [1])

file = Path(sys.argv[1])
read = partial(load_settings, MonitorSettings, file)
settings = read()
stop = Stop(settings.max_seconds)
page = _open_page if settings.serve.address else None
with stop.listening():
    work = partial(run, settings, stop, ScriptedDetector(middle), Hooks(file, page, read))
    status = ending("monitor.py", work, interrupted=0)
sys.exit(exit_process(status))
"""


class Monitor:
    """A running monitor.

    Attributes:
        folder: of all its files.
        process: its process.
    """

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self.folder = folder
        self.file = folder / "m.yaml"
        self.log = folder / "log.txt"
        self.write(settings)
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", CODE, str(self.file)],
                cwd=ROOT, env=os.environ, stdout=subprocess.DEVNULL, stderr=log,
            )  # fmt: skip
        self.url = ""
        self._token = ""

    def write(self, settings: dict[str, Any]) -> None:
        """Replaces the settings file, as an editor does."""
        part = self.file.with_suffix(".new")
        part.write_text(yaml.safe_dump(settings))
        part.replace(self.file)

    def wait(self, what: str, holds: Callable[[], object], seconds: float = 40) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            assert self.process.poll() is None, self.lines()
            assert time.monotonic() < deadline, f"{what}: {self.lines()}"
            time.sleep(0.05)

    def lines(self) -> str:
        return self.log.read_text()

    def wait_for_line(self, text: str, seconds: float = 40) -> None:
        self.wait(text, lambda: text in self.lines(), seconds)

    def open_page(self) -> None:
        self.wait_for_line("live page: http")
        self.url = self.lines().split("live page: ")[1].split()[0]
        self._token = self.get("api/session")["csrf"]

    def get(self, path: str) -> Any:
        return httpx.get(self.url + path, trust_env=False, timeout=20).json()

    def post(self, path: str, body: Any = None) -> httpx.Response:
        headers = {"X-CSRF-Token": self._token}
        return httpx.post(self.url + path, json=body, headers=headers, trust_env=False, timeout=30)

    def camera(self, name: str) -> dict[str, Any] | None:
        found = [one for one in self.get("api/cameras") if one["name"] == name]
        return found[0] if found else None

    def signal_of(self, name: str) -> str | None:
        found = self.camera(name)
        return None if found is None else str(found["signal"])

    def change(self, name: str, action: str) -> httpx.Response:
        found = self.camera(name)
        assert found is not None
        return self.post(f"api/cameras/{found['id']}/{action}")

    def events(self) -> list[dict[str, Any]]:
        lines = (self.folder / "e.jsonl").read_text().splitlines()
        return [json.loads(line) for line in lines]

    def kinds(self, name: str) -> list[str]:
        """Events of the people of a camera, in order."""
        of_camera = (line for line in self.events() if line["source"] == name)
        return [change["kind"] for line in of_camera for change in line["changes"]]

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def end(self) -> None:
        self.process.terminate()
        assert self.process.wait(30) == 0, self.lines()

    def summary(self) -> dict[str, dict[str, Any]]:
        values = json.loads((self.folder / "s.json").read_text())
        return {one["name"]: one for one in values["sources"]}


def settings_of(folder: Path, sources: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """Settings of a monitor with all outputs in a folder, and a page at any port."""
    return {
        "sources": sources,
        "headless": True,
        "detect": {"fps": 5},
        "events": {"file": str(folder / "e.jsonl"), "every": "change"},
        "store": str(folder / "people.db"),
        "summary": str(folder / "s.json"),
        "snapshots": str(folder),
        "serve": {"address": "127.0.0.1:0", "audit": str(folder / "audit.jsonl")},
        **more,
    }


@contextmanager
def running(folder: Path, settings: dict[str, Any]) -> Iterator[Monitor]:
    monitor = Monitor(folder, settings)
    try:
        yield monitor
    finally:
        monitor.process.kill()
        monitor.process.wait()
