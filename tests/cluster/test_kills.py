"""A machine is killed and joins again: `tests.soak.cluster`, short.

Monitors, groups and the placement are killed in test_cluster.py, what carries events in
tests/sinks/messaging and tests/sinks/store.
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
def test_a_machine_of_two_is_killed(tmp_path: Path):
    """No event is lost or doubled; with limits for a machine that does more."""
    nodes, kinds = ("a", "b"), ("node",)
    found = run(tmp_path, kills=1, cameras=3, pause=2.0, fps=5, nodes=nodes, kinds=kinds)
    slack = {"own": 60.0, "others": 60.0}
    assert not broken(found, **slack), found
    assert found["kills"] == 1
