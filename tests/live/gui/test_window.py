"""A real window on a real X server, and the message where there is none."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from maskdet.detections import MaskState
from maskdet.drawing.styles import STYLES
from maskdet.live.gui.window import Window
from maskdet.system import native_libraries
from tests.helpers.xserver import XServer, needs_xvfb, script_on, x_server

TITLE = "maskdet: rtsp://admin:***@10.0.0.7/1, Tür, 入口, Вход"

SHOW = """
import sys
import numpy as np
from maskdet.detections import Detections
from maskdet.frame import Frame
from maskdet.drawing.overlay import Overlay
from maskdet.drawing.status_text import Status
from maskdet.live.gui.window import Window, display_available
from maskdet.observation import Observation

print(*display_available(), flush=True)
boxes = [[60, 80, 180, 220], [250, 80, 370, 220], [440, 80, 560, 220], [60, 300, 180, 440]]
faces = Detections(boxes, [0.9] * 4, range(4))
frame = Frame(np.full((480, 640, 3), 120, np.uint8), 0, 0.0, 0.0, "test")
window = Window(sys.argv[1])
picture = Overlay().draw(Observation(frame, faces), Status(recording=True))
while not window.closed:
    window.show(picture)
    if key := window.key(10):
        print(key, flush=True)
    if key == "q":
        break
window.close()
window.close()
window.show(picture)
print("closed", window.closed, window.key(), flush=True)
"""


def painted(screen: XServer) -> np.ndarray:
    """The first screenshot with the whole picture; a window is resized after it opens."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        picture = screen.screenshot()
        if near(picture, (120, 120, 120)).sum() > 640 * 480 * 0.8:
            return picture
        time.sleep(0.05)
    raise AssertionError("the picture did not appear")


