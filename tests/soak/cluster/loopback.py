"""Three machines' parts of a cluster on this one, as the real commands start and ask them."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from maskdet.commands.benchmark.cameras.scenes import moving
from maskdet.commands.benchmark.cameras.server import CameraFormat, RtspServer
from maskdet.commands.cluster.page import TableFeed

ROOT = Path(__file__).resolve().parents[3]
NODES = ("a", "b", "c")
KIND_OF = {
    "gcs_server": "gcs (first machine)",
    "dashboard.py": "dashboard (first machine)",
    "monitor.py": "autoscaler (first machine)",
    "ray::Placement": "placement (one machine)",
    "raylet/raylet": "raylet",
    "ray::MachineGroup": "group",
    "monitor_child": "monitor",
    "camera_process": "camera",
}
SETTLE_S = 60.0


@dataclass
class LoopbackCluster:
    """Three parts of a cluster on this machine, started and asked by the real commands."""

    folder: Path
    cameras: Mapping[str, str]
    monitor: Mapping[str, Any] = field(default_factory=dict)
    nodes: tuple[str, ...] = NODES
    host: str = "127.0.0.1"

    def __post_init__(self) -> None:
        self.file = self.folder / "cluster.yaml"
        with socket.create_server((self.host, 0)) as free:
            self.port = free.getsockname()[1]
        self._feed: TableFeed | None = None
        self.write()

    def write(self) -> None:
        """The settings file; JSON is YAML."""
        settings = {
            "address": f"{self.host}:{self.port}",
            "nodes": [{"name": name, "labels": {"site": name}} for name in self.nodes],
            "cameras": [{"name": name, "source": source} for name, source in self.cameras.items()],
            "monitor": {
                "events": {"file": "events.jsonl", "append": True},
                **self.monitor,
            },
        }
        self.file.write_text(json.dumps(settings, indent=2))

    def command(self, *words: str, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Runs a command of ``maskdet cluster``."""
        return subprocess.run(
            [sys.executable, "-m", "maskdet", "cluster", *words, "--config", self.file],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    def up(self, *nodes: str) -> None:
        """Has machines join."""
        for node in nodes:
            done = self.command("up", "--node", node)
            assert done.returncode == 0, done.stderr

    def costs(self, seconds: float) -> dict[str, dict[str, float]]:
        """Cores and MiB that a process of each kind needs while nothing happens."""
        before = {p.pid: (kind, p, cpu_seconds(p)) for kind, p in self.kinds()}
        time.sleep(seconds)
        found: dict[str, list[tuple[float, float]]] = {}
        for kind, process, used in before.values():
            with contextlib.suppress(psutil.Error):
                memory = process.memory_info().rss / 2**20
                found.setdefault(kind, []).append(((cpu_seconds(process) - used) / seconds, memory))
        return {
            kind: {
                "processes": len(rows),
                "cores_each": round(sum(cores for cores, _ in rows) / len(rows), 4),
                "mib_each": round(sum(mib for _, mib in rows) / len(rows)),
            }
            for kind, rows in found.items()
        }

    def kinds(self) -> Iterator[tuple[str, psutil.Process]]:
        """The processes of this cluster with what each is."""
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                words = " ".join(process.cmdline())
                yield (
                    next((kind for word, kind in KIND_OF.items() if word in words), "other"),
                    process,
                )

    def status(self) -> dict[str, Any]:
        """Output of ``status --json``."""
        done = self.command("status", "--json")
        assert done.returncode == 0, done.stderr
        table: dict[str, Any] = json.loads(done.stdout)
        return table

    def table(self) -> dict[str, Any]:
        """The next state that the page shows: for loops, as it costs no start of a command.

        It comes late where the part of the cluster is killed that the page's process asks.
        """
        self._feed = self._feed or TableFeed(self.file)
        asked, deadline = time.time(), time.monotonic() + SETTLE_S
        while time.monotonic() < deadline:
            table, problem = self._feed.newest()
            if table is not None and not problem and table["time"] > asked:
                return table
            self._feed.poll()
            time.sleep(0.05)
        raise AssertionError(f"no table: {problem}")

    def until_running(self, seconds: float = SETTLE_S, *, on_all: bool = True) -> dict[str, Any]:
        """Waits until every camera runs, and every machine has some; the status then.

        Args:
            seconds: how long to wait.
            on_all: False: machines may be down.
        """
        deadline = time.monotonic() + seconds
        while True:
            table = self.table()
            up = all(node["state"] == "up" for node in table["nodes"])
            running = all(row["state"] == "running" for row in table["cameras"])
            has_cameras = all(node["cameras"] for node in table["nodes"])
            if running and (up and has_cameras or not on_all):
                return table
            assert time.monotonic() < deadline, json.dumps(table, indent=2)

    def processes(self) -> list[psutil.Process]:
        """Every process of this cluster that is left: Ray's, groups, monitors, capture."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if str(self.folder) in process.environ().get("MASKDET_CLUSTER_STATE", "") or any(
                    f"-{self.port}/" in word for word in process.cmdline()
                ):
                    found.append(process)
        return found

    def until_ended(self, seconds: float) -> None:
        """Waits until no process of this cluster is left; an error names those that are."""
        deadline = time.monotonic() + seconds
        while left := self.processes():
            assert time.monotonic() < deadline, [(one, one.cmdline()) for one in left]
            time.sleep(0.05)

    def raylet(self, group_pid: int) -> int:
        """The process that stands for a machine."""
        parent = psutil.Process(group_pid).parent()
        assert parent is not None
        return parent.pid

    def frames(self) -> dict[str, list[float]]:
        """When each camera's frames were taken that were processed, on whichever machine."""
        return {name: [time for time, _ in rows] for name, rows in self.machine_frames().items()}

    def machine_frames(self) -> dict[str, list[tuple[float, str]]]:
        """The same, each with the machine that processed it."""
        found: dict[str, list[tuple[float, str]]] = {name: [] for name in self.cameras}
        for log in self.folder.glob("maskdet-cluster/*/events.jsonl"):
            for line in log.read_text().splitlines():
                with contextlib.suppress(ValueError):  # killed while it was written
                    event = json.loads(line)
                    taken = datetime.fromisoformat(event["utc"]).timestamp()
                    found.setdefault(event["source"], []).append((taken, log.parent.name))
        return {name: sorted(rows) for name, rows in found.items()}

    def close(self) -> None:
        """Ends all, in the last resort by force."""
        if self._feed is not None:
            self._feed.close()
        if self.processes():
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.command("down")
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                process.kill()


def cpu_seconds(process: psutil.Process) -> float:
    """Processor time so far."""
    times = process.cpu_times()
    return float(times.user + times.system)


@contextlib.contextmanager
def people_cameras(count: int, fps: int, host: str = "127.0.0.1") -> Iterator[dict[str, str]]:
    """Addresses of RTSP streams by the cameras' names; people come and go in all of them."""
    camera = CameraFormat(width=320, height=240, fps=fps, kbit=200)
    with RtspServer(moving(camera), count, camera, host) as server:
        yield {f"cam-{n:02}": server.address(n) for n in range(count)}
