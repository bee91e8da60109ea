"""Native libraries: those of the system that OpenCV needs, and what all of them write to stderr."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TextIO, TypeVar

from maskdet.errors import ConfigError
from maskdet.system.threads import Condition, Lock

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

    Several threads may do this at one time. Where a message came while others were at work, whose
    it is does not show: the work is then done once more, alone.

    Args:
        work: done once, or twice.
        starts: of the lines that are wanted; others of native code are dropped.

    Returns:
        The result, and the first such line; empty where there is none.
    """
    for alone in (False, True):
        begun = _capture.begin(alone=alone)
        try:
            made = work()
        finally:
            lines, was_alone = _capture.end(begun)
        line = next((each for each in lines if each.startswith(starts)), "")
        if was_alone or not line:
            break
    return made, line


class _Capture:
    """File descriptor 2 leads into a pipe while somebody does work that may write there.

    No file: none may be written where pictures are to stay in memory. The pipe stays open, as
    processes that are started meanwhile have it for good; what it cannot take is lost.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._count = self._starts = 0
        self._is_reserved = False
        self._pipe: tuple[int, int] | None = None
        self._kept = -1
        self._text = b""

    def begin(self, *, alone: bool) -> tuple[int, int]:
        """Waits while somebody is alone at work, or until nobody is, to be alone.

        Returns:
            The number of this start, 0 if others are at work; and the bytes written before it.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._is_reserved)
            if alone:
                self._is_reserved = True
                self._changed.wait_for(lambda: not self._count)
            self._count += 1
            self._starts += 1
            if self._count == 1:
                # no descriptor is left, 2 is closed, or pipes always wait: Windows before 3.12
                with suppress(OSError, AttributeError):
                    self._redirect()
            self._read()
            return self._starts if self._count == 1 else 0, len(self._text)

    def end(self, begun: tuple[int, int]) -> tuple[list[str], bool]:
        """Returns the lines since that start, and whether nobody else was at work meanwhile."""
        start, before = begun
        with self._changed:
            self._count -= 1
            self._read()
            lines = self._text[before:].decode(errors="replace").splitlines()
            if not self._count:
                self._restore()
                self._is_reserved = False
            self._changed.notify_all()
            return lines, start == self._starts

    def _redirect(self) -> None:
        if self._pipe is None:
            self._pipe = os.pipe()
            for end in self._pipe:
                os.set_blocking(end, False)
        _silence.begin()  # Python's own messages go on
        try:
            self._kept = os.dup(2)
            os.dup2(self._pipe[1], 2)
        except OSError:
            _silence.end()
            raise

    def _restore(self) -> None:
        self._text = b""
        if self._kept < 0:
            return
        os.dup2(self._kept, 2)
        os.close(self._kept)
        self._kept = -1
        _silence.end()

    def _read(self) -> None:
        """Takes in what was written since."""
        with suppress(OSError):  # BlockingIOError: that was all
            while self._kept >= 0 and self._pipe is not None:
                self._text += os.read(self._pipe[0], 65_536)


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
_capture = _Capture()


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