def near(picture: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    return (np.abs(picture.astype(int) - color) < 12).all(axis=2)


@needs_xvfb
def test_window_shows_boxes_and_bar_names_keys_and_quits(screen: XServer) -> None:
    with script_on(screen.display, SHOW, TITLE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "True"
        window = screen.find(TITLE)
        shown = painted(screen)
        for state in MaskState:  # each box's and label's color reaches the screen
            assert near(shown, STYLES[state].color).sum() > 100, state
        picture = near(shown, (120, 120, 120))
        top = int(np.argmax(picture.sum(axis=1) > 320))
        bar = shown[:top, np.flatnonzero(picture[top])]
        assert top >= 48
        assert near(bar[-48:], (30, 30, 30)).mean() > 0.6  # the bar, above the picture
        assert near(bar, (80, 80, 255)).any()  # ● REC

        screen.press(window, "Home")  # has no name, and its code ends in that of P
        keys = {"Left": "left", "Up": "up", "Right": "right", "Down": "down"}
        keys |= {"space": "space", "Escape": "esc", "s": "s", "r": "r", "b": "b", "h": "h"}
        keys |= {"period": ".", "comma": ",", "f": "f", "Return": "enter"}
        for key, name in keys.items():
            screen.press(window, key)
            assert process.stdout.readline().strip() == name
        screen.press(window, "q")
        out, err = process.communicate(timeout=60)
        assert out.splitlines() == ["q", "closed True None"]
        assert (process.returncode, err) == (0, "")


ASPECTS = """
import sys
import numpy as np
from maskdet.detections import Detections
from maskdet.frame import Frame
from maskdet.live.gui.board import Board
from maskdet.live.gui.view import View
from maskdet.drawing.overlay import Overlay
from maskdet.live.pipeline import Pipeline
from maskdet.live.gui.tile import Tile
from maskdet.live.gui.window import Window
from maskdet.sinks.recording.recorder import Recorder
from maskdet.sinks.recording.recording_switch import RecordingSwitch
from maskdet.observation import Observation
from tests.doubles import ScriptedDetector, SyntheticSource

source = SyntheticSource(None, is_live=True)
pipeline = Pipeline([source], ScriptedDetector())
overlay, window = Overlay(), Window("aspects")
tile = Tile(pipeline, 0, source, RecordingSwitch(lambda: Recorder("never.mp4")), overlay, 0)
board = Board([tile], window, overlay, (1280, 720))

def show(fresh):
    for _ in range(20):
        board.show(fresh, View(), "")
        window.key(10)
    print("shown", flush=True)
    sys.stdin.readline()

show(None)
for width, height in eval(sys.argv[1]):
    image = np.full((height, width, 3), 120, np.uint8)
    tile.take(Observation(Frame(image, 0, 1e9, 0.0, source.name), Detections.empty()))
    show(tile)
window.close()
"""
SIZES = [(640, 480), (1920, 1080), (1280, 720), (720, 1280), (3840, 2160), (1000, 400)]


@needs_xvfb
@pytest.mark.parametrize("screen", ["1920x1080x24", "1024x600x24"])
def test_the_window_takes_the_aspect_of_each_picture(tmp_path: Path, screen: str) -> None:
    width, height = map(int, screen.split("x")[:2])
    with (
        x_server(tmp_path, screen) as server,
        script_on(server.display, ASPECTS, repr(SIZES)) as process,
    ):
        assert process.stdout is not None and process.stdin is not None
        assert process.stdout.readline().strip() == "shown"  # the waiting picture
        window = server.find("aspects")
        for size in SIZES:
            print(file=process.stdin, flush=True)
            assert process.stdout.readline().strip() == "shown"
            inside = server.geometry(window)
            assert inside[0] <= 0.9 * width and inside[1] <= 0.86 * height
            picture = near(server.screenshot(), (120, 120, 120))
            sides = (picture.sum(axis=axis) for axis in (0, 1))
            shown = [int((side > side.max() / 2).sum()) for side in sides]
            assert shown[0] / shown[1] == pytest.approx(size[0] / size[1], rel=0.03), size
            assert shown[0] > inside[0] - 4 or inside[0] == 400  # nothing empty beside it
            assert inside[1] - shown[1] < 90  # the bar alone
        print(file=process.stdin, flush=True)
        assert process.wait(20) == 0


@needs_xvfb
def test_closing_the_window_is_seen(screen: XServer) -> None:
    # A platform that OpenCV's Qt does not have must not end the process.
    with script_on(screen.display, SHOW, TITLE, QT_QPA_PLATFORM="wayland") as process:
        screen.click_close(screen.find(TITLE))
        out, err = process.communicate(timeout=60)
        assert out.splitlines()[1:] == ["closed True None"]
        assert (process.returncode, err) == (0, "")


CHECK = "from maskdet.live.gui.window import display_available; print(*display_available())"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="displays have names on Linux")
@pytest.mark.skipif(not cv2.currentUIFramework(), reason="this OpenCV was built without windows")
@pytest.mark.parametrize(
    ("env", "message"),
    [
        # none at all, as over ssh and in containers
        ({}, "False there is no display (DISPLAY is not set)"),
        ({"DISPLAY": ""}, "False there is no display (DISPLAY is not set)"),
        # wrong ones: Qt would abort the process
        ({"DISPLAY": ":7654"}, "False no X server answers, or it refuses us, at DISPLAY=:7654"),
        ({"DISPLAY": "x"}, "False no X server answers, or it refuses us, at DISPLAY=x"),
        # Wayland without X11
        (
            {"WAYLAND_DISPLAY": "wayland-0"},
            "False OpenCV's window needs X11, and this Wayland session has none; install xwayland",
        ),
    ],
)
def test_says_why_there_is_no_display(env: dict[str, str], message: str) -> None:
    with script_on(None, CHECK, **env) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out.strip(), err) == (0, message, "")


def test_names_packages_of_missing_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    from maskdet.live.gui import window

    monkeypatch.setattr(
        native_libraries, "_PACKAGES", {"libc.so.6": "libc6", "libnosuch.so.1": "libnosuch1"}
    )
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(cv2, "currentUIFramework", lambda: "QT5")
    assert native_libraries.missing_packages() == ["libnosuch1"]
    reason = "system libraries are missing; sudo apt-get install libnosuch1"
    assert window.display_available() == (False, reason)


def test_names_an_opencv_without_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    from maskdet.live.gui import window

    monkeypatch.setattr(cv2, "currentUIFramework", lambda: "")
    available, reason = window.display_available()
    assert not available
    assert "pip install opencv-python" in reason


def test_window_that_was_never_shown_closes_without_a_display() -> None:
    window = Window("never shown")
    assert (window.closed, window.key()) == (False, None)
    window.close()
    assert window.closed
