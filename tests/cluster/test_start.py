"""``maskdet cluster up`` that is ended on its way, and two of them at once."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.loopback_runs import SMALL, wait_until
from tests.soak.cluster.loopback import ROOT, LoopbackCluster

pytest.importorskip("ray", reason="the extra cluster is not installed")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform == "win32", reason="signals are those of POSIX"),
]


def test_up_that_is_ended_leaves_no_process(tmp_path: Path):
    """Once Ray's first process is there; a second start meanwhile is refused."""
    cluster = LoopbackCluster(tmp_path, {"hall": "demo"}, SMALL, ("a",))
    command = [sys.executable, "-m", "maskdet", "cluster", "up", "--config", str(cluster.file)]
    up = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        wait_until(lambda: (tmp_path / "cluster.token").exists())
        second = cluster.command("up")
        assert second.returncode == 2
        assert "a is being started already; wait for the end" in second.stderr
        wait_until(lambda: "gcs (first machine)" in {kind for kind, _ in cluster.kinds()})
        up.send_signal(signal.SIGINT)
        reported = up.communicate(timeout=60)[1]
        assert up.returncode == 128 + signal.SIGINT
        assert reported == "ended by a signal; a has not been started\n"
        cluster.until_ended(10)
        down = cluster.command("down")
        assert down.returncode == 3 and "no cluster answers at" in down.stderr
    finally:
        up.kill()
        up.communicate()
        cluster.close()
