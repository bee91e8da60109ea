"""Files that are whole or not there, and files that are what they claim to be."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from maskdet.errors import ModelError


def write_whole(path: str | Path, content: str | bytes) -> None:
    """Writes a file so that a reader, or a crash, meets the old content or all of the new one.

    Args:
        path: of the file.
        content: text is written in UTF-8, bytes in it that are none as JSON escapes them.

    Raises:
        OSError: it cannot be written; nothing is left behind.
    """
    path = Path(path)
    data = content.encode(errors="backslashreplace") if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def sha256_of(path: str | Path) -> str:
    """The SHA-256 of a file's content, as 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify_sha256(path: str | Path, expected: str) -> None:
    """Makes sure that a model's file is the one its card speaks of.

    Raises:
        ModelError: it is missing, unreadable, or another file.
    """
    try:
        found = sha256_of(path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ModelError(f"model file {path} cannot be read: {reason}") from None
    if found != expected.lower():
        raise ModelError(
            f"model file {path} is not the one its card names (sha256 {found[:12]}…, expected "
            f"{expected[:12]}…): it is damaged or was changed; get it again"
        )
