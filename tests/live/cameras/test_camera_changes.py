"""Cameras of a real monitor are added, removed, paused and restarted while the others go on."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import av
import pytest

from tests.live.cameras.running import Monitor, running, settings_of
from tests.sources.rtsp import RtspCamera, needs_rtsp, rtsp_camera

pytestmark = [needs_rtsp, pytest.mark.timeout(240)]
LOGIN = ["--user", "ann", "--password", "geheim"]


@pytest.fixture(scope="module")
def cameras() -> Iterator[list[RtspCamera]]:
    size = ["--size", "320x240", "--fps", "15"]
    with rtsp_camera(*size) as one, rtsp_camera(*size) as two, rtsp_camera(*size, *LOGIN) as three:
        yield [one, two, three]


def rows(store: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(store)) as connection:
        return connection.execute(query).fetchall()


def frames_in(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def test_the_page_pauses_restarts_adds_and_removes(
    tmp_path: Path, cameras: list[RtspCamera], refusing_port: int
):
    door, gate, hall = cameras
    rules = [{"name": "gone", "when": "camera_gone", "for_seconds": 2, "clear_seconds": 0.5}]
    settings = settings_of(
        tmp_path,
        [{"source": door.url(), "name": "door"}, {"source": gate.url(), "name": "gate"}],
        record=str(tmp_path / "r.mp4"),
        alarms={"rules": rules},
    )
    with running(tmp_path, settings) as monitor:
        monitor.open_page()
        for name in ("door", "gate"):
            monitor.wait("people", lambda name=name: "appeared" in monitor.kinds(name))
        before = len(monitor.children())
        _pauses(monitor, before)
        _restarts(monitor, before)
        _adds_and_removes(monitor, hall, refusing_port)
        gone = [one["camera"] for one in monitor.get("api/alarms")["alarms"]]
        assert gone.count("far") == 1 and "door" not in gone, "none of a camera that is paused"
        monitor.end()
    assert "door: no signal" not in monitor.lines()
    reported = monitor.lines() + (tmp_path / "audit.jsonl").read_text()
    assert "geheim" not in reported and "geheim" not in (tmp_path / "e.jsonl").read_text()
    assert '"action": "pause camera"' in reported and '"camera": "hall"' in reported
    summary = monitor.summary()
    assert set(summary) == {"door", "gate", "far", "hall"}
    assert summary["hall"]["processed"] > 0 and summary["hall"]["paused_s"] > 0
    assert summary["door"]["paused_s"] > 2.5 and summary["door"]["no_signal"]["times"] == 0
    reasons = rows(tmp_path / "people.db", "SELECT camera, reason FROM pauses ORDER BY time")
    assert reasons == [("door", "paused"), ("far", "removed"), *2 * [("hall", "removed")]]
    over = dict(rows(tmp_path / "people.db", "SELECT camera, min(is_over) FROM visits GROUP BY 1"))
    assert over["hall"] == 1, "its people have gone with it"
    numbers = rows(tmp_path / "people.db", "SELECT track_id FROM visits WHERE camera = 'hall'")
    assert sorted(numbers) == [(1,), (2,)], "numbers go on where it comes back"
    for video in tmp_path.glob("r-*.mp4"):
        assert frames_in(video) > 0
    assert {"r-1.mp4", "r-1-2.mp4", "r-2.mp4", "r-4.mp4"} <= {p.name for p in tmp_path.iterdir()}


def _pauses(monitor: Monitor, processes: int) -> None:
    assert monitor.change("door", "pause").json() == {"done": True}
    assert monitor.signal_of("door") == "paused"
    assert monitor.kinds("door")[-1] == "gone"
    assert len(monitor.children()) == processes - 1, "the camera is closed"
    assert frames_in(monitor.folder / "r-1.mp4") > 0, "its recording can be played"
    assert monitor.get("api/cameras/0/snapshot")["detail"].startswith("door: there is no picture")
    assert monitor.change("door", "pause").status_code == 200  # again
    time.sleep(3)  # longer than the alarm waits, and than a signal may be lost
    assert monitor.signal_of("gate") == "ok"
    count = len(monitor.kinds("door"))
    assert monitor.change("door", "resume").status_code == 200
    monitor.wait("the picture", lambda: monitor.signal_of("door") == "ok")
    monitor.wait("somebody new", lambda: "appeared" in monitor.kinds("door")[count:])


def _restarts(monitor: Monitor, processes: int) -> None:
    old = {one.pid for one in monitor.children()}
    assert monitor.change("gate", "restart").status_code == 200
    monitor.wait("another process", lambda: len({c.pid for c in monitor.children()} - old) == 1)
    monitor.wait("the picture", lambda: monitor.signal_of("gate") == "ok")
    assert len(monitor.children()) == processes


def _adds_and_removes(monitor: Monitor, hall: RtspCamera, off: int) -> None:
    far = {"source": f"rtsp://u:geheim@127.0.0.1:{off}/1", "name": "far"}
    added = monitor.post("api/new-camera", far)
    assert added.status_code == 200 and added.json()["name"] == "far"
    monitor.wait("its fault", lambda: "refuses port" in (monitor.camera("far") or {})["reason"])
    assert monitor.change("far", "restart").status_code == 200  # it was never connected
    wanted = {"source": hall.url("ann:geheim@"), "name": "hall", "options": {"read_timeout": 3}}
    assert "geheim" not in monitor.post("api/new-camera", wanted).text
    monitor.wait("the picture", lambda: monitor.signal_of("hall") == "ok")
    monitor.wait("its people", lambda: "appeared" in monitor.kinds("hall"))
    for refused, status in (
        (wanted, 422),  # there already
        ({"source": "/etc/passwd"}, 422),
        ({"source": "rtsp://u:geheim@h/1", "options": {"widht": 3}}, 422),
        ({"source": "rtsp://u:geheim@h/1", "options": {"ffmpeg": "x"}}, 422),
        ({"source": "http://h/1", "options": {"detect_source": "/etc/passwd"}}, 422),
    ):
        answer = monitor.post("api/new-camera", refused)
        assert answer.status_code == status and "\n" not in answer.json()["detail"]
        assert "geheim" not in answer.text
    monitor.wait("an alarm", lambda: monitor.get("api/alarms")["alarms"])
    assert monitor.change("far", "remove").status_code == 200
    monitor.wait("its end", lambda: monitor.get("api/state")["alarms_open"] == 0)
    assert monitor.change("hall", "remove").status_code == 200
    assert monitor.kinds("hall")[-1] == "gone" and monitor.camera("hall") is None
    assert monitor.post("api/new-camera", wanted).status_code == 200
    monitor.wait("somebody new", lambda: monitor.kinds("hall")[-1] == "appeared")
    assert monitor.change("hall", "remove").status_code == 200


def test_a_camera_that_hangs_is_paused_removed_and_restarted(
    tmp_path: Path, cameras: list[RtspCamera], refusing_port: int
):
    """Its server keeps the connection open and sends nothing; another one is reconnecting."""
    with rtsp_camera("--size", "320x240", "--fps", "15") as hangs:
        sources = [
            {"source": hangs.url(), "name": "hangs", "read_timeout": 60},
            {"source": f"rtsp://127.0.0.1:{refusing_port}/1", "name": "away"},
            {"source": cameras[0].url(), "name": "door"},
        ]
        with running(tmp_path, settings_of(tmp_path, sources)) as monitor:
            monitor.open_page()
            monitor.wait("people", lambda: sum((monitor.camera("hangs")["people"] or {}).values()))
            hangs.process.send_signal(signal.SIGSTOP)
            monitor.wait("its silence", lambda: monitor.signal_of("hangs") == "no signal")
            assert monitor.camera("hangs")["people"] == {}
            for action in ("restart", "pause", "restart", "pause", "remove"):
                began = time.monotonic()
                assert monitor.change("hangs", action).status_code == 200
                assert time.monotonic() - began < 8, action
            assert monitor.camera("hangs") is None
            for action in ("pause", "resume", "restart", "remove"):
                assert monitor.change("away", action).status_code == 200
            last = monitor.change("door", "remove")
            assert last.status_code == 409 and "the only camera" in last.json()["detail"]
            monitor.wait("the picture", lambda: monitor.signal_of("door") == "ok")
            hangs.process.send_signal(signal.SIGCONT)
            monitor.end()


@pytest.mark.usefixtures("hears_hangups")
def test_the_settings_file_is_followed(tmp_path: Path, cameras: list[RtspCamera]):
    door, gate, hall = cameras
    sources = [{"source": door.url(), "name": "door"}, {"source": gate.url(), "name": "gate"}]
    settings = settings_of(tmp_path, sources)
    with running(tmp_path, settings) as monitor:
        monitor.open_page()
        monitor.wait("pictures", lambda: monitor.signal_of("gate") == "ok")
        first = {one.pid for one in monitor.children()}
        zone = {"name": "whole", "points": [[0, 0], [1, 0], [1, 1], [0, 1]], "source": "gate"}
        new = {"source": hall.url("ann:geheim@"), "name": "hall", "detect_fps": 3}
        monitor.write(settings | {"sources": [sources[1], new], "zones": [zone], "blur": True})
        monitor.wait("hall", lambda: monitor.signal_of("hall") == "ok")
        monitor.wait("door's end", lambda: monitor.camera("door") is None)
        monitor.wait("the zone", lambda: "entered" in monitor.kinds("gate"))
        assert len(first & {one.pid for one in monitor.children()}) == 1, "gate was left alone"
        assert "change of blur takes effect at the next start\n" in monitor.lines()
        monitor.file.write_text("sources: [[[\n")
        monitor.wait_for_line("m.yaml:1: not valid YAML")
        monitor.write(settings | {"sources": [sources[1], {"source": "x", "frmat": "MJPG"}]})
        monitor.wait_for_line("did you mean 'sources.1.format'?; the settings stay as they were")
        assert {one["name"] for one in monitor.get("api/cameras")} == {"gate", "hall"}
        moved = {"source": door.url(), "name": "gate"}
        monitor.write(settings | {"sources": [moved, new], "zones": [zone], "blur": True})
        monitor.wait_for_line("gate: changed")
        monitor.wait("gate at its new address", lambda: monitor.signal_of("gate") == "ok")
        if hasattr(signal, "SIGHUP"):
            monitor.file.write_text("model: [\n")
            monitor.wait("its fault", lambda: monitor.lines().count("not valid YAML") == 2)
            os.kill(monitor.process.pid, signal.SIGHUP)  # read again, though nothing has changed
            monitor.wait("it again", lambda: monitor.lines().count("not valid YAML") == 3)
        monitor.end()
    assert set(monitor.summary()) == {"door", "gate", "hall"}
    assert "geheim" not in monitor.lines()
