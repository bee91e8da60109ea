"""The run: every kind of process is killed in turn, and what that cost is counted."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from tests.soak.cluster.events import EventChain, broken_events, count_events
from tests.soak.cluster.gaps import (
    MAX_GAP_S,
    MAX_OTHER_GAP_S,
    Kill,
    broken_gaps,
    by_kind,
    doubled_frames,
    longest_gaps,
)
from tests.soak.cluster.loopback import NODES, LoopbackCluster, people_cameras

KINDS = ("monitor", "camera", "group", "placement", "nats", "collector", "node")


def kill(cluster: LoopbackCluster, chain: EventChain, kind: str, node: str) -> Kill:
    """Kills one process with -9; what ran there."""
    if kind in ("nats", "collector"):
        began = time.time()
        chain.kill(kind)
        return Kill(kind, "", began, frozenset())
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


def run(
    folder: Path,
    kills: int,
    cameras: int,
    pause: float,
    fps: int,
    nodes: tuple[str, ...] = NODES,
    kinds: tuple[str, ...] = KINDS,
) -> dict[str, Any]:
    """Kills so many times, each kind in turn; what was measured."""
    chain = EventChain(folder)
    with people_cameras(cameras, fps) as addresses:
        monitor = {"side": 320, "looks": 1, "device": "cpu", **chain.monitor}
        cluster = LoopbackCluster(folder, addresses, monitor, nodes)
        done: list[Kill] = []
        try:
            chain.start()
            cluster.up(*nodes)
            cluster.until_running()
            time.sleep(pause)
            costs = cluster.costs(30.0 if kills > len(KINDS) else 0.5)
            for number in range(kills):
                done += kill_next(cluster, chain, number, pause, kinds)
            time.sleep(pause)
            ended = cluster.command("down")
            time.sleep(1)
            left = [" ".join(process.cmdline())[:200] for process in cluster.processes()]
            rows = longest_gaps(done, cluster.frames())
            doubled = doubled_frames(cluster.machine_frames())
            events = count_events(cluster, chain, done)
        finally:
            cluster.close()
            chain.close()
    return {
        "kills": sum(one.kind in KINDS for one in done),
        "costs": costs,
        "by_kind": by_kind(rows, (*KINDS, "join")),
        "doubled_frames": doubled,
        "events": events,
        "left_processes": left,
        "down": [ended.returncode, ended.stderr.strip()],
        "rows": rows,
    }


def kill_next(
    cluster: LoopbackCluster, chain: EventChain, number: int, pause: float, kinds: tuple[str, ...]
) -> list[Kill]:
    """Kills what is next in turn, and waits until every camera runs again.

    A machine that was killed joins again: that is a row of its own, as cameras move to it.
    """
    nodes = cluster.nodes
    kind, node = kinds[number % len(kinds)], nodes[number // len(kinds) % len(nodes)]
    done = [kill(cluster, chain, kind, node)]
    print(kind, node, file=sys.stderr, flush=True)
    time.sleep(pause)
    if kind == "node":
        cluster.until_running(on_all=False)
        time.sleep(2)
        join = Kill("join", node, time.time(), frozenset())
        cluster.up(node)
        join.cameras = cameras_of(cluster.until_running(), node)  # moved for it
        time.sleep(pause)
        done.append(join)
    else:
        cluster.until_running()
    return done


def broken(
    found: Mapping[str, Any], own: float = MAX_GAP_S, others: float = MAX_OTHER_GAP_S
) -> list[str]:
    """The promises that what was measured breaks.

    Args:
        found: by `run`.
        own: seconds without a frame that a kill may cost the cameras of its machine.
        others: seconds for all other cameras.
    """
    failures = broken_gaps(found["by_kind"], own, others) + broken_events(found["events"])
    if found["doubled_frames"]:
        failures.append(f"{found['doubled_frames']} frames were processed by two machines")
    if found["left_processes"]:
        failures.append(f"processes were left: {found['left_processes']}")
    if found["down"][0]:
        failures.append(f"down failed: {found['down'][1]}")
    return failures
