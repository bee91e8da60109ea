"""The audit log: a line of JSON for whatever somebody has seen, exported or changed."""

from __future__ import annotations

import errno
import json
import os
from datetime import UTC, datetime
from pathlib import Path

from maskdet.errors import ConfigError, reason_of
from maskdet.system.console import say
from maskdet.system.threads import Lock

_RIGHTS = 0o600
_MAX_CHARACTERS = 300
"""Of a value: what anybody may send does not fill the disk with one line."""


class AuditLog:
    """A file that lines are only ever added to; moved aside, it is begun again."""

    def __init__(self, path: Path | None) -> None:
        """Makes sure that the file can be written.

        Args:
            path: of the file; None: nothing is logged.

        Raises:
            ConfigError: it cannot be written.
        """
        self._path = path
        self._lock = Lock()
        self._is_failing = False
        if path is not None:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._append(b"")
            except OSError as error:
                raise ConfigError(
                    f"the audit log {path} cannot be written: {reason_of(error)}; check its path "
                    "and rights"
                ) from None

    def write(self, action: str, user: str, address: str, **details: str | float) -> bool:
        """Adds a line.

        Args:
            action: what was done: ``login``, ``watch``, ``export`` …
            user: who did it; empty where nobody has to log in.
            address: of the user's machine.
            details: what it was done to.

        Returns:
            Whether it is written; a line at the terminal says why not.
        """
        if self._path is None:
            return True
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"utc": now, "action": action, "user": user, "address": address, **details}
        shown = {k: v[:_MAX_CHARACTERS] if isinstance(v, str) else v for k, v in line.items()}
        text = json.dumps(shown, ensure_ascii=True)
        try:
            with self._lock:
                self._append(text.encode() + b"\n")
        except OSError as error:
            if not self._is_failing:
                say(f"audit log {self._path}: cannot be written: {reason_of(error)}", "error")
            self._is_failing = True
            return False
        self._is_failing = False
        return True

    def _append(self, data: bytes) -> None:
        assert self._path is not None
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
        file = os.open(self._path, flags, _RIGHTS)
        try:
            written = os.write(file, data) if data else 0
            if written < len(data):
                os.ftruncate(file, os.fstat(file).st_size - written)  # half a line spoils the next
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        finally:
            os.close(file)
