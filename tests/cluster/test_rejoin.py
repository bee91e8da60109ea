"""A machine whose part cannot start again goes on alone, with a real monitor, until it joins."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest

from maskdet.cluster import process_identity
from maskdet.cluster.machine import Place
from maskdet.cluster.monitor_run import MonitorRun
from maskdet.commands.cluster import rejoin
from maskdet.errors import SourceError
from tests.cluster.test_monitor_run import SETTINGS

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(sys.platform == "win32", reason="a cluster's machines have POSIX"),
]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """A machine that has run a camera."""
    monkeypatch.setattr(rejoin, "_RETRY_PAUSE_S", 0.1)
    monkeypatch.setattr(rejoin, "_TAKEOVER_S", 0.5)
    folder = tmp_path / "b"
    MonitorRun(folder, "").write_settings(SETTINGS)
    (folder / "group.json").write_text(json.dumps({"joined": "", "cameras": ["demo"]}))
    return Place("b", "10.0.0.1", 6380, False, tmp_path / "token", tmp_path)


def test_its_cameras_go_on_until_it_has_joined(place: Place, capsys: pytest.CaptureFixture[str]):
    folder = place.state / "b"

    def join() -> None:
        try:
            status = json.loads((folder / "status.json").read_bytes())
        except OSError:
            status = {"sources": [{"processed": 0}]}
        if not status["sources"][0]["processed"]:
            raise SourceError("nothing comes back from 10.0.0.1:6380")

    rejoin.start_again(place, join, detects=True)
    assert process_identity.find((folder / "monitor.pid").read_text()) is None
    assert "processed" in (folder / "monitor.log").read_text()  # it has ended in its own way
    assert capsys.readouterr().err == (
        "nothing comes back from 10.0.0.1:6380; b goes on alone with its cameras (1), and tries "
        "again to join\n"
    )


@pytest.mark.parametrize(("detects", "cameras"), [(False, ["demo"]), (True, [])])
def test_where_there_is_nothing_to_go_on_with_it_tries_again_only(
    place: Place, capsys: pytest.CaptureFixture[str], detects: bool, cameras: list[str]
):
    (place.state / "b/group.json").write_text(json.dumps({"cameras": cameras}))
    tries: list[int] = []

    def join() -> None:
        tries.append(1)
        if len(tries) < 4:
            raise SourceError("nobody answers")

    rejoin.start_again(place, join, detects=detects)
    assert len(tries) == 4 and not (place.state / "b/monitor.pid").exists()
    assert capsys.readouterr().err == "nobody answers; b tries again to join\n"


def test_the_monitor_of_the_group_takes_its_place_for_good(place: Place):
    folder = place.state / "b"
    tries: list[int] = []

    def joined(run: MonitorRun) -> None:
        """The group's work once the machine has joined, while `up` is still connecting."""
        run.poll()
        time.sleep(1.5)
        assert not run.has_ended and not run.is_replaced
        run.end()

    def join() -> None:
        tries.append(1)
        if len(tries) == 1:
            raise SourceError("nobody answers")
        while not (folder / "monitor.pid").exists():
            time.sleep(0.05)
        joined(MonitorRun(folder, process_identity.identity(os.getpid())))

    rejoin.start_again(place, join, detects=True)
    assert len(tries) == 2
