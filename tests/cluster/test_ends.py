"""The end of a first machine, and of a part that is a service: real commands, real Ray."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.loopback_runs import SMALL, wait_for_running, wait_until
from tests.soak.cluster.loopback import LoopbackCluster

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform == "win32", reason="Ray's processes are found as on POSIX"),
]
pytest.importorskip("ray", reason="the extra cluster is not installed")


def test_a_part_in_the_foreground_is_started_again_and_down_ends_another_part_alone(tmp_path: Path):
    cluster = LoopbackCluster(tmp_path, {"hall": "demo"}, SMALL, ("a", "b"))
    service = subprocess.Popen(
        [sys.executable, "-m", "maskdet", "cluster", "up", "--node", "a", "--foreground"]
        + ["--config", str(cluster.file)],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert service.stderr is not None
        assert "1 camera in the cluster" in service.stderr.readline()
        before = cluster.table()["nodes"][0]
        os.kill(cluster.raylet(before["group_pid"]), 9)
        assert "starting a again" in next(line for line in service.stderr if "again" in line)
        wait_until(lambda: cluster.table()["nodes"][0]["group_pid"] != before["group_pid"])
        wait_for_running(cluster, "hall")
        cluster.up("b")

        service.terminate()  # the first machine is gone with its list
        assert service.wait(30) == 0
        left = {kind for kind, _ in cluster.kinds()}
        assert "raylet" in left and "gcs (first machine)" not in left
        done = cluster.command("down")
        assert done.returncode == 0, done.stderr
        first, last = done.stderr.splitlines()
        assert "no cluster answers" in first and first.endswith("part alone is ended")
        assert last == "the cluster has ended"
        cluster.until_ended(20)
    finally:
        service.kill()
        service.communicate()
        cluster.close()
