"""Native libraries: what OpenCV needs of the system, and what all of them write to stderr."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache, partial
from typing import TextIO, TypeVar

from maskdet.errors import ConfigError
from maskdet.system.threads import Lock

T = TypeVar("T")

_PACKAGES = {
    "libGL.so.1": "libgl1",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libxcb.so.1": "libxcb1",
    "libX11.so.6": "libx11-6",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libXext.so.6": "libxext6",
    "libSM.so.6": "libsm6",
    "libICE.so.6": "libice6",
}
"""Libraries that OpenCV's window takes from the system, and the Debian packages that have them."""


def missing_packages() -> list[str]:
    """Debian packages with libraries that OpenCV needs and this system lacks; Linux only.

    Without the first ones ``import cv2`` fails, without the last ones only the window does.
    """
    if not sys.platform.startswith("linux"):
        return []
    return [package for library, package in _PACKAGES.items() if not _loads(library)]


def require_opencv() -> None:
    """Makes sure that OpenCV can be imported; a command calls it before it imports what uses it.

    Raises:
        ConfigError: it cannot; the line names the missing packages.
    """
    try:
        import cv2  # noqa: F401
    except ImportError as error:
        packages = " ".join(missing_packages())
        system = f"on Debian or Ubuntu: apt-get install -y {packages}"
        raise ConfigError(
            f"OpenCV cannot start ({error}); "
            f"{system if packages else 'pip install opencv-python'}; or, for use without a "
            "window: python -m pip install --force-reinstall --no-deps opencv-python-headless"
        ) from None


def open_closed_streams() -> None:
    """Opens on nothing what the process was started without: standard input, output, error.

    The next file that is opened, a recording, would get such a number otherwise, and whatever
    native code writes to stderr. Messages are lost then; see `console.require_stdout` for data.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # the lowest free number
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Keeps what native code writes to stderr, past Python, off the terminal.

    Messages of Python's other threads still get there; several threads may do this at one time.
    """
    _silence.begin()
    try:
        yield
    finally:
        _silence.end()


def with_messages(work: Callable[[], T], starts: tuple[str, ...]) -> tuple[T, str]:
    """Runs native code, and returns its result with the message that it writes to stderr.

    One thread after another does this, as all of them share stderr.

    Args:
        work: done once.
        starts: of the lines that are wanted; others of native code are dropped.

    Returns:
        The result, and the first such line; empty where there is none.
    """
    with _one_listens, _native_messages() as read:
        made = work()
        lines = read().decode(errors="replace").splitlines()
    return made, next((line for line in lines if line.startswith(starts)), "")


@contextmanager
def _native_messages() -> Iterator[Callable[[], bytes]]:
    """File descriptor 2 leads into a pipe; gives what reads it. Python's own messages go on."""
    with silent_stderr():
        try:
            os.fstat(2)  # fails where it is closed: a pipe could take its number
            from_here, into = _pipe()
            kept = os.dup(2)
        except (OSError, AttributeError):  # on Windows before Python 3.12 pipes always wait
            yield bytes
            return
        _read(from_here)  # what processes started earlier have written since
        os.dup2(into, 2)
        try:
            yield partial(_read, from_here)
        finally:
            os.dup2(kept, 2)
            os.close(kept)


@cache
def _pipe() -> tuple[int, int]:
    """No file: none may be written where pictures are to stay in memory.

    It stays open, as processes that are started meanwhile keep it; what it cannot take is
    lost.
    """
    set_blocking = os.set_blocking  # looked for before there is a pipe to close
    ends = os.pipe()
    for end in ends:
        set_blocking(end, False)
    return ends


def _read(pipe: int) -> bytes:
    parts = []
    with suppress(BlockingIOError):  # that was all
        while part := os.read(pipe, 65_536):
            parts.append(part)
    return b"".join(parts)


class _Silence:
    """File descriptor 2 leads nowhere while somebody wants that; Python's own stderr does not."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._count = 0
        self._messages: TextIO | None = None
        self._replaced: TextIO | None = None

    def begin(self) -> None:
        with self._lock:
            self._count += 1
            if self._count == 1:
                with suppress(OSError):  # closed
                    self._redirect()

    def end(self) -> None:
        with self._lock:
            self._count -= 1
            if self._count or self._messages is None:
                return
            with suppress(OSError):
                os.dup2(self._messages.fileno(), 2)
            if self._replaced is not None and sys.stderr is self._messages:
                sys.stderr = self._replaced
            self._replaced = None

    def _redirect(self) -> None:
        if sys.stderr is not None:
            sys.stderr.flush()
        if self._messages is None:  # kept: another thread may be writing to it when this ends
            self._messages = os.fdopen(
                os.dup(2), "w", 1, "utf-8", "backslashreplace", closefd=False
            )  # never closed, so Python is not to warn of it at the end
        else:
            os.dup2(2, self._messages.fileno())
        if _is_stderr(sys.stderr):
            self._replaced, sys.stderr = sys.stderr, self._messages
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)
        os.close(nowhere)


_silence = _Silence()
_one_listens = Lock()


def _is_stderr(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.fileno() == 2
    except (OSError, ValueError):
        return False


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
