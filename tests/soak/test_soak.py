"""The soak's short form: every fault once, and nothing that grows from second to second."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.soak.soak import broken, soak


@pytest.mark.skipif(sys.platform != "linux", reason="counts handles and mounts disks as Linux does")
@pytest.mark.timeout(300)
def test_half_a_minute_with_faults(tmp_path: Path):
    found = soak(0.4, tmp_path, fault_seconds=5)
    assert not broken(found), found
