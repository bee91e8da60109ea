"""Size of the screen, asked of the system: OpenCV has no call for it."""

from __future__ import annotations

import ctypes
import os
import sys
from ctypes import POINTER, Structure, byref, c_char_p, c_int, c_ulong, c_void_p

Size = tuple[int, int]

_UNKNOWN: Size = (1280, 800)
"""Taken where the system does not answer; nearly every screen is larger."""


def screen_size() -> Size:
    """(width, height) of the screen in pixels; of several, what fits on each of them."""
    try:
        found = _ASK.get(sys.platform, _ask_x11)()
    except (OSError, AttributeError, ValueError):
        found = None
    return found if found and min(found) > 0 else _UNKNOWN


class _Monitor(Structure):
    """Xrandr's XRRMonitorInfo."""

    _fields_ = (
        ("name", c_ulong),
        ("primary", c_int),
        ("automatic", c_int),
        ("outputs", c_int),
        ("x", c_int),
        ("y", c_int),
        ("width", c_int),
        ("height", c_int),
        ("millimeters_wide", c_int),
        ("millimeters_high", c_int),
        ("output_list", c_void_p),
    )


def _ask_x11() -> Size | None:
    xlib = ctypes.CDLL("libX11.so.6")
    xlib.XOpenDisplay.restype, xlib.XOpenDisplay.argtypes = c_void_p, [c_char_p]
    display = xlib.XOpenDisplay(os.environ.get("DISPLAY", "").encode())
    if not display:
        return None
    connection = c_void_p(display)
    try:
        return _monitors(xlib, connection) or (
            xlib.XDisplayWidth(connection, xlib.XDefaultScreen(connection)),
            xlib.XDisplayHeight(connection, xlib.XDefaultScreen(connection)),
        )
    finally:
        xlib.XCloseDisplay(connection)


def _monitors(xlib: ctypes.CDLL, connection: c_void_p) -> Size | None:
    """By the Xrandr extension: the X screen itself spans all monitors."""
    try:
        xrandr = ctypes.CDLL("libXrandr.so.2")
        ask = xrandr.XRRGetMonitors
    except (OSError, AttributeError):
        return None
    ask.restype = POINTER(_Monitor)
    xlib.XDefaultRootWindow.restype = c_ulong
    root, count = c_ulong(xlib.XDefaultRootWindow(connection)), c_int()
    found = ask(connection, root, 1, byref(count))
    if not found or count.value < 1:
        return None
    monitors = [found[i] for i in range(count.value)]
    size = min(m.width for m in monitors), min(m.height for m in monitors)
    xrandr.XRRFreeMonitors(found)
    return size


def _ask_windows() -> Size | None:
    user32 = ctypes.CDLL("user32.dll")
    return user32.GetSystemMetrics(0), user32.GetSystemMetrics(1)


class _Rect(Structure):
    """CoreGraphics' CGRect."""

    _fields_ = tuple((name, ctypes.c_double) for name in ("x", "y", "width", "height"))


def _ask_macos() -> Size | None:
    graphics = ctypes.CDLL("/System/Library/Frameworks/CoreGraphics.framework/CoreGraphics")
    graphics.CGDisplayBounds.restype = _Rect
    bounds = graphics.CGDisplayBounds(graphics.CGMainDisplayID())
    return int(bounds.width), int(bounds.height)


_ASK = {"win32": _ask_windows, "darwin": _ask_macos}
