"""A process of our own, where cameras and their drivers may hang: killing it always works.

It is asked by JSON lines on its stdin. Each message on its stdout is `LENGTH` with the length of a
JSON text, then the text; other bytes may follow it, as the two sides agree.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import struct
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, BinaryIO

from maskdet.system.threads import Lock

LENGTH = struct.Struct("<I")
"""The length of a message's JSON text, which follows."""
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

    @property
    def was_killed(self) -> bool:
        """Whether `kill` was called: its end is not a fault of its own."""
        return self._killed

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

    def read_message(self) -> dict[str, Any] | None:
        """The next message; None when the child ended or was killed before."""
        length = bytearray(LENGTH.size)
        if not self.read_into(memoryview(length)):
            return None
        text = bytearray(LENGTH.unpack(length)[0])
        if not self.read_into(memoryview(text)):
            return None
        message: dict[str, Any] = json.loads(text)
        return message

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
        is_first, self._killed = not self._killed, True  # before others see its end
        timeout = _END_TIMEOUT_S if is_first else 0.0
        if sys.platform != "win32" and is_first:
            with contextlib.suppress(OSError):
                os.killpg(self._process.pid, signal.SIGKILL)
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


def take_output() -> BinaryIO:
    """In the child: the pipe to the parent, to which nothing else writes from now on.

    Ctrl-C is the parent's, which then kills the child.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # drivers that print
    return output


def send_message(output: BinaryIO, message: Mapping[str, object]) -> None:
    """In the child: sends a message."""
    text = json.dumps(message).encode()
    send(output, LENGTH.pack(len(text)) + text)


def send(output: BinaryIO, data: bytes | memoryview) -> None:
    """In the child: sends all of it."""
    rest = memoryview(data)
    while rest:
        rest = rest[output.write(rest) :]
