"""Frames a second of one machine, then two, of a core each."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from tests.soak.cluster.loopback import NODES, LoopbackCluster, people_cameras


def throughput(folder: Path, cameras: int) -> list[dict[str, Any]]:
    """Frames a second that one machine of one core processes, then two."""
    rows = []
    cores = sorted(os.sched_getaffinity(0))
    with people_cameras(cameras, 15) as addresses:
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
