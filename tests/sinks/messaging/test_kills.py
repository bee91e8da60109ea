"""`kill -9` of sites, collector and server in turn: the collecting store has the script exactly."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.sinks.messaging.sites import Sites
from tests.whole_run import slow

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize(("kills", "visits"), [(3, 60), slow(15, 300)])
def test_no_event_is_lost_or_doubled_by_kills(kills: int, visits: int, tmp_path: Path):
    sites, chance = Sites(tmp_path, sites=2, visits=visits, pace=0.02), random.Random(kills)
    try:
        sites.start()
        for _ in range(kills):
            time.sleep(0.3 + 0.7 * chance.random())
            sites.kill_one(chance)
        assert sites.is_sending()  # or the last kills would prove nothing
        sites.finish(200)
    finally:
        sites.stop()
    assert sites.differences() == {}, sites.log.read_text()
    assert set(sites.kills.values()) == {kills // 3}
