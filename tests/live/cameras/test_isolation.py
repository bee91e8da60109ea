"""A camera that is cut, hangs, sends garbage or loses its process costs the others nothing."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.live.cameras.running import Monitor, running, settings_of
from tests.sources.rtsp import Line, RtspCamera, line_to, needs_rtsp, rtsp_camera

pytestmark = [needs_rtsp, pytest.mark.timeout(240)]
PERIOD_S = 4.0
FPS = 5
MIN_SHARE = 0.5
"""Of the frames processed in an undisturbed time; other programs run beside the tests."""
OTHERS = ("left", "right")


def rates(monitor: Monitor) -> dict[str, float]:
    """Frames a second that are processed of each of the others, over a while."""

    def frames() -> dict[str, int]:
        return {name: sum(e["source"] == name for e in monitor.events()) for name in OTHERS}

    before, began = frames(), time.monotonic()
    time.sleep(PERIOD_S)
    seconds = time.monotonic() - began
    return {name: (count - before[name]) / seconds for name, count in frames().items()}


def kills(monitor: Monitor, pids: set[int]) -> None:
    """Kills whatever process reads the camera, again and again."""
    end = time.monotonic() + PERIOD_S
    while time.monotonic() < end:
        for one in monitor.children():
            if one.pid not in pids:
                one.kill()
        time.sleep(0.2)


@pytest.mark.slow
def test_the_others_keep_their_rate_and_lose_no_event(tmp_path: Path):
    size = ["--size", "320x240", "--fps", "15"]
    with (
        rtsp_camera(*size) as left,
        rtsp_camera(*size) as right,
        rtsp_camera(*size) as bad,
        line_to(bad) as line,
    ):
        urls = {"left": left.url(), "right": right.url()}
        good = [{"source": url, "name": name} for name, url in urls.items()]
        settings = settings_of(tmp_path, good)
        settings["events"]["every"] = "frame"
        settings["detect"] = {"fps": FPS}
        with running(tmp_path, settings) as monitor:
            monitor.open_page()
            monitor.wait("both", lambda: {e["source"] for e in monitor.events()} == set(OTHERS))
            own = {child.pid for child in monitor.children()}
            source = {"source": bad.url(port=line.port), "name": "bad"}
            wanted = source | {"options": {"read_timeout": 1.5}}
            assert monitor.post("api/new-camera", wanted).status_code == 200
            monitor.wait("all three", lambda: monitor.signal_of("bad") == "ok")
            quiet = rates(monitor)
            assert all(rate > 0.5 * FPS for rate in quiet.values()), quiet
            for fault in (_cut, _hang, _spoil):
                _with(monitor, fault, line, bad, quiet)
                _end(fault, line, bad)
            _killed(monitor, own, quiet)
            monitor.wait("it is back", lambda: monitor.signal_of("bad") == "ok")
            events = monitor.events()
            monitor.end()
    for name in OTHERS:
        lines = [event for event in events if event["source"] == name]
        kinds = [change["kind"] for event in lines for change in event["changes"]]
        assert kinds == ["appeared"], "the one person is there all the time"
    assert not [name for name in OTHERS if f"{name}: no signal" in monitor.lines()]
    summary = monitor.summary()
    assert summary["bad"]["reconnects"] >= 2
    assert all(summary[name]["reconnects"] == 0 for name in OTHERS)


Fault = Callable[[Line, RtspCamera], None]


def _cut(line: Line, camera: RtspCamera) -> None:
    line.server_port, port = 9, line.server_port
    line.cut()
    line.server_port = port


def _hang(line: Line, camera: RtspCamera) -> None:
    camera.process.send_signal(signal.SIGSTOP)


def _spoil(line: Line, camera: RtspCamera) -> None:
    line.flip = 1.0


def _end(fault: Fault, line: Line, camera: RtspCamera) -> None:
    line.flip = 0.0
    camera.process.send_signal(signal.SIGCONT)


def _with(
    monitor: Monitor, fault: Fault, line: Line, camera: RtspCamera, quiet: dict[str, float]
) -> None:
    fault(line, camera)
    found = rates(monitor)
    assert all(found[name] >= MIN_SHARE * quiet[name] for name in OTHERS), (fault, quiet, found)


def _killed(monitor: Monitor, own: set[int], quiet: dict[str, float]) -> None:
    """The process that reads the camera is killed (-9), and so are those that follow it."""
    counts = {name: sum(e["source"] == name for e in monitor.events()) for name in OTHERS}
    began, others = time.monotonic(), {p.pid for p in monitor.children() if p.pid in own}
    assert len(others) == len(OTHERS) and psutil.pid_exists(monitor.process.pid)
    kills(monitor, others)
    seconds = time.monotonic() - began
    for name in OTHERS:
        done = sum(e["source"] == name for e in monitor.events()) - counts[name]
        assert done / seconds >= MIN_SHARE * quiet[name], (name, quiet, done / seconds)
