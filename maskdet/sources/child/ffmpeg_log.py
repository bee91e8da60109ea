"""The log of FFmpeg inside of OpenCV: on stderr, and since OpenCV 5 on stdout."""

from __future__ import annotations

import ctypes
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_MAX_LOG_BYTES = 100_000


class Log:
    """Lines that were logged meanwhile.

    Attributes:
        text: complete after the block.
    """

    text = ""


@contextmanager
def listening() -> Iterator[Log]:
    """Listens to both of this process's outputs; afterwards they lead nowhere."""
    log = Log()
    with open(os.devnull, "w") as nowhere, tempfile.TemporaryFile() as written:
        _lead_to(written.fileno())
        try:
            yield log
        finally:
            _flush()
            _lead_to(nowhere.fileno())
        written.seek(0)
        log.text = written.read(_MAX_LOG_BYTES).decode(errors="replace")


def _lead_to(handle: int) -> None:
    for output in (1, 2):
        os.dup2(handle, output)


def _flush() -> None:
    """Writes out what C libraries hold back; Python does not know of it."""
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)
        library.fflush(None)
