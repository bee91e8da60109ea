"""The monitor with an uplink: its store, and the collecting one, hold the same."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from maskdet.__main__ import main
from tests.sinks.messaging.nats_server import NatsServer
from tests.sinks.messaging.sites import TABLES

pytestmark = pytest.mark.timeout(120)

LOGIN = 'authorization { users = [ {user: site, password: "word-of-nobody"} ] }'


def content(path: Path, site: str = "") -> dict[str, set[tuple[object, ...]]]:
    """The rows of a store by table; a site's cameras as the collecting store names them."""
    with closing(sqlite3.connect(path)) as connection:
        tables = {table: connection.execute(f"SELECT * FROM {table}") for table in TABLES}
        return {
            table: {
                row if table == "runs" or not site else (row[0], f"{site}/{row[1]}", *row[2:])
                for row in rows
            }
            for table, rows in tables.items()
        }


def test_what_the_store_holds_is_collected(start_monitor, tmp_path: Path, monkeypatch, capsys):
    """The server is away for the first run; the second run sends what is of both."""
    server = NatsServer(tmp_path, LOGIN)
    options = [
        *("sources=[{source: demo, name: door}]", "headless=true", "max_seconds=4"),
        *(f"store={tmp_path}/people.db", "lines=[{name: gate, points: [[.5, 0], [.5, 1]]}]"),
        *(f"nats={server.address}", "nats.site_name=north", "nats.user=site"),
        "nats.password=${THE_WORD}",
    ]
    away = start_monitor(*options, THE_WORD="word-of-nobody")
    _, shown = away.communicate()
    assert away.returncode == 0 and "nothing listens there" in shown, shown
    server.start()
    login = ["--set", "nats.user=site", "--set", "nats.password=${THE_WORD}"]
    monkeypatch.setenv("THE_WORD", "word-of-nobody")
    collect = ["collect-events", f"{tmp_path}/all.db", "--server", server.address, *login]
    try:
        assert main([*collect, "--until-empty"]) == 0  # makes the stream
        there = start_monitor(*options, THE_WORD="word-of-nobody")
        _, also_shown = there.communicate()
        assert there.returncode == 0, also_shown
        assert main([*collect, "--until-empty"]) == 0
    finally:
        server.kill()
    kept, collected = content(tmp_path / "people.db", "north"), content(tmp_path / "all.db")
    assert collected == kept
    assert len(kept["runs"]) == 2 and kept["visits"] and kept["minutes"]
    assert "word-of-nobody" not in shown + also_shown + capsys.readouterr().err


def test_an_uplink_needs_a_store(start_monitor):
    alone = start_monitor("sources=[demo]", "headless=true", "nats=nats://127.0.0.1:4222")
    _, shown = alone.communicate()
    assert alone.returncode == 2 and "nats.server needs store.file" in shown
