"""A real X server (Xvfb) for tests of the window: its screen, keys, the mouse, a script on it."""

from __future__ import annotations

import contextlib
import ctypes
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import POINTER, Structure, Union, byref, c_char_p, c_int, c_long, c_uint, c_ulong
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.monitors import ROOT

XVFB = shutil.which("Xvfb")
needs_xvfb = pytest.mark.skipif(XVFB is None, reason="Xvfb is not installed (apt: xvfb)")


class _Key(Structure):
    _fields_ = [
        ("type", c_int),
        ("serial", c_ulong),
        ("send_event", c_int),
        ("display", c_ulong),
        ("window", c_ulong),
        ("root", c_ulong),
        ("subwindow", c_ulong),
        ("time", c_ulong),
        ("x", c_int),
        ("y", c_int),
        ("x_root", c_int),
        ("y_root", c_int),
        ("state", c_uint),
        ("keycode", c_uint),
        ("same_screen", c_int),
    ]


class _Message(Structure):
    _fields_ = [
        ("type", c_int),
        ("serial", c_ulong),
        ("send_event", c_int),
        ("display", c_ulong),
        ("window", c_ulong),
        ("message_type", c_ulong),
        ("format", c_int),
        ("data", c_long * 5),
    ]


class _Event(Union):
    _fields_ = [("key", _Key), ("message", _Message), ("pad", c_long * 24)]


class XServer:
    """A person's view of the screen, and the keys and the mouse."""

    def __init__(self, display: str, folder: Path) -> None:
        self.display = display
        self._screen = folder / "Xvfb_screen0"
        self._x = ctypes.CDLL("libX11.so.6")
        self._x.XOpenDisplay.restype = ctypes.c_void_p
        self._x.XDefaultRootWindow.restype = self._x.XInternAtom.restype = c_ulong
        self._x.XStringToKeysym.restype = c_ulong
        self._connection = ctypes.c_void_p(self._x.XOpenDisplay(display.encode()))

    def screenshot(self) -> np.ndarray:
        """The screen, BGR uint8; Xvfb keeps it in a file in the format of `xwd`."""
        raw = self._screen.read_bytes()
        header = np.frombuffer(raw, ">u4", 25)
        size, width, height, stride, colors = header[[0, 4, 5, 12, 19]].tolist()
        pixels = np.frombuffer(raw, np.uint8, stride * height, size + colors * 12)
        return pixels.reshape(height, -1, 4)[:, :width, :3]

    def find(self, title: str, seconds: float = 60) -> int:
        """Id of the window with that title, once there is one."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for window in self._windows():
                if self._title_of(window) == title.encode():
                    return window
            time.sleep(0.05)
        raise AssertionError(f"no window {title!r} on {self.display}")

    def _title_of(self, window: int) -> bytes | None:
        """A window's title as a window manager shows it, in UTF-8."""
        name, text = (
            self._x.XInternAtom(self._connection, n, 0) for n in (b"_NET_WM_NAME", b"UTF8_STRING")
        )
        kind, bits, count, rest, value = c_ulong(), c_int(), c_ulong(), c_ulong(), c_char_p()
        where = self._connection, c_ulong(window), c_ulong(name), c_long(0), c_long(1000), 0
        found = map(byref, (kind, bits, count, rest, value))
        self._x.XGetWindowProperty(*where, c_ulong(text), *found)
        return value.value

    def geometry(self, window: int) -> tuple[int, int]:
        """(width, height) of a window, as the X server has it."""
        root, x, y, width, height, border, depth = (c_ulong(), *(c_uint() for _ in range(6)))
        self._x.XGetGeometry(
            self._connection,
            c_ulong(window),
            *map(byref, (root, x, y, width, height, border, depth)),
        )
        return width.value, height.value

    def press(self, window: int, key: str) -> None:
        """Presses and lets go of a key, by its X name: ``q``, ``Escape``, ``Left`` …"""
        keysym = c_ulong(self._x.XStringToKeysym(key.encode()))
        code = self._x.XKeysymToKeycode(self._connection, keysym)
        assert code, key
        root = self._x.XDefaultRootWindow(self._connection)
        for kind in (2, 3):  # KeyPress, KeyRelease
            event = _Event(key=_Key(type=kind, window=window, root=root, keycode=code))
            event.key.same_screen = 1
            self._send(window, kind, event)

    def press_until_end(
        self, window: int, key: str, process: subprocess.Popen[str]
    ) -> tuple[str, str]:
        """Presses a key until a process ends: its window may not take keys yet; its outputs."""
        while process.poll() is None:
            self.press(window, key)
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.communicate(timeout=0.3)
        return process.communicate()

    def click(self, window: int, x: int, y: int, button: int = 1) -> None:
        """Moves the mouse to a point of a window and presses a button there; 1: left, 3: right."""
        root = self._x.XDefaultRootWindow(self._connection)
        for kind, mask in ((6, 1 << 6), (4, 1 << 2), (5, 1 << 3)):  # motion, press, release
            pressed = 0x100 if kind == 5 else 0
            event = _Event(key=_Key(type=kind, window=window, root=root, x=x, y=y))
            event.key.x_root, event.key.y_root = x, y
            event.key.keycode, event.key.state = (0 if kind == 6 else button), pressed
            event.key.same_screen = 1
            self._x.XSendEvent(self._connection, c_ulong(window), 0, c_long(mask), byref(event))
        self._x.XFlush(self._connection)

    def click_close(self, window: int) -> None:
        """Does what a window manager does when its close button is clicked."""
        names = (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW")
        protocols, delete = (self._x.XInternAtom(self._connection, name, 0) for name in names)
        message = _Message(type=33, window=window, message_type=protocols, format=32)
        message.data[0] = delete
        self._send(window, 0, _Event(message=message))

    def _send(self, window: int, kind: int, event: _Event) -> None:
        mask = c_long(kind and 1 << (kind - 2))
        self._x.XSendEvent(self._connection, c_ulong(window), 0, mask, byref(event))
        self._x.XFlush(self._connection)

    def _windows(self) -> list[int]:
        root, parent, count = c_ulong(), c_ulong(), c_uint()
        children = POINTER(c_ulong)()
        self._x.XQueryTree(
            self._connection,
            c_ulong(self._x.XDefaultRootWindow(self._connection)),
            byref(root),
            byref(parent),
            byref(children),
            byref(count),
        )
        return [children[i] for i in range(count.value)]


@contextmanager
def x_server(folder: Path, screen: str = "1280x1024x24") -> Iterator[XServer]:
    """Starts Xvfb on a free display; its files go into the folder."""
    assert XVFB is not None
    reader, writer = os.pipe()
    options = ["-screen", "0", screen, "-fbdir", str(folder), "-nolisten", "tcp"]
    process = subprocess.Popen(
        [XVFB, "-displayfd", str(writer), *options],
        pass_fds=[writer],
        stderr=subprocess.DEVNULL,
    )
    os.close(writer)
    try:
        with os.fdopen(reader) as ready:
            number = ready.readline().strip()
        assert number, "Xvfb did not start"
        yield XServer(f":{number}", folder)
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture
def screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[XServer]:
    """A screen for one test."""
    with x_server(tmp_path_factory.mktemp("x")) as server:
        yield server


@contextmanager
def script_on(
    display: str | None, script: str, *arguments: str, **env: str
) -> Iterator[subprocess.Popen[str]]:
    """A Python script in a process of its own, on a display or without one; killed at the end."""
    inherited = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    where = {} if display is None else {"DISPLAY": display}
    with subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        env=inherited | where | env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()
