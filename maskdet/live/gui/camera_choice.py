"""Which of several cameras is meant where none was named: asked once, and remembered."""

from __future__ import annotations

import json
import select
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from maskdet.drawing.overlay import Overlay
from maskdet.errors import reason_of
from maskdet.live.gui.window import Window
from maskdet.live.settings.monitor import MonitorSettings
from maskdet.sources.webcam_list import Camera, list_webcams
from maskdet.system.atomic_files import write_whole
from maskdet.system.console import say

_CHOOSE = "choose"
"""The source that has the user choose a camera."""
_SIZE = (960, 540)
_TEXT_PIXELS = 18
_POLL_MS = 50
_KEYS = 9
"""Cameras that a key of one digit can name."""


def choice_file() -> Path:
    """Where the choice is remembered, in the user's folder for settings."""
    from platformdirs import user_config_dir  # late: most runs name their camera

    return Path(user_config_dir("maskdet", appauthor=False)) / "camera.json"


def with_camera(settings: MonitorSettings, window: Window | None) -> MonitorSettings | None:
    """The settings with a camera where none was named; None where the user quits instead.

    Args:
        settings: of the monitor.
        window: shows the list of cameras, if there is a display; not open yet.
    """
    asks = [one.source for one in settings.sources] == [_CHOOSE]
    if "sources" in settings.model_fields_set and not asks:
        return settings
    number = choose_camera(list_webcams(), window, ask_again=asks)
    if number is None:
        return None
    camera = settings.sources[0].model_copy(update={"source": number})
    return settings.model_copy(update={"sources": (camera,)})


def choose_camera(
    cameras: Sequence[Camera], window: Window | None, *, ask_again: bool = False
) -> str | None:
    """The number of the camera to take; None where the user quits instead.

    A choice made before holds as long as that camera is there. Where nobody can be asked, the
    first one is taken, and a line reports it.

    Args:
        cameras: what there is.
        window: shows the list, if there is a display; not open yet.
        ask_again: asks though there is a choice made before.
    """
    if len(cameras) < 2:
        return cameras[0].number if cameras else "0"
    before = None if ask_again else _remembered(cameras)
    if before is not None:
        say(f"{before}, as chosen before; --source choose asks again")
        return before.number
    has_terminal = _is_terminal()
    if window is None and not has_terminal:
        say(f"{cameras[0]} of {len(cameras)} cameras; --source N takes another")
        return cameras[0].number
    say("several cameras are there; which one? (q: quit)")
    for number, camera in enumerate(cameras, 1):
        say(f"  {number}  {camera}")
    if window is None:
        chosen = _ask_in_terminal(cameras)
    else:
        chosen = _ask_in_window(cameras, window, has_terminal)
    if chosen is not None:
        _remember(chosen)
    return None if chosen is None else chosen.number


def _is_terminal() -> bool:
    streams = (sys.stdin, sys.stderr)
    return all(stream is not None and stream.isatty() for stream in streams)


def _ask_in_terminal(cameras: Sequence[Camera]) -> Camera | None:
    while True:
        say(f"number at its left, 1 to {len(cameras)}:")
        line = sys.stdin.readline()
        if not line or line.strip().lower() == "q":
            return None
        if chosen := _by_answer(cameras, line.strip()):
            return chosen


def _ask_in_window(cameras: Sequence[Camera], window: Window, has_terminal: bool) -> Camera | None:
    """Shows the list; takes a key there, or a line in the terminal."""
    lines = window_lines(cameras)
    try:
        while True:
            image = np.full((_SIZE[1], _SIZE[0], 3), 45, np.uint8)
            Overlay().help(image, _TEXT_PIXELS, lines)
            window.show(image)
            key = window.key(_POLL_MS)
            if window.closed or key in ("q", "esc"):
                return None
            answer = key or (_typed_line() if has_terminal else "")
            if answer == "q":
                return None
            if chosen := _by_answer(cameras, answer):
                return chosen
    finally:
        window.close()


def window_lines(cameras: Sequence[Camera]) -> list[tuple[str, str]]:
    """The list that the window shows: keys, and what each of them does.

    Args:
        cameras: what there is.
    """
    lines = [(str(key), str(camera)) for key, camera in enumerate(cameras[:_KEYS], 1)]
    if (more := len(cameras) - _KEYS) > 0:
        lines.append(("", f"and {more} more, listed in the terminal: --source N takes one"))
    return [("", "Which camera? Press the number at its left."), *lines, ("q", "quit")]


def _typed_line() -> str:
    """A line from the terminal, if one was typed; Windows cannot know without waiting."""
    if sys.platform == "win32" or not select.select([sys.stdin], [], [], 0)[0]:
        return ""
    return sys.stdin.readline().strip().lower()


def _by_answer(cameras: Sequence[Camera], answer: str) -> Camera | None:
    is_number = answer.isdecimal() and 1 <= int(answer) <= len(cameras)
    return cameras[int(answer) - 1] if is_number else None


def _remembered(cameras: Sequence[Camera]) -> Camera | None:
    """The camera chosen before: the same number and name, or the only one of that name."""
    try:
        saved = json.loads(choice_file().read_text(encoding="utf-8"))
        wanted = Camera(str(saved["number"]), str(saved["name"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if wanted in cameras:
        return wanted
    same = [camera for camera in cameras if camera.name and camera.name == wanted.name]
    return same[0] if len(same) == 1 else None


def _remember(camera: Camera) -> None:
    path = choice_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, json.dumps(camera._asdict(), ensure_ascii=False) + "\n")
    except OSError as error:
        say(f"{path}: {reason_of(error)}; the choice is not remembered", "warning")
    else:
        say(f"{camera}; remembered in {path}")
