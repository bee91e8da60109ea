"""A process of our own, where cameras and their drivers may hang: killing it always works."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from maskdet.system.threads import Lock

_ROOT = str(Path(__file__).resolve().parents[2])
_END_TIMEOUT_S = 0.4
"""Seconds for what takes milliseconds where nothing hangs; quitting takes less than one."""
_POLL_MS = 100  # from one check to the next of whether a silent child was killed
_PIPE_BYTES = 1 << 20  # what Linux allows everyone: a VGA image in one go


class ChildProcess:
    """A Python function in a process of its own that sends bytes; killing it always works.

    Cameras and streams are read there: a driver or a server that hangs, a decoder that crashes,
    leaks or writes to stderr then does so out of our process, and FFmpeg's settings, which belong
    to a whole process, can differ from stream to stream.
    """

    def __init__(
        self,
        module: str,
        function: str,
        stderr: IO[bytes] | None = None,
        folder: Path | None = None,
    ) -> None:
        """Starts it.

        Args:
            module: imported in the child.
            function: called there without arguments; reads what it is asked from stdin and
                writes to stdout.
            stderr: a file for what it writes to stderr; None: that is lost.
            folder: its current folder; None: ours.

        Raises:
            OSError: it cannot be started.
        """
        code = f"import sys; sys.path.insert(0, {_ROOT!r}); import {module} as m; m.{function}()"
        self._process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr or subprocess.DEVNULL,
            cwd=folder,
            bufsize=0,
            pipesize=_PIPE_BYTES if sys.platform == "linux" else -1,
            process_group=None if sys.platform == "win32" else 0,
        )
        self._reading = Lock()
        self._killed = False

    @property
    def pid(self) -> int:
        """Number of the process."""
        return self._process.pid

    def send_request(self, request: Mapping[str, object]) -> None:
        """Sends it one JSON line. (Not arguments: those can be read by every user.)"""
        self.send(json.dumps(request).encode() + b"\n")

    def send(self, data: bytes) -> None:
        """Writes to its stdin; nothing happens where it has ended: `read_into` reports that."""
        stream, rest = self._process.stdin, memoryview(data)
        assert stream is not None
        with self._reading, contextlib.suppress(OSError, ValueError):  # it ended, or was killed
            while rest:
                rest = rest[stream.write(rest) :]

    def end_input(self) -> None:
        """Closes its stdin: one that waits for that ends in its own way."""
        assert self._process.stdin is not None
        with self._reading, contextlib.suppress(OSError):
            self._process.stdin.close()

    def read_into(self, buffer: memoryview) -> bool:
        """Fills the buffer (of bytes); False when the child ended or was killed before."""
        stream = self._process.stdout
        assert stream is not None
        with self._reading:
            while buffer and not stream.closed:
                if not self._has_more():
                    return False
                count = stream.readinto(buffer)  # type: ignore[attr-defined]  # unbuffered
                if not count:
                    return False
                buffer = buffer[count:]
            return not buffer

    def _has_more(self) -> bool:
        """Waits until there is something to read, or the end; False once it was killed.

        A process that the child started may hold the pipe open: then its end never comes.
        """
        if sys.platform == "win32":  # nothing to wait with there
            return True
        poll = select.poll()
        assert self._process.stdout is not None
        poll.register(self._process.stdout, select.POLLIN)
        while not self._killed:
            if poll.poll(_POLL_MS):
                return True
        return False

    def kill(self) -> int | None:
        """Ends it at once, what it has started, and a `read_into` under way; its exit status.

        From any thread, and more than once. None: the system has not let it go yet (a driver
        that cannot be interrupted); nothing of ours waits for it.
        """
        timeout = 0.0 if self._killed else _END_TIMEOUT_S
        if sys.platform != "win32" and not self._killed:
            with contextlib.suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)
        self._killed = True
        self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout)
        if self._reading.acquire(timeout=timeout):
            for pipe in (self._process.stdin, self._process.stdout):
                assert pipe is not None
                pipe.close()
            self._reading.release()
        return self._process.returncode

    def poll(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._process.poll()

    def wait(self) -> int:
        """Its exit status, once it has ended without being killed (its pipe is closed)."""
        try:
            return self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return self.kill() or 0
