"""A cluster of three machines on this one, whose processes are killed again and again.

    python -m tests.soak.cluster --kills 100
    python -m tests.soak.cluster --throughput

Three parts of a cluster (Ray's own processes for each, on loopback), and RTSP cameras that they
share. In turn the monitor of a machine, one of its capturing processes, the actor of its cameras,
the placement and a whole machine are killed with -9; a machine joins again. Prints as JSON, for
each kind, how long the cameras of the killed machine and all others were without a processed frame,
how many frames two machines processed at a time, and `cluster: ok` or what broke a promise; status
0 or 1. Before that it measures what the cluster's
own processes need while nothing happens.

`--throughput` gives each machine one core of its own, and prints how many frames a second one
machine, then two, process of the same cameras, which send more than that.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from tests.sources.rtsp import RtspCamera

ROOT = Path(__file__).resolve().parents[2]
NODES = ("a", "b", "c")
KINDS = ("monitor", "camera", "group", "placement", "node")
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
MAX_GAP_S = 5.0
"""Seconds without a frame that a kill may cost the cameras of its machine."""
MAX_OTHER_GAP_S = 2.0
"""Seconds for all others: what a busy machine costs, too."""
SETTLE_S = 60.0


@dataclass
class Kill:
    """One kill, or a machine that joins again: when, and the cameras that it costs a pause."""

    kind: str
    node: str
    at: float
    cameras: frozenset[str]


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
        """What ``status --json`` prints."""
        done = self.command("status", "--json")
        assert done.returncode == 0, done.stderr
        table: dict[str, Any] = json.loads(done.stdout)
        return table

    def until_running(self, seconds: float = SETTLE_S, *, on_all: bool = True) -> dict[str, Any]:
        """Waits until every camera runs, and every machine has some; the status then.

        Args:
            seconds: how long to wait.
            on_all: False: machines may be down.
        """
        deadline = time.monotonic() + seconds
        while True:
            table = self.status()
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
                    found[event["source"]].append((taken, log.parent.name))
        return {name: sorted(rows) for name, rows in found.items()}

    def close(self) -> None:
        """Ends all, in the last resort by force."""
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
def rtsp_cameras(count: int, servers: int, fps: int) -> Iterator[dict[str, str]]:
    """Addresses of RTSP streams by the cameras' names."""
    options = ("--size", "272x152", "--fps", str(fps))
    running = [RtspCamera(*options) for _ in range(servers)]
    try:
        yield {f"cam-{n:02}": running[n % servers].url() for n in range(count)}
    finally:
        for server in running:
            server.kill()


def kill(cluster: LoopbackCluster, kind: str, node: str) -> Kill:
    """Kills one process with -9; what ran there."""
    table = cluster.status()
    row = next(one for one in table["nodes"] if one["name"] == node)
    cameras = cameras_of(table, node)
    pid = {
        "monitor": lambda: row["monitor_pid"],
        "camera": lambda: psutil.Process(row["monitor_pid"]).children()[0].pid,
        "group": lambda: row["group_pid"],
        "placement": lambda: table["placement_pid"],
        "node": lambda: cluster.raylet(row["group_pid"]),
    }[kind]()
    os.kill(pid, signal.SIGKILL)
    return Kill(kind, node, time.time(), frozenset() if kind == "placement" else cameras)


def cameras_of(table: Mapping[str, Any], node: str) -> frozenset[str]:
    """Names of the cameras that a machine runs."""
    return frozenset(one["name"] for one in table["cameras"] if one["node"] == node)


def longest_gaps(kills: list[Kill], frames: Mapping[str, list[float]]) -> list[dict[str, Any]]:
    """For each kill the longest time without a frame until the next one, of its cameras and others.

    A gap belongs to the last kill before its end.
    """
    ends = [one.at for one in kills[1:]] + [kills[-1].at + 60]
    rows = []
    for one, end in zip(kills, ends, strict=True):
        gaps = {
            name: max(
                (b - a for a, b in zip(times, times[1:], strict=False) if one.at < b <= end),
                default=float("inf"),
            )
            for name, times in frames.items()
        }
        rows.append(
            {
                "kind": one.kind,
                "node": one.node,
                "own_s": round(max((gaps[n] for n in one.cameras), default=0.0), 2),
                "others_s": round(
                    max((gap for n, gap in gaps.items() if n not in one.cameras), default=0.0), 2
                ),
            }
        )
    return rows


def doubled_frames(frames: Mapping[str, list[tuple[float, str]]]) -> int:
    """Frames that a machine processed after another one had begun with the camera."""
    count = 0
    for rows in frames.values():
        for before, (_, machine), after in zip(rows, rows[1:], rows[2:], strict=False):
            count += before[1] == after[1] != machine
    return count


