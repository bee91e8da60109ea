"""Files that are whole or not there, and files that are what they claim to be."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, Literal

from maskdet.errors import ModelError, SinkError, reason_of
from maskdet.system.console import print_data, say
from maskdet.system.folders import make_folder

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL
STANDARD_OUTPUT = Path("-")
"""What a person writes instead of a file's name to have it on standard output."""


Content = str | bytes | Iterable[str]
"""What a file is to hold; parts of a text are written as they come, so none has to fit memory."""


def write_whole(
    path: str | Path, content: Content, *, mode: int | None = None, sync: bool = True
) -> None:
    """Writes a file so that a reader, or a crash, meets the old content or all of the new one.

    A link stays one: the file that it leads to is replaced. What is not a file, such as
    ``/dev/null``, is written to.

    Args:
        path: of the file.
        content: text is written in UTF-8, bytes in it that are none as JSON escapes them.
        mode: its rights; None: owner and rights of the older file stay, a new one has the usual.
        sync: wait until the disk holds it, so that a power cut leaves a whole file, too; a busy
            disk takes seconds for that.

    Raises:
        OSError: it cannot be written; nothing is left behind.
    """
    path = Path(path)
    if _is_device(path):
        with _open_device(path) as device:
            device.writelines(_encoded(content))
        return
    path = Path(os.path.realpath(path))
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with _create_like(temporary, path, mode) as file:
            file.writelines(_encoded(content))
            file.flush()
            if sync:
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _encoded(content: Content) -> Iterator[bytes]:
    for part in [content] if isinstance(content, str | bytes) else content:
        yield part if isinstance(part, bytes) else part.encode(errors="backslashreplace")


def _is_device(path: Path) -> bool:
    """Whether something is there that is neither a file nor a folder: a pipe, a terminal …"""
    return path.exists() and not (path.is_file() or path.is_dir())


def _open_device(path: Path) -> BinaryIO:
    """Opens it; a pipe that nobody reads yet is named, and waited for."""
    if path.is_fifo():
        try:
            number = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            say(f"{path}: waiting until somebody reads this pipe")
        else:
            os.set_blocking(number, True)
            return os.fdopen(number, "wb")
    return path.open("wb")


def _create_like(temporary: Path, path: Path, mode: int | None) -> BinaryIO:
    """Opens a new file with the rights that it is to have; at no time may others read it."""
    if sys.platform == "win32":
        return open(temporary, "wb")
    old = path.stat() if mode is None and path.is_file() else None
    rights = mode if old is None else stat.S_IMODE(old.st_mode)
    temporary.unlink(missing_ok=True)  # what a killed process of this number has left
    file = os.fdopen(os.open(temporary, _CREATE, 0o666 if rights is None else 0o600), "wb")
    if old is not None:
        with contextlib.suppress(OSError):  # only root may give a file away
            os.fchown(file.fileno(), old.st_uid, old.st_gid)
    if rights is not None:
        os.fchmod(file.fileno(), rights)
    return file


def write_output(
    path: str | Path,
    content: Content,
    *,
    folder: Literal["create", "announce", "require"] = "create",
    sync: bool = True,
) -> None:
    """Writes an output whole or not at all, in the place of an older one.

    Args:
        path: of the file.
        content: as for `write_whole`.
        folder: the folder above it is created, created with a message, or has to be there.
        sync: as for `write_whole`.

    Raises:
        SinkError: it cannot be written; one line with the reason and what to check.
    """
    path = Path(path)
    try:
        if folder != "require":
            make_folder(path.parent, quiet=folder == "create")
        write_whole(path, content, sync=sync)
    except OSError as error:
        raise cannot_write(path, error) from None


def write_or_print(
    path: str | Path,
    content: Content,
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


def check_writable(path: str | Path, *, folder: Literal["create", "require"] = "require") -> None:
    """Checks, before long work, that its result can be written, by what a file beside it needs.

    Args:
        path: of the file; ``-``, standard output, is left alone.
        folder: the folder above it is created, or has to be there.

    Raises:
        SinkError: it is a folder, or its folder may not be written to.
    """
    path = Path(path)
    if path == STANDARD_OUTPUT or (_is_device(path) and os.access(path, os.W_OK)):
        return
    try:
        if folder == "create":
            make_folder(path.parent, quiet=True)
        if path.is_dir():
            raise OSError(errno.EISDIR, os.strerror(errno.EISDIR))
        if path.parent.is_dir() and not os.access(path.parent, os.W_OK):
            raise OSError(errno.EACCES, f"{path.parent} is read-only")
        with TemporaryFile(dir=path.parent):  # a system of files may refuse what its rights allow
            pass
    except OSError as error:
        raise cannot_write(path, error) from None


def cannot_write(path: Path, error: OSError) -> SinkError:
    """The error of an output that cannot be written."""
    if error.errno == errno.EISDIR:
        return SinkError(f"cannot write {path}: it is a folder; name a file in it")
    reason = reason_of(error)
    return SinkError(f"cannot write {path}: {reason}; check folder, rights and disk space")


def sha256_of(path: str | Path) -> str:
    """The SHA-256 of a file's content, as 64 hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify_sha256(path: str | Path, expected: str) -> None:
    """Makes sure that a model's file is the one its card names.

    Raises:
        ModelError: it is missing, unreadable, or another file.
    """
    try:
        found = sha256_of(path)
    except OSError as error:
        reason = reason_of(error)
        raise ModelError(f"model file {path} cannot be read: {reason}") from None
    if found != expected.lower():
        raise ModelError(
            f"model file {path} is not the one its card names (sha256 {found[:12]}…, expected "
            f"{expected[:12]}…): it is damaged or was changed; get it again"
        )
