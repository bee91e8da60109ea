"""A link between two machines that loses packets, then all of them, and heals: what that costs.

Machine `b` is a network namespace; the link that loses packets is the one to machine `a`, the first
one, which the NATS server and the collector are on, too. Streams of cameras lose none. The first
camera is for `b` alone, all others for both machines.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any

from maskdet.system.threads import Worker
from tests.helpers.network import Network, a_network_of_its_own
from tests.soak.cluster.events import EventChain, count_events
from tests.soak.cluster.loopback import ROOT, LoopbackCluster, people_cameras

PHASES = (
    ("before", 0, 20.0),
    ("10 %", 10, 40.0),
    ("30 %", 30, 40.0),
    ("all", 100, 30.0),
    ("after that", 0, 60.0),
    ("60 %", 60, 60.0),
    ("all again", 100, 30.0),
    ("after all", 0, 60.0),
)
"""Name, percent of the packets that are lost in each direction, and seconds."""
_SAMPLE_S = 1.0
DIGITS = re.compile(r"\d+")


@dataclass
class Phase:
    """A phase: when it was, and the cluster's table once a second."""

    name: str
    begin: float
    end: float = 0.0
    load: float = 0.0
    tables: list[dict[str, Any]] = field(default_factory=list)


class Part:
    """The part of machine `b`, a service in a network of its own.

    Attributes:
        lines: its messages, each with its time.
    """

    def __init__(self, network: Network, file: Path) -> None:
        words = ["-m", "maskdet", "cluster", "up", "--node", "b", "--foreground", "--config"]
        self._process = subprocess.Popen(
            [*network.prefix, sys.executable, *words, str(file)],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[tuple[float, str]] = []
        Worker("messages of b", self._read).start()

    def end(self) -> int | None:
        """Ends it well; its exit status."""
        self._process.terminate()
        try:
            return self._process.wait(30)
        finally:
            self._process.kill()

    def _read(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.lines.append((time.time(), line.strip()))


def lose(network: Network, percent: int, spared_port: int) -> None:
    """Has the link lose packets in each direction, by chance, but for those of a port."""
    rules = "table netdev loss\ndelete table netdev loss\n"
    chance = "" if percent == 100 else f"numgen random mod 100 < {percent}"
    if percent:
        rules += "table netdev loss {\n"
        for hook, port in (("ingress", "sport"), ("egress", "dport")):
            rules += (
                f"chain {hook} {{ type filter hook {hook} device {network.device} priority 0; "
                f"tcp {port} {spared_port} accept; ether type arp accept; "
                f"{chance} drop; }}\n"
            )
        rules += "}\n"
    command = [*network.prefix, "nft", "-f", "-"]
    subprocess.run(command, input=rules, text=True, check=True)


def run(
    folder: Path, cameras: int, fps: int, phases: Sequence[tuple[str, int, float]] = PHASES
) -> dict[str, Any]:
    """Goes through the phases; what was measured."""
    with _running(folder, cameras, fps) as (cluster, chain, network, port):
        part = Part(network, cluster.file)
        done: list[Phase] = []
        try:
            cluster.until_running(240)
            for words in (["drain", "a"], ["drain", "a", "--undo"]):  # then each has some of both
                assert cluster.command(*words).returncode == 0
            first = cluster.until_running(240)
            for name, percent, seconds in phases:
                lose(network, percent, port)
                print(name, file=sys.stderr, flush=True)
                done.append(_watch(cluster, Phase(name, time.time()), seconds))
                print(_phase_row(done[-1], cluster.machine_frames(), {}), file=sys.stderr)
            part_status = part.end()
            ended = cluster.command("down")
            frames = cluster.machine_frames()
            at_first = {row["name"]: row["node"] for row in first["cameras"]}
            return {
                "phases": [_phase_row(one, frames, at_first) for one in done],
                "messages_of_b": [f"{at - done[0].begin:.1f} s: {line}" for at, line in part.lines],
                "events": count_events(cluster, chain, ()),
                "end_of_b": part_status,
                "down": [ended.returncode, ended.stderr.strip()],
            }
        finally:
            part.end()


@contextmanager
def _running(
    folder: Path, cameras: int, fps: int
) -> Iterator[tuple[LoopbackCluster, EventChain, Network, int]]:
    """The first machine, its cameras and its events' way; the port of the streams."""
    with (
        a_network_of_its_own(8) as network,
        people_cameras(cameras, fps, network.here) as addresses,
    ):
        chain = EventChain(folder, network.here)
        monitor = {"side": 320, "looks": 1, "device": "cpu", **chain.monitor}
        cluster = LoopbackCluster(folder, addresses, monitor, ("a", "b"), network.here)
        settings = json.loads(cluster.file.read_text())
        settings["cameras"][0]["node"] = "b"
        cluster.file.write_text(json.dumps(settings))
        port = int(next(iter(addresses.values())).split(":")[2].split("/")[0])
        try:
            chain.start()
            cluster.up("a")
            yield cluster, chain, network, port
        finally:
            cluster.close()
            chain.close()


def _watch(cluster: LoopbackCluster, phase: Phase, seconds: float) -> Phase:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        phase.tables.append(cluster.table())
        time.sleep(_SAMPLE_S)
    phase.end, phase.load = time.time(), round(os.getloadavg()[0], 1)
    return phase


def _phase_row(
    phase: Phase, frames: Mapping[str, list[tuple[float, str]]], at_first: Mapping[str, str]
) -> dict[str, Any]:
    def states(row: Mapping[str, Any]) -> str:
        return f"{row['state']}, {re.sub(DIGITS, 'N', row['problem'] or 'well')}"

    def runs(values: Iterable[str]) -> list[str]:
        """Each value with the seconds from its first sample to that of the next one."""
        times = [table["time"] for table in phase.tables]
        timed = zip(values, times, strict=True)
        rows = [list(rows) for _, rows in groupby(timed, itemgetter(0))]
        ends = [row[0][1] for row in rows[1:]] + [phase.end]
        return [
            f"{row[0][0]}: {end - row[0][1]:.0f} s" for row, end in zip(rows, ends, strict=True)
        ]

    return {
        "phase": phase.name,
        "seconds": round(phase.end - phase.begin, 1),
        "load": phase.load,
        "b": runs(states(table["nodes"][1]) for table in phase.tables),
        "cameras": {
            name: {
                "at first": at_first.get(name),
                "longest gap": round(_longest_gap(rows, phase), 1),
                "on both": round(_on_both(rows, phase), 1),
                "seen": runs(_where(table, name) for table in phase.tables),
            }
            for name, rows in frames.items()
        },
    }


def _where(table: Mapping[str, Any], name: str) -> str:
    row = next(one for one in table["cameras"] if one["name"] == name)
    return f"{row['node']} {row['state']}"


def _longest_gap(rows: Sequence[tuple[float, str]], phase: Phase) -> float:
    """Seconds without a frame of any machine."""
    inner = [time for time, _ in rows if phase.begin < time < phase.end]
    return max(b - a for a, b in pairwise([phase.begin, *inner, phase.end]))


def _on_both(rows: Sequence[tuple[float, str]], phase: Phase) -> float:
    """Seconds of the phase in which two machines processed frames."""
    seconds: dict[int, set[str]] = {}
    for at, machine in rows:
        if phase.begin < at < phase.end:
            seconds.setdefault(int(at), set()).add(machine)
    return sum(len(machines) > 1 for machines in seconds.values())
