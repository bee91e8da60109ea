"""The link between a machine and the first one is cut, and repaired."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cluster.loopback_runs import SMALL, wait_until
from tests.helpers.network import a_network_of_its_own
from tests.soak.cluster.loopback import ROOT, LoopbackCluster

pytestmark = [
    pytest.mark.timeout(400),
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="network namespaces are Linux'"),
]
pytest.importorskip("ray", reason="the extra cluster is not installed")


def test_a_machine_goes_on_behind_a_link_that_is_cut_and_joins_again(tmp_path: Path):
    with a_network_of_its_own(9) as network:
        cluster = LoopbackCluster(
            tmp_path, {"hall": "demo", "door": "demo"}, SMALL, ("a", "b"), network.here
        )
        b_events = tmp_path / "maskdet-cluster/b/events.jsonl"

        def lines() -> int:
            return len(b_events.read_text().splitlines())

        service: subprocess.Popen[str] | None = None
        try:
            cluster.up("a")
            words = ["-m", "maskdet", "cluster", "up", "--node", "b", "--foreground", "--config"]
            service = subprocess.Popen(
                [*network.prefix, sys.executable, *words, str(cluster.file)],
                cwd=ROOT,
                stderr=subprocess.PIPE,
                text=True,
            )
            cluster.until_running(120)
            words = ["-m", "maskdet", "cluster", "drain", "b", "--undo", "--config"]
            subprocess.run(
                [*network.prefix, sys.executable, *words, str(cluster.file)], cwd=ROOT, check=True
            )
            before = cluster.until_running(120)
            raylets = {
                cluster.raylet(pid)
                for pid in (before["placement_pid"], before["nodes"][0]["group_pid"])
            }
            assert len(raylets) == 1  # the placement stays on the first machine, no matter who asks
            at_b = next(row["name"] for row in before["cameras"] if row["node"] == "b")
            monitor = before["nodes"][1]["monitor_pid"]

            network.plug(False)
            cut = time.time()
            wait_until(lambda: cluster.table()["nodes"][1]["state"] == "down")
            table = cluster.until_running(60, on_all=False)
            assert {row["node"] for row in table["cameras"]} == {"a"}
            count = lines()
            wait_until(lambda: lines() > count + 5)  # b goes on, too

            network.plug(True)
            repaired = time.time()
            assert service.stderr is not None
            assert "starting b again" in next(line for line in service.stderr if "again" in line)
            table = cluster.until_running(120)
            assert table["nodes"][1]["monitor_pid"] != monitor

            times = [one for one in cluster.frames()[at_b] if one > cut - 3]
            gaps = [b - a for a, b in zip(times, times[1:], strict=False)]
            print(f"link cut for {repaired - cut:.0f} s; longest gap of {at_b}: {max(gaps):.1f} s")
            assert max(gaps) < 20  # some seconds where it is taken from a again
            service.terminate()
            assert service.wait(30) == 0
            assert cluster.command("down").returncode == 0
            cluster.until_ended(20)
        finally:
            if service is not None:
                service.kill()
                print(service.communicate()[1])
            cluster.close()
