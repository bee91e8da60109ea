"""A damaged store is set aside under another name."""

from __future__ import annotations

import contextlib
import logging
import os
from datetime import datetime
from pathlib import Path

from maskdet.errors import SinkError

log = logging.getLogger(__name__)

_STORE_SUFFIXES = ("", ".db", ".sqlite", ".sqlite3")
"""Names under which a file that is not a database is taken for a damaged store, and set aside."""


def set_aside(path: Path, reason: Exception) -> None:
    """Renames a damaged store, with the files that belong to it, so that a new one is begun.

    Raises:
        SinkError: it is found damaged at its opening, and by its name may be another file.
        OSError: it cannot be renamed.
    """
    if isinstance(reason, SinkError) and path.suffix.lower() not in _STORE_SUFFIXES:
        raise SinkError(f"{reason}; choose another file, such as people.db") from None
    now = f"{datetime.now():%Y%m%d-%H%M%S}"
    aside = path.with_stem(f"{path.stem}-damaged-{now}")
    for suffix in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            os.replace(f"{path}{suffix}", f"{aside}{suffix}")
    found = reason if isinstance(reason, SinkError) else f"{path} is damaged: {reason}"
    log.warning("%s; it is now %s, and a new store is begun", found, aside)
