"""Files for what comes out: never over an existing one, never half an image."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import shutil
import sys
from collections.abc import Iterator
from io import RawIOBase
from pathlib import Path
from typing import cast


def create_numbered(path: Path) -> tuple[Path, RawIOBase]:
    """Creates a file that did not exist: the path itself, or ``name-2``, ``name-3`` …

    Raises:
        OSError: it cannot be created.
    """
    for number in itertools.count(1):
        free = path if number == 1 else path.with_stem(f"{path.stem}-{number}")
        with contextlib.suppress(FileExistsError):
            return free, cast(RawIOBase, free.open("xb", buffering=0))
    raise AssertionError("counting never ends")


def lock(file: RawIOBase) -> bool:
    """Marks a file as ours until it is closed; False when it is another process's.

    Where there are no such locks (Windows, some network drives) an open file cannot be renamed, or
    nobody can know.
    """
    if sys.platform == "win32":
        return True
    import fcntl

    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EWOULDBLOCK, errno.EACCES)
    return True


class ReservedName:
    """The name of a file that is written later, which no other process takes meanwhile.

    A hidden file beside it is locked until then. What is not a file, such as a terminal, is free.

    Attributes:
        path: the file itself, or ``name-2``, ``name-3`` … where others have those before.
    """

    def __init__(self, path: Path) -> None:
        """Reserves it; where nobody can know of others (see `lock`), the file itself is taken."""
        self.path = path
        self._file: RawIOBase | None = None
        if sys.platform == "win32" or (path.exists() and not path.is_file()):
            return
        for number in itertools.count(1):
            self.path = path if number == 1 else path.with_stem(f"{path.stem}-{number}")
            if self._take():
                return

    def _take(self) -> bool:
        """Whether the name is ours, or nobody can know."""
        while True:
            try:
                file = cast(RawIOBase, self._hidden.open("ab", buffering=0))
            except OSError:
                return True
            if not lock(file):
                file.close()
                return False
            with contextlib.suppress(OSError):  # given up by another process in this very moment
                if os.path.samestat(os.fstat(file.fileno()), self._hidden.stat()):
                    self._file = file
                    return True
            file.close()

    @property
    def _hidden(self) -> Path:
        return self.path.with_name(f".{self.path.name}.lock")

    def release(self) -> None:
        """Gives it up; may be called twice."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._hidden.unlink()
            self._file.close()
            self._file = None


def is_reserved(hidden: Path) -> bool:
    """Whether the hidden file of a `ReservedName` is another process's; one that was left goes."""
    with contextlib.suppress(OSError), hidden.open("r+b", buffering=0) as file:
        if not lock(cast(RawIOBase, file)):
            return True
        hidden.unlink()
    return False


def write_new(path: Path, data: bytes) -> Path:
    """Writes a new file, numbered if need be, that nobody ever sees in part.

    Raises:
        OSError: it cannot be written; nothing is left of it.
    """
    path, place = create_numbered(path)
    place.close()
    draft = path.with_name(f".{path.name}.part")
    try:
        draft.write_bytes(data)
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        raise
    return path


class Folder:
    """The folder of an output, which may be deleted, or go away with its disk, at any time."""

    def __init__(self, path: Path) -> None:
        """Remembers its disk.

        Raises:
            OSError: it is not there.
        """
        self._path = path
        self._disk = path.stat().st_dev

    @property
    def free(self) -> int:
        """Bytes that are free on its disk."""
        return shutil.disk_usage(self._path).free

    def make_again(self) -> None:
        """Makes it where it was deleted; not where its disk is away, which another would fill."""
        with contextlib.suppress(OSError):
            if not self._path.exists() and self._path.parent.stat().st_dev == self._disk:
                self._path.mkdir()


class Output:
    """A file for a library to write to; it remembers its failure, which gets lost there.

    Attributes:
        size: bytes written; what was written over counts again.
    """

    def __init__(self, file: RawIOBase) -> None:
        self.size = 0
        self._file = file
        self._error: OSError | None = None
        self.seek, self.tell, self.close = file.seek, file.tell, file.close

    def write(self, data: bytes) -> int:
        """Writes all of it: a nearly full disk takes a part first."""
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[self._file.write(rest) or 0 :]
        except OSError as error:
            self._error = self._error or error
            raise
        self.size += len(data)
        return len(data)

    @contextlib.contextmanager
    def failures(self) -> Iterator[None]:
        """Raises the file's own error instead of any that follows from it."""
        try:
            yield
        except Exception:
            if self._error is not None:
                raise self._error from None
            raise
