"""Pipes that are written to: whose reader is not there yet, or has stopped reading."""

from __future__ import annotations

import errno
import os
import select
import stat
import time
from io import RawIOBase
from pathlib import Path
from typing import cast

_READER_TIMEOUT_S = 10.0
"""Seconds in which the reader of a named pipe has to come."""
_POLL_S = 0.1


def open_named_pipe(path: Path) -> RawIOBase:
    """Opens a named pipe as soon as somebody reads it; a plain open would wait forever, silently.

    Args:
        path: of the pipe.

    Raises:
        OSError: it cannot be opened, or nobody reads it.
    """
    until = time.monotonic() + _READER_TIMEOUT_S
    while True:
        try:
            number = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            if time.monotonic() >= until:
                waited = f"waited {_READER_TIMEOUT_S:g} s"
                text = f"nobody reads this pipe ({waited}); start its reader first"
                raise OSError(error.errno, text) from None
            time.sleep(_POLL_S)
        else:
            os.set_blocking(number, True)
            return cast(RawIOBase, open(number, "wb", buffering=0))


def takes_more(file: RawIOBase, *, timeout: float) -> bool:
    """Whether a pipe has room within so many seconds; True at once of what is not a pipe."""
    if os.name == "nt" or not stat.S_ISFIFO(os.fstat(file.fileno()).st_mode):
        return True
    poll = select.poll()  # unlike select, of any file number
    poll.register(file.fileno(), select.POLLOUT)
    return bool(poll.poll(timeout * 1000))
