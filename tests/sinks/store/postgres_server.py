"""A real PostgreSQL server on loopback, that can be killed and started again."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from tests.helpers.ports import free_port

psycopg = pytest.importorskip("psycopg", reason="the extra postgres is not installed")

START_TIMEOUT_S = 60.0


def _programs() -> Path:
    """The folder of the server's programs: Debian keeps them off the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    program = shutil.which("initdb") or (str(found[-1]) if found else None)
    if program is None:
        pytest.skip("no PostgreSQL server (package: .ci/run)")
    return Path(program).parent


class PostgresServer:
    """A server with one empty database.

    Attributes:
        address: of the database.
    """

    def __init__(self) -> None:
        self._programs = _programs()
        self._folder = Path(tempfile.mkdtemp(prefix="maskdet-pg-"))
        self._port = free_port()
        self.address = f"postgresql://tester@127.0.0.1:{self._port}/postgres"
        self._as_other: list[str] = []
        if os.geteuid() == 0:  # it refuses to run as root
            shutil.chown(self._folder, "postgres", "postgres")
            self._as_other = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        options = ["-U", "tester", "-A", "trust", "--no-sync", "-E", "UTF8", "--locale=C"]
        self._run("initdb", "-D", str(self._folder / "data"), *options)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> PostgresServer:
        options = ["-p", str(self._port), "-k", str(self._folder), "-h", "127.0.0.1"]
        self._process = subprocess.Popen(
            [*self._command("postgres"), "-D", str(self._folder / "data"), *options],
            cwd=self._folder,
            stderr=subprocess.DEVNULL,
        )
        until = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                psycopg.connect(self.address, connect_timeout=2).close()
                return self
            except psycopg.OperationalError:
                assert self._process.poll() is None and time.monotonic() < until
                time.sleep(0.05)

    def kill(self) -> None:
        """As `kill -9` does; what it has confirmed is on the disk."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None
            time.sleep(0.3)  # its own children notice that

    def remove(self) -> None:
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _command(self, program: str) -> list[str]:
        return [*self._as_other, str(self._programs / program)]

    def _run(self, program: str, *words: str) -> None:
        done = subprocess.run(
            [*self._command(program), *words], cwd=self._folder, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr
