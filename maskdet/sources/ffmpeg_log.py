"""What FFmpeg logs inside of OpenCV: on stderr, and since OpenCV 5 on stdout."""

from __future__ import annotations

import ctypes
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_MOST = 100_000


class Log:
    """What was said while it was listened to.

    Attributes:
        text: complete after the block.
    """

    text = ""


@contextmanager
def listening() -> Iterator[Log]:
    """Listens to both of this process's outputs; afterwards they lead nowhere."""
    log = Log()
    with open(os.devnull, "w") as nowhere, tempfile.TemporaryFile() as said:
        _lead_to(said.fileno())
        try:
            yield log
        finally:
            _flush()
            _lead_to(nowhere.fileno())
        said.seek(0)
        log.text = said.read(_MOST).decode(errors="replace")


def _lead_to(handle: int) -> None:
    for output in (1, 2):
        os.dup2(handle, output)


def _flush() -> None:
    """Writes out what C libraries hold back; Python does not know of it."""
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL("ucrtbase" if sys.platform == "win32" else None)
        library.fflush(None)
