"""The window's tiles follow the cameras: one more, one less, one that is paused."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers.xserver import XServer, needs_xvfb
from tests.live.cameras.running import running, settings_of
from tests.live.gui.test_viewer import share_of, until
from tests.sources.rtsp import needs_rtsp, rtsp_camera

pytestmark = [needs_rtsp, needs_xvfb, pytest.mark.timeout(180)]
AMBER = (66, 200, 255)


def test_tiles_come_go_and_say_paused(
    screen: XServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DISPLAY", screen.display)
    size = ["--size", "320x240", "--fps", "15"]
    with rtsp_camera(*size) as one, rtsp_camera(*size) as two:
        settings = settings_of(tmp_path, [{"source": one.url(), "name": "door"}], headless=False)
        with running(tmp_path, settings) as monitor:
            window = screen.find("maskdet: door", 60)
            monitor.open_page()
            monitor.wait("a picture", lambda: monitor.signal_of("door") == "ok")
            shape = screen.geometry(window)
            added = monitor.post("api/new-camera", {"source": two.url(), "name": "gate"})
            assert added.status_code == 200
            until("a wider window", lambda: _aspect(screen.geometry(window)) > 1.2 * _aspect(shape))
            monitor.wait("a picture", lambda: monitor.signal_of("gate") == "ok")
            before = share_of(screen, AMBER)
            assert monitor.change("gate", "pause").status_code == 200
            until("the word on its tile", lambda: share_of(screen, AMBER) > before + 20)
            assert monitor.change("gate", "remove").status_code == 200
            until(
                "the first shape", lambda: _aspect(screen.geometry(window)) < 1.2 * _aspect(shape)
            )
            screen.press(window, "q")
            assert monitor.process.wait(30) == 0, monitor.lines()


def _aspect(size: tuple[int, int]) -> float:
    return size[0] / size[1]
