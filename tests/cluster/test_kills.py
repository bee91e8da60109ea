"""What carries events, and a machine, is killed: `tests.soak.cluster`, short.

Its monitors, groups and the placement are killed in test_cluster.py.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.soak.cluster.kills import broken, run
from tests.sources.rtsp import needs_rtsp

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform == "win32", reason="Ray's processes are found as on POSIX"),
]
pytest.importorskip("ray", reason="the extra cluster is not installed")


@needs_rtsp
def test_two_machines_whose_processes_are_killed(tmp_path: Path):
    """No event is lost or doubled; with limits for a machine that does more."""
    kinds = ("nats", "collector", "node")
    found = run(tmp_path, kills=3, cameras=3, pause=4.0, fps=5, nodes=("a", "b"), kinds=kinds)
    slack = {"own": 60.0, "others": 60.0}
    assert not broken(found, **slack), found
    assert found["kills"] == 3
