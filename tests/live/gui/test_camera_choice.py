"""Several cameras and none named: chosen in a terminal or a window, and remembered."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from maskdet.config import load_settings
from maskdet.live.gui import camera_choice
from maskdet.live.gui.camera_choice import choice_file, choose_camera, window_lines
from maskdet.live.settings.monitor import MonitorSettings
from maskdet.sources.webcam_list import Camera
from tests.helpers.monitors import ROOT
from tests.helpers.xserver import XServer, needs_xvfb, script_on

CAMERAS = [Camera("0", "HD Webcam"), Camera("2", "Brio"), Camera("4", "Brio")]
CHOOSE = f"""
import sys
from maskdet.live.gui.camera_choice import choose_camera
from maskdet.sources.webcam_list import Camera
from maskdet.live.gui.window import Window
window = Window("maskdet: which camera?") if sys.argv[1] == "window" else None
cameras = [Camera(*one) for one in {[tuple(one) for one in CAMERAS]!r}]
print("chosen", choose_camera(cameras, window), flush=True)
"""


@pytest.fixture(autouse=True)
def settings_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / "config"


@pytest.mark.skipif(sys.platform == "win32", reason="pseudo terminals are POSIX's")
def test_a_number_typed_in_the_terminal_is_taken_and_remembered() -> None:
    import pty

    parent, child = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", CHOOSE, "terminal"],
        cwd=ROOT,
        stdin=child,
        stderr=child,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        os.close(child)
        shown = ""
        while "number at its left, 1 to 3:" not in shown:
            shown += os.read(parent, 1000).decode()
        assert "2  camera 2 (Brio)" in shown
        os.write(parent, b"9\n3\n")  # the first is none of them
        assert process.stdout is not None and process.stdout.read() == "chosen 4\n"
        os.close(parent)
    assert json.loads(choice_file().read_text()) == {"number": "4", "name": "Brio"}
    assert choose_camera(CAMERAS, None) == "4"


@needs_xvfb
def test_a_key_pressed_in_the_window_is_taken(screen: XServer) -> None:
    with script_on(screen.display, CHOOSE, "window") as process:
        window = screen.find("maskdet: which camera?")
        out, err = screen.press_until_end(window, "2", process)
        assert out == "chosen 2\n" and str(choice_file()) in err


@needs_xvfb
def test_the_window_is_left_by_the_key_that_it_names(screen: XServer) -> None:
    with script_on(screen.display, CHOOSE, "window") as process:
        window = screen.find("maskdet: which camera?")
        out, _ = screen.press_until_end(window, "q", process)
        assert out == "chosen None\n"


def test_the_window_says_which_number_counts_how_to_quit_and_what_it_does_not_list() -> None:
    asked, *lines, last = window_lines(CAMERAS)
    assert "number at its left" in asked[1] and last == ("q", "quit")
    assert lines == [
        ("1", "camera 0 (HD Webcam)"),
        ("2", "camera 2 (Brio)"),
        ("3", "camera 4 (Brio)"),
    ]
    many = [Camera(str(number), "Brio") for number in range(12)]
    lines = window_lines(many)[1:-1]
    assert [key for key, _ in lines] == [*"123456789", ""]
    assert lines[-1][1] == "and 3 more, listed in the terminal: --source N takes one"


@pytest.mark.parametrize(
    ("remembered", "expected"),
    [
        ({"number": "2", "name": "Brio"}, "2"),  # there
        ({"number": "7", "name": "HD Webcam"}, "0"),  # under another number
        ({"number": "7", "name": "Brio"}, "0"),  # one of two: nobody can be asked, so the first
        ({"number": "7", "name": "gone"}, "0"),
        ([], "0"),  # a broken file
    ],
)
def test_what_was_chosen_before(
    remembered: object, expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    choice_file().parent.mkdir(parents=True)
    choice_file().write_text(json.dumps(remembered))
    assert choose_camera(CAMERAS, None) == expected
    assert "--source" in capsys.readouterr().err


def test_only_where_there_is_a_choice_something_is_asked_or_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert choose_camera([], None) == "0"
    assert choose_camera([Camera("3", "Brio")], None) == "3"
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("overrides", "source", "asks"),
    [
        ([], "2", False),
        (["sources=[choose]"], "2", True),
        (["sources=[0]"], "0", None),
        (["sources=[demo, demo]"], "demo", None),
    ],
)
def test_the_monitor_asks_only_where_no_source_is_named(
    monkeypatch: pytest.MonkeyPatch, overrides: list[str], source: str, asks: bool | None
) -> None:
    asked: list[bool] = []
    choose: Callable[..., str] = lambda cameras, window, *, ask_again: (  # noqa: E731
        asked.append(ask_again) or "2"
    )
    monkeypatch.setattr(camera_choice, "choose_camera", choose)
    found = camera_choice.with_camera(load_settings(MonitorSettings, None, overrides), None)
    assert found is not None and found.sources[0].source == source
    assert asked == ([] if asks is None else [asks])
