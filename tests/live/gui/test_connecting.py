"""A camera that never answers: a line and a window show what is waited for, and end the wait."""

from __future__ import annotations

import socket

import pytest

from maskdet.errors import SourceError
from maskdet.live.gui.connecting import open_camera
from maskdet.sources.opening import open_source
from maskdet.sources.reconnecting import LiveSource
from tests.helpers.xserver import XServer, needs_xvfb, script_on

OPEN = """
import sys
from maskdet.live.gui import connecting
from maskdet.live.gui.window import Window
from maskdet.sources import opening
from maskdet.sources.opening import open_source
opening.QUIET_S = 0.0
try:
    connecting.open_camera(open_source(sys.argv[1], wait=False), 60.0, Window("maskdet: door"))
except KeyboardInterrupt:
    print("ended", flush=True)
"""


@needs_xvfb
def test_the_window_of_a_camera_that_never_answers_shows_that_and_ends_by_a_key(
    screen: XServer,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        camera = f"rtsp://u:secret@127.0.0.1:{silent.getsockname()[1]}/a"
        with script_on(screen.display, OPEN, camera) as process:
            out, err = screen.press_until_end(screen.find("maskdet: door"), "q", process)
    assert out == "ended\n"
    assert "/a: no picture yet; waiting for the camera to answer, 122 seconds at most" in err
    assert err.count("\n") == 1 and "secret" not in err


def test_the_wait_ends_where_the_line_names_its_end() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        source = open_source(f"rtsp://127.0.0.1:{silent.getsockname()[1]}/a", "door", wait=False)
        assert isinstance(source, LiveSource)
        with pytest.raises(SourceError, match="door: no answer in 0 seconds"):
            open_camera(source, -1.0, None)
        assert source.read() is None  # closed
