"""The file of an event log: opened by one monitor alone, repaired, and never over another's."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import stat
from io import RawIOBase
from pathlib import Path
from typing import cast

from maskdet.sinks.event_line import BEGINNING
from maskdet.sinks.output_files import create_numbered, lock
from maskdet.sinks.output_pipes import open_named_pipe
from maskdet.system.console import say

log = logging.getLogger(__name__)

_TAIL_BYTES = 1 << 20
"""How far from the end the beginning of a torn line is looked for; ours are far shorter."""


def open_log(path: Path, *, append: bool) -> tuple[Path, RawIOBase]:
    """Opens a log for more lines; where it cannot be used, a new file beside it, which is named.

    Args:
        path: a file, there or not, or a named pipe.
        append: goes on with a file that holds lines, and repairs a last one that a kill has left
            unfinished.

    Returns:
        What was opened, and its file, which no other monitor takes until it is closed.

    Raises:
        OSError: it cannot be opened.
    """
    if path.is_fifo():
        return path, open_named_pipe(path)
    if not append and _has_lines(path):
        reason, hint = "is there already", " (events.append=true goes on with it)"
    else:
        while file := _owned(path):
            if not _is_ready(path, file, append=append):
                file.close()  # put aside, or begun by another monitor, in this very moment
                continue
            return path, file
        reason, hint = "is being written by another monitor", ""
    free, file = _new_file(path)
    say(f"{path} {reason}; events go to {free}{hint}")
    return free, file


def _has_lines(path: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):
        found = path.stat()
        return stat.S_ISREG(found.st_mode) and found.st_size > 0
    return False


def _owned(path: Path) -> RawIOBase | None:
    """The file, opened; None where another monitor writes it."""
    file = cast(RawIOBase, path.open("ab", buffering=0))
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode) or lock(file):
        return file
    file.close()
    return None


def _is_ready(path: Path, file: RawIOBase, *, append: bool) -> bool:
    """Whether lines may be added: the file is still the one of this name, and whole."""
    opened = os.fstat(file.fileno())
    if not stat.S_ISREG(opened.st_mode):
        return True
    try:
        if not os.path.samestat(opened, path.stat()):
            return False
        if append:
            _repair(path, file)
    except FileNotFoundError:
        return False
    except OSError:
        file.close()
        raise
    return True


def _new_file(path: Path) -> tuple[Path, RawIOBase]:
    """A file that did not exist, locked before another monitor could take it for an unused one."""
    while True:
        free, made = create_numbered(path)
        made.close()
        file = _owned(free)
        if file is not None and not os.fstat(file.fileno()).st_size:
            return free, file
        if file is not None:
            file.close()


def _repair(path: Path, file: RawIOBase) -> None:
    """A torn line of ours goes; any other last line is ended."""
    with path.open("rb") as old:
        size = old.seek(0, os.SEEK_END)
        start = max(0, size - _TAIL_BYTES)
        old.seek(start)
        last = old.read()[: size - start].rpartition(b"\n")[2]
    if not last:
        return
    try:
        json.loads(last)
    except ValueError:
        if BEGINNING.startswith(last) or last.startswith(BEGINNING):
            log.warning("%s: its last line, which was cut off, was taken out", path)
            file.truncate(size - len(last))
            return
    file.write(b"\n")
