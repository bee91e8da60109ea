"""`kill -9` of sites, collector and server in turn: the collecting store has the script exactly."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.sinks.messaging.sites import Sites

pytestmark = pytest.mark.timeout(300)
KILLS = 6
"""Each kind of process twice: the second time what the first left behind is there, too."""


def test_no_event_is_lost_or_doubled_by_kills(tmp_path: Path):
    sites, chance = Sites(tmp_path, sites=2, visits=120, pace=0.02), random.Random(KILLS)
    try:
        sites.start()
        for _ in range(KILLS):
            time.sleep(0.3 + 0.7 * chance.random())
            sites.kill_one(chance)
        assert sites.is_sending()  # or the last kills would prove nothing
        sites.finish(200)
    finally:
        sites.stop()
    assert sites.differences() == {}, sites.log.read_text()
    assert set(sites.kills.values()) == {KILLS // 3}
