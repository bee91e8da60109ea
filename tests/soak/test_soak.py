"""The soak's short form: every fault once, and nothing that grows from second to second."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.soak.soak import LIGHT, broken, soak
from tests.sources.rtsp import HAS_SERVER


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="counts handles and mounts disks as Linux does")
@pytest.mark.timeout(300)
def test_half_a_minute_with_faults(tmp_path: Path):
    found = soak(0.5, tmp_path, fault_seconds=5, settings=LIGHT)
    assert not broken(found, whole=False), found
    assert found["rtsp"] == HAS_SERVER


GOOD = {
    **{f"growth_{what}": 0 for what in ("mb", "threads", "handles", "children")},
    **{"minutes": 60.0, "full_disks": True, "rtsp": True, "rtsp_cuts": 9, "rtsp_reconnects": 9},
    **{"off_the_clock_s": 0.01, "segments": 3, "connections": 99, "status": [0, 0], "reported": []},
}


@pytest.mark.parametrize(
    "fault",
    [
        {"growth_threads": 1},
        {"growth_handles": 1},
        {"growth_children": 1},
        {"growth_mb": 21},
        {"full_disks": False},
        {"rtsp": False},
        {"rtsp_cuts": 0},
        {"rtsp_reconnects": 8},
        {"off_the_clock_s": 0.11},
        {"segments": 0},
        {"status": [0, 2]},
        {"status": [1, 0]},
    ],
    ids=str,
)
def test_each_broken_promise_has_its_line(fault: dict[str, Any]):
    assert broken(GOOD) == []
    assert len(broken(GOOD | fault)) == 1


def test_a_short_run_cannot_distinguish_a_moment_from_a_leak():
    assert broken(GOOD | {"minutes": 0.5, "growth_handles": 3}) == []
    assert len(broken(GOOD | {"minutes": 0.5, "growth_handles": 4})) == 1


def test_a_short_run_cannot_distinguish_a_warm_up_from_a_leak():
    assert broken(GOOD | {"minutes": 0.5, "growth_mb": 22.2}) == []
    assert len(broken(GOOD | {"minutes": 0.5, "growth_mb": 61})) == 1
