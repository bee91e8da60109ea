"""A site whose link to the server is cut, again and again: it goes on alone, and catches up."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.helpers.network import a_network_of_its_own
from tests.sinks.messaging.sites import Sites

pytestmark = [pytest.mark.timeout(300), pytest.mark.slow]
CUTS_S = (0.5, 6.5, 2.0)
"""The second is longer than the server's answer is waited for."""


def count(store: Path, query: str) -> int:
    try:
        with closing(sqlite3.connect(f"{store.as_uri()}?mode=ro", uri=True, timeout=10)) as file:
            return int(file.execute(query).fetchone()[0])
    except sqlite3.OperationalError:  # its tables are just being made
        return 0


def wait_until(done: Callable[[], object], seconds: float = 60) -> None:
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until
        time.sleep(0.1)


def test_what_happens_while_the_link_is_cut_arrives_once(tmp_path: Path):
    chance = random.Random(1)
    with a_network_of_its_own(8) as network:
        sites = Sites(
            tmp_path, sites=2, visits=450, pace=0.03, host=network.here, prefix=network.prefix
        )
        visits = "SELECT count(*) FROM visits"

        def of_site(number: int) -> int:
            return count(sites.store, f"{visits} WHERE camera LIKE 'site {number}/%'")

        try:
            sites.start()
            wait_until(lambda: sites.store.exists() and all(map(of_site, (0, 1))))
            for seconds in CUTS_S:
                network.plug(False)
                time.sleep(0.4)  # for what was on its way
                there = [of_site(0), of_site(1)]
                own = count(tmp_path / "site-0.db", visits)
                time.sleep(seconds)
                assert count(tmp_path / "site-0.db", visits) > own, "it goes on alone"
                wait_until(lambda before=there[1]: of_site(1) > before)  # nobody holds it up
                assert of_site(0) == there[0]
                assert count(tmp_path / "site-0.db", "SELECT count(*) FROM outbox")
                network.plug(True)
                wait_until(lambda before=there[0]: of_site(0) > before)
                time.sleep(chance.random())
            assert sites.is_sending()  # or the last cut would prove nothing
            sites.finish(200)
        finally:
            sites.stop()
        assert sites.differences() == {}, sites.log.read_text()
