"""A camera on standby is open and nothing comes of it, until its settings say otherwise."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.live.cameras.running import Monitor, running, settings_of
from tests.sources.rtsp import needs_rtsp, rtsp_camera

pytestmark = [
    needs_rtsp,
    pytest.mark.timeout(120),
    pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="no SIGHUP on this system"),
]


@pytest.mark.usefixtures("hears_hangups")
def test_it_is_open_but_unused_until_it_is_wanted(tmp_path: Path):
    with rtsp_camera("--size", "320x240", "--fps", "15") as door:
        hall = {"source": "demo", "name": "hall"}
        gate = {"source": door.url(), "name": "gate"}
        waiting = gate | {"standby": True}
        options: dict[str, Any] = {
            "status": str(tmp_path / "status.json"),
            "record": str(tmp_path / "r.mp4"),
            "alarms": {"rules": [{"name": "gone", "when": "camera_gone", "for_seconds": 1}]},
        }
        settings = settings_of(tmp_path, [hall, waiting], **options)
        with running(tmp_path, settings) as monitor:
            monitor.open_page()
            monitor.wait("its pictures", lambda: (status(monitor)["standby_age_s"] or 9) < 1)
            first = {one.pid for one in monitor.children()}
            time.sleep(2)
            assert status(monitor)["state"] == "standby" and status(monitor)["processed"] == 0
            assert monitor.signal_of("gate") == "paused" and not monitor.kinds("gate")
            assert monitor.get("api/alarms")["alarms"] == []

            monitor.write(settings | {"sources": [hall, gate]})
            os.kill(monitor.process.pid, signal.SIGHUP)
            monitor.wait("a frame", lambda: status(monitor)["processed"] > 0)
            assert first == {one.pid for one in monitor.children()}, "its connection has stayed"
            monitor.wait("its person", lambda: "appeared" in monitor.kinds("gate"))
            monitor.wait("its recording", lambda: (tmp_path / "r-2.mp4").exists())

            monitor.write(settings | {"sources": [hall, waiting]})
            os.kill(monitor.process.pid, signal.SIGHUP)
            monitor.wait("the person's end", lambda: "gone" in monitor.kinds("gate"))
            monitor.wait("its pictures", lambda: (status(monitor)["standby_age_s"] or 9) < 1)
            processed = status(monitor)["processed"]
            time.sleep(1.2)  # a status is a second old at most
            assert monitor.kinds("gate")[-1] == "gone"
            assert status(monitor)["processed"] == processed
            assert first == {one.pid for one in monitor.children()}

            moved = waiting | {"rtsp_transport": "tcp"}  # opened again when it is wanted
            monitor.write(settings | {"sources": [hall, moved]})
            monitor.wait_for_line("gate: changed")
            monitor.write(settings | {"sources": [hall, moved | {"standby": False}]})
            monitor.wait("frames", lambda: status(monitor)["processed"] > processed)
            monitor.end()


def status(monitor: Monitor) -> dict[str, Any]:
    """The state of the camera, as in the status file."""
    try:
        sources = json.loads((monitor.folder / "status.json").read_bytes())["sources"]
    except FileNotFoundError:
        return {"standby_age_s": None, "processed": 0, "state": ""}
    return dict(next(one for one in sources if one["name"] == "gate"))