def run(folder: Path, kills: int, cameras: int, pause: float, fps: int) -> dict[str, Any]:
    """Kills so many times; what was measured."""
    with rtsp_cameras(cameras, 4, fps) as addresses:
        cluster = LoopbackCluster(folder, addresses, {"side": 320, "looks": 1, "device": "cpu"})
        done: list[Kill] = []
        try:
            cluster.up(*NODES)
            cluster.until_running()
            time.sleep(pause)
            costs = cluster.costs(30.0 if kills > len(KINDS) else 5.0)
            for number in range(kills):
                kind = KINDS[number % len(KINDS)]
                node = NODES[number // len(KINDS) % len(NODES)]
                done.append(kill(cluster, kind, node))
                time.sleep(pause)
                if kind == "node":
                    cluster.until_running(on_all=False)
                    time.sleep(2)
                    done.append(Kill("join", done[-1].node, time.time(), frozenset()))
                    cluster.up(done[-1].node)
                table = cluster.until_running()
                if kind == "node":  # what it gets now was moved for it
                    done[-1].cameras = cameras_of(table, done[-1].node)
                    time.sleep(pause)
                print(kind, done[-1].node, file=sys.stderr, flush=True)
            time.sleep(pause)
            ended = cluster.command("down")
            time.sleep(1)
            left = [" ".join(process.cmdline())[:200] for process in cluster.processes()]
            rows = longest_gaps(done, cluster.frames())
            doubled = doubled_frames(cluster.machine_frames())
        finally:
            cluster.close()
    return {
        "kills": sum(one.kind in KINDS for one in done),
        "costs": costs,
        "by_kind": {
            kind: _summary([r for r in rows if r["kind"] == kind]) for kind in (*KINDS, "join")
        },
        "doubled_frames": doubled,
        "left_processes": left,
        "down": [ended.returncode, ended.stderr.strip()],
        "rows": rows,
    }


def throughput(folder: Path, cameras: int) -> list[dict[str, Any]]:
    """Frames a second that one machine of one core processes, then two."""
    rows = []
    cores = sorted(os.sched_getaffinity(0))
    with rtsp_cameras(cameras, 4, 15) as addresses:
        for count in (1, 2):
            place = folder / str(count)
            place.mkdir()
            cluster = LoopbackCluster(
                place, addresses, {"side": None, "looks": 1, "device": "cpu"}, NODES[:count]
            )
            try:
                for node, core in zip(cluster.nodes, cores, strict=False):
                    os.sched_setaffinity(0, {core})  # what is started from here on keeps it
                    cluster.up(node)
                os.sched_setaffinity(0, cores)
                cluster.until_running()
                time.sleep(10)
                before, began = cluster.status(), time.monotonic()
                time.sleep(30)
                after, seconds = cluster.status(), time.monotonic() - began
            finally:
                os.sched_setaffinity(0, cores)
                cluster.close()
            done = [sum(row["processed"] for row in t["cameras"]) for t in (before, after)]
            fps = round((done[1] - done[0]) / seconds, 1)
            rows.append({"machines": count, "cameras": cameras, "processed_fps": fps})
    return rows


def _summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    if not rows:
        return {"count": 0}
    own, others = sorted(r["own_s"] for r in rows), sorted(r["others_s"] for r in rows)
    return {
        "count": len(rows),
        "own_median_s": own[len(own) // 2],
        "own_max_s": own[-1],
        "others_median_s": others[len(others) // 2],
        "others_max_s": others[-1],
    }


def broken(
    found: Mapping[str, Any], own: float = MAX_GAP_S, others: float = MAX_OTHER_GAP_S
) -> list[str]:
    """The promises that what was measured breaks.

    Args:
        found: by `run`.
        own: seconds without a frame that a kill may cost the cameras of its machine.
        others: seconds for all other cameras.
    """
    failures = []
    for kind, row in found["by_kind"].items():
        if row["count"] and row["own_max_s"] > own:
            failures.append(f"{kind}: the killed machine's cameras missed {row['own_max_s']} s")
        if row["count"] and row["others_max_s"] > others:
            failures.append(f"{kind}: other cameras missed {row['others_max_s']} s")
    if found["left_processes"]:
        failures.append(f"processes were left: {found['left_processes']}")
    if found["down"][0]:
        failures.append(f"down failed: {found['down'][1]}")
    return failures


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--cameras", type=int, default=12)
    parser.add_argument("--pause", type=float, default=8.0, help="seconds after each kill")
    parser.add_argument("--fps", type=int, default=5)
    parser.add_argument("--throughput", action="store_true", help="frames a second, no kills")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        if options.throughput:
            print(json.dumps(throughput(Path(place), options.cameras), indent=2))
            return 0
        found = run(Path(place), options.kills, options.cameras, options.pause, options.fps)
    print(json.dumps(found, indent=2))
    failures = broken(found)
    print("cluster: " + ("; ".join(failures) or "ok"))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
