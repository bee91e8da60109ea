"""The one place that opens a window, and that knows beforehand whether it can be.

OpenCV's window on Linux is Qt's, which ends the whole process where it finds no display. So the
display is tried first, by Xlib itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
import time
from typing import Literal

import cv2
import numpy as np

from maskdet.live.gui.screens import screen_size
from maskdet.system.console import say
from maskdet.system.file_names import readable_name
from maskdet.system.native_libraries import missing_packages

Button = Literal["left", "right"]
_BUTTONS: dict[int, Button] = {
    cv2.EVENT_LBUTTONDOWN: "left",
    cv2.EVENT_RBUTTONDOWN: "right",
}
_ARROWS = ("left", "up", "right", "down")
_KEYS = (
    {27: "esc", 32: "space", 13: "enter", 10: "enter"}
    | {code: chr(code).lower() for code in range(33, 127)}
    | dict(zip(range(65361, 65365), _ARROWS, strict=True))  # X11
    | dict(zip(range(2424832, 2686976, 65536), _ARROWS, strict=True))  # Windows
    | {63234: "left", 63232: "up", 63235: "right", 63233: "down"}  # macOS
)
_SETTLE_TIMEOUT_S = 0.5
"""Seconds after which the system has obeyed what was asked of it, if it does at all."""


def display_available() -> tuple[bool, str]:
    """Whether a window can be opened, and if not, why and what to do, in one line."""
    reason = _obstacle()
    return not reason, reason


def wants_window(is_headless: bool) -> bool:
    """Whether there is to be a window; reports why there is none, where one was wanted."""
    if is_headless:
        return False
    available, reason = display_available()
    if not available:
        say(f"no window: {reason}; going on headless")
    return available


def _obstacle() -> str:
    if not cv2.currentUIFramework():
        return (
            "this OpenCV was built without windows;"
            " pip uninstall opencv-python-headless, then pip install opencv-python"
        )
    return _linux_obstacle() if sys.platform.startswith("linux") else ""


def _linux_obstacle() -> str:
    if packages := missing_packages():
        return f"system libraries are missing; sudo apt-get install {' '.join(packages)}"
    display = os.environ.get("DISPLAY")
    if not display and os.environ.get("WAYLAND_DISPLAY"):
        return "OpenCV's window needs X11, and this Wayland session has none; install xwayland"
    if not display:
        return "there is no display (DISPLAY is not set)"
    if not _answers(display):
        return f"no X server answers, or it refuses us, at DISPLAY={display}"
    return ""


def _answers(display: str) -> bool:
    xlib = ctypes.CDLL("libX11.so.6")
    xlib.XOpenDisplay.restype = ctypes.c_void_p
    connection = xlib.XOpenDisplay(display.encode())
    if connection:
        xlib.XCloseDisplay(ctypes.c_void_p(connection))
    return bool(connection)


def _prepare_qt() -> None:
    """Makes OpenCV's Qt quiet and reliable; before the first window."""
    os.environ["QT_QPA_PLATFORM"] = "xcb"  # the only one OpenCV brings
    os.environ.setdefault("QT_LOGGING_RULES", "*.debug=false;*.warning=false")
    # OpenCV's wheel brings an old libX11-xcb, which knows libX11 before 1.7: it writes "Qt owns the
    # events" into the wrong field, libX11 takes some of them away, and now and then the window
    # stays black. The system's own, if it is there first, is used instead.
    with contextlib.suppress(OSError):
        ctypes.CDLL("libX11-xcb.so.1", mode=ctypes.RTLD_GLOBAL)


