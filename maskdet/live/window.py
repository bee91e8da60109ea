"""The one place that opens a window, and that tells beforehand whether it can be.

OpenCV's window on Linux is Qt's, which ends the whole process where it finds no display. So the
display is tried first, by Xlib itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys

import cv2
import numpy as np

from maskdet.live.libraries import missing_packages

_KEYS = {27: "esc", 32: "space"} | {code: chr(code).lower() for code in range(33, 127)}
_LARGEST_FIRST, _SMALLEST_FIRST = (1280, 800), 640
"""A new window is no larger than this, nor narrower than that; the user may resize it."""


def display_available() -> tuple[bool, str]:
    """Whether a window can be opened, and if not, why and what to do, in one line."""
    reason = _obstacle()
    return not reason, reason


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

    Call `key` after each `show`, and often while there is nothing to show: the window is painted
    and answers only then. Check `display_available` before.
    """

    def __init__(self, title: str) -> None:
        """Opens nothing yet.

        Args:
            title: shown by the system; also the window's identity in OpenCV.
        """
        self._title = title
        self._is_open = False
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether the window was there and is gone, by the user or by `close`."""
        if self._is_open and not self._is_visible():
            self._is_open, self._closed = False, True
        return self._closed

    def show(self, image: np.ndarray) -> None:
        """Shows a picture (BGR uint8), its aspect kept; does nothing once the window is closed."""
        if self.closed:
            return
        try:
            if not self._is_open:
                self._open(image.shape[1], image.shape[0])
            cv2.imshow(self._title, image)
        except cv2.error:
            if not self.closed:  # the user may close it at any moment, while it opens, too
                raise

    def key(self, wait_ms: int = 1) -> str | None:
        """The key pressed: a lower-case character, ``esc`` or ``space``; None if there was none.

        Args:
            wait_ms: how long to wait for one, at least 1.
        """
        if not self._is_open:
            return None
        return _KEYS.get(cv2.waitKeyEx(max(1, wait_ms)))  # arrows and the like are beyond 127

    def close(self) -> None:
        """Takes the window away for good; may be called twice."""
        if not self.closed and self._is_open:
            cv2.destroyWindow(self._title)
            cv2.waitKey(1)  # lets the system do it
        self._is_open, self._closed = False, True

    def _is_visible(self) -> bool:
        try:
            return cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) >= 1
        except cv2.error:  # with its last window, Qt's side of OpenCV goes altogether
            return False

    def _open(self, width: int, height: int) -> None:
        if sys.platform.startswith("linux"):
            _prepare_qt()
        flags = cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL
        cv2.namedWindow(self._title, flags)
        self._is_open = True
        scale = min(_LARGEST_FIRST[0] / width, _LARGEST_FIRST[1] / height)
        scale = min(scale, max(1.0, _SMALLEST_FIRST / width))
        cv2.resizeWindow(self._title, max(1, round(width * scale)), max(1, round(height * scale)))
