"""The folder that recordings go to."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from maskdet.commands.doctor.finding import Finding, absent, broken, ok
from maskdet.errors import reason_of

_MIB = 2**20
_WRITTEN_BLOCKS = 32
MIN_MIB_PER_S = 2.0
"""MiB a second: a Full HD recording, twice over."""
MIN_FREE_MIB = 1024
"""MiB below which a recording will end soon."""


def check(folder: Path) -> Iterator[Finding]:
    """Writes and syncs a file there, and takes it away again."""
    where = folder.absolute()
    try:
        speed = _write_speed(where)
        free = shutil.disk_usage(where).free / _MIB
    except OSError as error:
        fix = f"mkdir -p {where} and give yourself the right to write there, or take another folder"
        yield broken("recordings", f"{where}: {reason_of(error)}", fix)
        return
    text = f"{where}: writes {speed:.0f} MiB/s, {free / 1024:.1f} GiB free"
    if speed < MIN_MIB_PER_S:
        yield broken("recordings", text, "too slow to record video; take a faster disk")
    elif free < MIN_FREE_MIB:
        yield absent("recordings", text, "make room, or take another folder")
    else:
        yield ok("recordings", text)


def _write_speed(folder: Path) -> float:
    """MiB a second, down to the disk."""
    block = os.urandom(_MIB)
    handle, name = tempfile.mkstemp(prefix=".maskdet-doctor-", dir=folder)
    try:
        with os.fdopen(handle, "wb", buffering=0) as file:
            start = time.perf_counter()
            for _ in range(_WRITTEN_BLOCKS):
                file.write(block)
            os.fsync(file.fileno())
            return _WRITTEN_BLOCKS / (time.perf_counter() - start)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(name)
