"""Secrets by name: from the environment, or from a file that nobody else may read."""

from __future__ import annotations

import os
import re
import stat
import sys
from pathlib import Path

from maskdet.errors import ConfigError, reason_of
from maskdet.system.redaction import mask_password
from maskdet.system.text_files import decode_text, encoding_problem

_NAME = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_MIN_MASKED_LENGTH = 4
"""Shorter secrets would cover every other word."""


class Secrets:
    """Replaces ``${NAME}`` in settings, and takes secrets out of what is logged."""

    def __init__(self, file: Path | None = None) -> None:
        """Reads the file.

        Args:
            file: lines of ``NAME=value``; None: the environment alone.

        Raises:
            ConfigError: it cannot be read, others can read it, or a line is no such line.
        """
        self._values = {} if file is None else _read(file)
        self._file = file
        self._used: set[str] = set()

    def fill(self, text: str, what: str) -> str:
        """A text with each ``${NAME}`` replaced.

        Args:
            text: as in the settings.
            what: the setting, for the message.

        Raises:
            ConfigError: there is no secret of that name.
        """

        def value(match: re.Match[str]) -> str:
            name = match[1]
            found = self._values.get(name, os.environ.get(name))
            if found is None:
                where = f"{self._file} and the environment" if self._file else "the environment"
                way_out = "set it there"
                if self._file is None:
                    way_out += ", or in the file that secrets names"
                raise ConfigError(f"{what}: ${{{name}}} is not in {where}; {way_out}")
            self._used.add(found)
            return found

        return _NAME.sub(value, text)

    def mask(self, text: str) -> str:
        """A text without passwords of addresses and without the secrets that were filled in."""
        for secret in sorted(self._used, key=len, reverse=True):
            if len(secret) >= _MIN_MASKED_LENGTH:
                text = text.replace(secret, "***")
        return mask_password(text)


def is_reference(text: str) -> bool:
    """Whether a text is ``${NAME}`` and nothing else."""
    return _NAME.fullmatch(text) is not None


def _read(file: Path) -> dict[str, str]:
    try:
        with file.open("rb") as opened:
            mode = stat.S_IMODE(os.fstat(opened.fileno()).st_mode)
            if sys.platform != "win32" and mode & 0o077:
                raise ConfigError(f"{file} can be read by others (rights {mode:04o}): chmod 600 it")
            raw = opened.read()
        lines = decode_text(raw).splitlines()
    except UnicodeDecodeError as error:
        at, problem = encoding_problem(raw, error)
        raise ConfigError(f"{file}:{at}: {problem}") from None
    except OSError as error:
        raise ConfigError(f"{file} cannot be read: {reason_of(error)}") from None
    values = {}
    for number, line in enumerate(lines, 1):
        name, equals, value = line.partition("=")
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not equals or not _NAME.fullmatch(f"${{{name.strip()}}}"):
            raise ConfigError(f"{file}:{number}: expected NAME=value")
        values[name.strip()] = value.strip()
    return values
