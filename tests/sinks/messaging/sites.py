"""Several sites, a server and a collector, each a process that can be killed at any moment."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from maskdet.sinks.store.opening import open_store, store_at
from tests.sinks.messaging.nats_server import NatsServer
from tests.sinks.messaging.site import expected

ROOT = Path(__file__).resolve().parents[3]
TABLES = ("runs", "cameras", "visits", "changes", "crossings", "stays", "minutes")


@dataclass
class Sites:
    """The processes.

    Attributes:
        folder: for their files.
        sites: number of sites.
        visits: that the script of each has.
        pace: seconds between two transactions of a site.
        kills: so far, by kind of process.
        host: address of the server.
        prefix: words before the command of the first site.
        database: address of the collecting store; empty: it is a file.
    """

    folder: Path
    sites: int
    visits: int
    pace: float
    kills: Counter[str] = field(default_factory=Counter)
    host: str = "127.0.0.1"
    prefix: tuple[str, ...] = ()
    database: str = ""

    def __post_init__(self) -> None:
        self.server = NatsServer(self.folder, host=self.host)
        self._sites: dict[int, subprocess.Popen[bytes]] = {}
        self._collector: subprocess.Popen[bytes] | None = None
        self.store = self.folder / "all.db"
        self.log = self.folder / "processes.log"

    def start(self) -> None:
        self.server.start()
        self._start_collector()
        for number in range(self.sites):
            self._start_site(number)

    def kill_one(self, chance: random.Random) -> None:
        """Kills a process, the kinds in turn, and starts it again a moment later."""
        kind = ("site", "collector", "server")[sum(self.kills.values()) % 3]
        pause = chance.random() * 0.3
        if kind == "site":
            number = chance.randrange(self.sites)
            _kill(self._sites[number])
            time.sleep(pause)
            self._start_site(number)
        elif kind == "collector":
            _kill(self._collector)
            time.sleep(pause)
            self._start_collector()
        else:
            self.server.kill()
            time.sleep(pause)
            self.server.start()
        self.kills[kind] += 1

    def is_sending(self) -> bool:
        """Whether a site is not done with its script."""
        return any(process.poll() is None for process in self._sites.values())

    def finish(self, timeout_s: float) -> None:
        """Waits until every site has sent everything, and everything is collected."""
        until = time.monotonic() + timeout_s
        for process in self._sites.values():
            assert process.wait(until - time.monotonic()) == 0, self.log.read_text()
        assert self._collector is not None
        self._collector.terminate()
        assert self._collector.wait(30) == 0, self.log.read_text()
        command = [*self._command(), "--until-empty"]
        subprocess.run(command, check=True, cwd=ROOT, timeout=60, stdout=subprocess.DEVNULL)

    def stop(self) -> None:
        for process in (*self._sites.values(), self._collector):
            _kill(process)
        self.server.kill()

    def differences(self) -> dict[str, tuple[int, int]]:
        """For each table that differs from the script: rows that are missing, and too many."""
        wanted: dict[str, set[tuple[object, ...]]] = {table: set() for table in TABLES}
        for number in range(self.sites):
            for table, rows in expected(number, self.visits).items():
                wanted[table] |= rows
        found = {}
        with open_store(store_at(self.database or str(self.store))) as connection:
            for table in TABLES:
                rows = connection.execute(f"SELECT * FROM {table}").fetchall()
                missing, extra = wanted[table] - set(rows), set(rows) - wanted[table]
                if missing or extra or len(rows) != len(wanted[table]):
                    found[table] = len(missing), len(extra)
        return found

    def rows(self) -> int:
        """Rows that the script has, all tables together."""
        return sum(
            len(rows)
            for number in range(self.sites)
            for rows in expected(number, self.visits).values()
        )

    def _start_site(self, number: int) -> None:
        store = self.folder / f"site-{number}.db"
        values = (str(store), self.server.address, str(number), str(self.visits), str(self.pace))
        prefix = self.prefix if number == 0 else ()
        self._sites[number] = self._spawn(
            [*prefix, sys.executable, "-m", "tests.sinks.messaging.site", *values]
        )

    def _start_collector(self) -> None:
        self._collector = self._spawn(self._command())

    def _command(self) -> list[str]:
        options = [self.database or str(self.store), "--server", self.server.address]
        return [sys.executable, "-m", "maskdet", "collect-events", *options, "--keep-days", "0"]

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)


def _kill(process: subprocess.Popen[bytes] | None) -> None:
    if process is not None:
        process.kill()
        process.wait()
