"""Compression of log files that were put aside, in a thread of its own."""

from __future__ import annotations

import gzip
import logging
import os
import shutil
from pathlib import Path

from maskdet.errors import reason_of
from maskdet.system.threads import Lock, Worker

log = logging.getLogger(__name__)

SUFFIX = ".gz"
"""What the name of a compressed file ends with."""
_CLOSE_TIMEOUT_S = 2.0


class Compressor:
    """Replaces files by compressed ones, which are whole or not there.

    A file that a kill interrupts stays as it was, and is compressed by the next run.
    """

    def __init__(self) -> None:
        """Has nothing to do yet."""
        self._lock = Lock()
        self._waiting: list[Path] = []
        self._worker: Worker | None = None
        self._is_closed = False

    def add(self, path: Path) -> None:
        """Compresses a file soon, as ``NAME.gz``."""
        with self._lock:
            self._waiting.append(path)
            if self._worker is None and not self._is_closed:
                self._worker = Worker("compressing a log", self._run, is_daemon=True, is_alone=True)
                self._worker.start()

    def close(self) -> None:
        """Waits a moment for what is being compressed; may be called twice."""
        with self._lock:
            self._is_closed, worker = True, self._worker
        if worker is not None:
            worker.join(_CLOSE_TIMEOUT_S)

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting or self._is_closed:
                    self._worker = None
                    return
                path = self._waiting.pop(0)
            try:
                compress(path)
            except OSError as error:
                log.warning("%s stays uncompressed: %s", path, reason_of(error))


def compress(path: Path) -> None:
    """Replaces a file by a compressed one beside it; one that is deleted meanwhile is gone.

    Raises:
        OSError: it cannot be read, or there is no room; the file is still there.
    """
    target = path.with_name(path.name + SUFFIX)
    temporary = path.with_name(f".{target.name}")
    try:
        with path.open("rb") as file, temporary.open("wb") as written:
            with gzip.GzipFile(path.name, "wb", fileobj=written) as packed:
                shutil.copyfileobj(file, packed, 1 << 20)
            written.flush()
            os.fsync(written.fileno())
        shutil.copystat(path, temporary)
        os.replace(temporary, target)
        path.unlink()
    except FileNotFoundError:  # deleted meanwhile, as the oldest of those that are kept
        target.unlink(missing_ok=True)
    finally:
        temporary.unlink(missing_ok=True)