class Window:
    """A resizable window, opened by the first `show`; for the main thread only.

    Attributes:
        pointer: x and y of the mouse in the shown image, pixels.

    Call `key` after each `show`, and often while there is nothing to show: the window is painted
    and answers only then. Check `display_available` before.
    """

    def __init__(self, title: str) -> None:
        """Opens nothing yet.

        Args:
            title: shown by the system, in any script.
        """
        self.pointer = (0, 0)
        self._clicks: list[tuple[Button, int, int]] = []
        self._title = readable_name(title)
        # OpenCV's Qt keeps a window's name as UTF-8 and searches it as Latin-1: it would never find
        # one with a letter beyond ASCII again.
        self._name = self._title.encode("ascii", "replace").decode()
        self._is_open = self._closed = self._is_full = False
        self._asked = self._size_before = (0, 0)
        self._asked_at = 0.0

    @property
    def closed(self) -> bool:
        """Whether the window was there and is gone, by the user or by `close`."""
        if self._is_open and not self._is_visible():
            self._is_open, self._closed = False, True
        return self._closed

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of what an image covers; (0, 0) while there is no window."""
        if not self._is_open:
            return 0, 0
        try:
            _, _, width, height = cv2.getWindowImageRect(self._name)
        except cv2.error:  # the user may close it at any moment
            return 0, 0
        return max(0, width), max(0, height)

    def resize(self, width: int, height: int) -> None:
        """Opens the window with that size, or makes it so large; not while it fills the screen."""
        if self.closed or self._is_full:
            return
        if not self._is_open:
            self._open()
        self._asked, self._asked_at = (width, height), time.monotonic()
        with contextlib.suppress(cv2.error):
            cv2.resizeWindow(self._name, width, height)

    @property
    def resized_by_hand(self) -> bool:
        """Whether its size is the user's, or the system's, and not what was asked for."""
        if self._is_full or time.monotonic() - self._asked_at < _SETTLE_TIMEOUT_S:
            return False
        return self._is_open and self.size != self._asked

    def toggle_full_screen(self) -> bool:
        """Fills the screen, or goes back to the size before; returns whether it fills it now."""
        if not self._is_open or self.closed:
            return False
        self._is_full = not self._is_full
        mode = cv2.WINDOW_FULLSCREEN if self._is_full else cv2.WINDOW_NORMAL
        if self._is_full:
            self._size_before, self._asked_at = self.size, time.monotonic()
        with contextlib.suppress(cv2.error):
            cv2.setWindowProperty(self._name, cv2.WND_PROP_FULLSCREEN, mode)
            if not self._is_full:
                cv2.resizeWindow(self._name, *self._size_before)
        return self._is_full

    def show(self, image: np.ndarray) -> None:
        """Shows an image (BGR uint8), stretched to `size`; does nothing once closed."""
        if self.closed:
            return
        try:
            if not self._is_open:
                self.resize(image.shape[1], image.shape[0])
            self._fill_screen()
            if self.closed:  # meanwhile; OpenCV would open another one
                return
            cv2.imshow(self._name, image)
            if cv2.getWindowProperty(self._name, cv2.WND_PROP_AUTOSIZE) == 1:  # it has
                self.close()
        except cv2.error:
            if not self.closed:  # the user may close it at any moment, while it opens, too
                raise

    def _fill_screen(self) -> None:
        """Without a window manager nobody obeys the wish for the full screen; this does."""
        waited = time.monotonic() - self._asked_at
        if self._is_full and waited > _SETTLE_TIMEOUT_S and self.size == self._size_before:
            cv2.resizeWindow(self._name, *screen_size())
            cv2.moveWindow(self._name, 0, 0)

    def key(self, wait_ms: int = 1) -> str | None:
        """The key pressed; None if there was none.

        A lower-case character, ``esc``, ``space``, ``enter``, ``left``, ``up``, ``right`` or
        ``down``.

        Args:
            wait_ms: how long to wait for one, at least 1.
        """
        if not self._is_open:
            return None
        return _KEYS.get(cv2.waitKeyEx(max(1, wait_ms)))

    def clicks(self) -> list[tuple[Button, int, int]]:
        """Buttons pressed since the call before: which, and x and y in the shown image."""
        clicks, self._clicks = self._clicks, []
        return clicks

    def _mouse(self, event: int, x: int, y: int, flags: int, _: object) -> None:
        self.pointer = x, y
        if event in _BUTTONS:
            self._clicks.append((_BUTTONS[event], x, y))

    def close(self) -> None:
        """Takes the window away for good; may be called twice."""
        if not self.closed and self._is_open:
            cv2.destroyWindow(self._name)
            cv2.waitKey(1)  # lets the system do it
        self._is_open, self._closed = False, True

    def _is_visible(self) -> bool:
        try:
            return cv2.getWindowProperty(self._name, cv2.WND_PROP_VISIBLE) >= 1
        except cv2.error:  # with its last window, Qt's side of OpenCV goes altogether
            return False

    def _open(self) -> None:
        if sys.platform.startswith("linux"):
            _prepare_qt()
        # Free of any aspect: Qt keeps one only when the user resizes the window. The
        # caller makes the image as large as `size`.
        flags = cv2.WINDOW_NORMAL | cv2.WINDOW_FREERATIO | cv2.WINDOW_GUI_NORMAL
        cv2.namedWindow(self._name, flags)
        if self._title != self._name:
            cv2.setWindowTitle(self._name, self._title)
        cv2.setMouseCallback(self._name, self._mouse)
        self._is_open = True
