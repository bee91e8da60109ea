"""Files that are whole or not there, and files that are what they claim to be."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path
from typing import Literal

from maskdet.errors import ModelError, SinkError
from maskdet.system.console import print_data
from maskdet.system.folders import make_folder

STANDARD_OUTPUT = Path("-")
"""What a person writes in place of a file's name to have it on standard output."""


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


def write_output(
    path: str | Path,
    content: str | bytes,
    *,
    folder: Literal["create", "announce", "require"] = "create",
) -> None:
    """Writes an output whole or not at all, in the place of an older one.

    Args:
        path: of the file.
        content: as for `write_whole`.
        folder: the folder above it is created, created with a message, or has to be there.

    Raises:
        SinkError: it cannot be written; one line with the reason and what to check.
    """
    path = Path(path)
    try:
        if folder != "require":
            make_folder(path.parent, quiet=folder == "create")
        write_whole(path, content)
    except OSError as error:
        raise cannot_write(path, error) from None


def write_or_print(
    path: str | Path,
    content: str | bytes,
    *,
    folder: Literal["create", "announce", "require"] = "create",
) -> None:
    """Writes an output as `write_output` does; ``-`` is standard output.

    Raises:
        SinkError: as `write_output`.
        OSError: standard output cannot be written.
    """
    if Path(path) == STANDARD_OUTPUT:
        print_data(content)
    else:
        write_output(path, content, folder=folder)


def check_writable(path: str | Path) -> None:
    """Checks, before long work, that its result can be written; its folder is there.

    Raises:
        SinkError: it is a folder, or its folder may not be written to.
    """
    path = Path(path)
    if path.is_dir():
        raise cannot_write(path, OSError(errno.EISDIR, os.strerror(errno.EISDIR)))
    if not os.access(path.parent, os.W_OK):
        raise cannot_write(path, OSError(errno.EACCES, f"{path.parent} is read-only"))


def cannot_write(path: Path, error: OSError) -> SinkError:
    """The error of an output that cannot be written."""
    reason = error.strerror or type(error).__name__
    return SinkError(f"cannot write {path}: {reason}; check folder, rights and disk space")


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
