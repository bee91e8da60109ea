"""Parts that tests of a whole cluster share: small settings, and waiting for what comes."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.soak.cluster.loopback import LoopbackCluster

SMALL = {"side": 320, "looks": 1, "device": "cpu", "detect": {"fps": 2}}


def wait_until(done: Callable[[], object], seconds: float = 90) -> float:
    """Waits until something is true; the seconds that it took."""
    began = time.monotonic()
    while not done():
        assert time.monotonic() < began + seconds
        time.sleep(0.05)
    return time.monotonic() - began


def wait_for_running(cluster: LoopbackCluster, name: str, not_before: float = 0.0) -> None:
    """Waits until a camera runs, and frames have been processed after a time."""
    events = cluster.folder / "maskdet-cluster/a/events.jsonl"

    def runs() -> bool:
        rows = {row["name"]: row for row in cluster.table()["cameras"]}
        return rows[name]["state"] == "running" and events.stat().st_mtime > not_before + 1

    wait_until(runs)
