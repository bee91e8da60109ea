"""Each kind of process of two machines is killed once: `tests.soak.cluster`, short."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.soak.cluster.kills import KINDS, broken, run
from tests.sources.rtsp import needs_rtsp

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(sys.platform == "win32", reason="Ray's processes are found as on POSIX"),
]
pytest.importorskip("ray", reason="the extra cluster is not installed")


@needs_rtsp
def test_two_machines_whose_processes_are_killed(tmp_path: Path):
    """The short form of `tests.soak.cluster`, with limits for a machine that does more."""
    found = run(tmp_path, kills=len(KINDS), cameras=3, pause=4.0, fps=5, nodes=("a", "b"))
    slack = {"own": 60.0, "others": 60.0}
    assert not broken(found, **slack), found
    assert found["kills"] == len(KINDS)
