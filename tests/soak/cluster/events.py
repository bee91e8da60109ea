"""A cluster's events on their way to one store, and whether each has arrived once.

Two comparisons, both over every event of the run:

1. The collecting store with the machines' own stores: every row, in its last version. Kills may
   cost nothing here, as what is in a machine's store waits there until the server has confirmed it.
2. The collecting store with the machines' event files, which are written by other code, line by
   line at each frame. The store is written by a thread of its own, so `kill -9` of a monitor costs
   what happened a moment before: those events are in the file alone. No other event may be missing,
   and none may be there that no file has.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from maskdet.sinks.messaging.server import Server
from maskdet.sinks.messaging.uplink import Uplink
from maskdet.sinks.store.outbox import OutboxReader
from maskdet.sinks.store.rows import KINDS as TABLES
from maskdet.sinks.store.schema import open_for_reading
from tests.sinks.messaging.nats_server import NatsServer
from tests.soak.cluster.gaps import Kill
from tests.soak.cluster.loopback import ROOT, LoopbackCluster

SITE = "soak"
EVENTS_FILE, STORE_FILE = "events.jsonl", "people.db"
PLACES = {
    "lines": [{"name": "door", "points": [[0.5, 0], [0.5, 1]]}],
    "zones": [{"name": "left", "points": [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]}],
}
"""Through which people go, so that every kind of event happens."""
MAX_LOSS_S = 0.5
"""Seconds before a kill of which an event may be missing: until its write, on a busy machine."""
_SAME_MARK_S = 0.002
"""Times are rounded to milliseconds in a file."""
_SAME_TIME_S = 1.0
"""What a row's beginning and duration may differ from the time of the event that ended it."""
_SERVER_PAUSE_S = 3.0
_SENT_TIMEOUT_S = 30.0

Key = tuple[str, ...]


@dataclass(frozen=True)
class Happened:
    """An event of a person.

    Attributes:
        key: its kind, camera, person and place.
        mark: distinguishes it from others with that key: its time, or the duration of what ended.
        time: Unix time at which it happened, to within a second: a person of the next run may have
            the same number, and be there for as long.
        at: Unix time of the frame at which it was written.
        machine: that wrote it; empty: it is of the collecting store.
    """

    key: Key
    mark: float
    time: float
    at: float = 0.0
    machine: str = ""


class EventChain:
    """A NATS server and a collector, each a process that can be killed."""

    def __init__(self, folder: Path, host: str = "127.0.0.1") -> None:
        self.server = NatsServer(folder, host=host)
        self.store = folder / "all.db"
        self._log = folder / "collector.log"
        self._collector: subprocess.Popen[bytes] | None = None

    @property
    def monitor(self) -> dict[str, Any]:
        """Settings of each machine's monitor."""
        nats = {"server": self.server.address, "site_name": SITE}
        return {"store": STORE_FILE, "nats": nats, **PLACES}

    def start(self) -> None:
        self.server.start()
        self._collector = self._start_collector()

    def kill(self, kind: str) -> None:
        """Kills the server, for some seconds, or the collector."""
        if kind == "nats":
            self.server.kill()
            time.sleep(_SERVER_PAUSE_S)
            self.server.start()
        else:
            self._kill_collector()
            self._collector = self._start_collector()

    def finish(self, stores: Sequence[Path]) -> int:
        """Collects what is left; how many rows waited in the machines' stores.

        Those are sent as the next run of a monitor would send them.
        """
        waiting = 0
        for store in stores:
            rows = len(OutboxReader(store).waiting(1_000_000))
            if rows:
                self._send(store)
            waiting += rows
        assert self._collector is not None
        self._collector.terminate()
        assert self._collector.wait(30) == 0, self._log.read_text()
        with self._log.open("ab") as log:
            command = [*self._command(), "--until-empty"]
            subprocess.run(command, check=True, cwd=ROOT, stderr=log, timeout=120)
        return waiting

    def close(self) -> None:
        self._kill_collector()
        self.server.kill()

    def _send(self, store: Path) -> None:
        uplink = Uplink(Server((self.server.address,)), store, SITE)
        uplink.watch([])
        deadline = time.monotonic() + _SENT_TIMEOUT_S
        while OutboxReader(store).waiting(1):
            assert time.monotonic() < deadline, f"{store} is not sent"
            time.sleep(0.1)
        uplink.close()

    def _start_collector(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(self._command(), cwd=ROOT, stdout=log, stderr=log)

    def _kill_collector(self) -> None:
        if self._collector is not None:
            self._collector.kill()
            self._collector.wait()

    def _command(self) -> list[str]:
        options = [str(self.store), "--server", self.server.address, "--keep-days", "0"]
        return [sys.executable, "-m", "maskdet", "collect-events", *options]


def count_events(
    cluster: LoopbackCluster, chain: EventChain, kills: Sequence[Kill]
) -> dict[str, Any]:
    """Both comparisons; see the module."""
    folders = {folder.name: folder for folder in cluster.folder.glob("maskdet-cluster/*")}
    stores = [folder / STORE_FILE for folder in folders.values()]
    waiting = chain.finish(stores)
    with closing(open_for_reading(chain.store)) as connection:
        rows = {table: _rows(connection, table) for table in TABLES}
        collected = list(_collected(connection))
    own: dict[str, set[tuple[object, ...]]] = {table: set() for table in TABLES}
    for store in stores:
        with closing(open_for_reading(store)) as connection:
            for table, found in own.items():
                found |= _rows(connection, table, site=SITE)
    logged = [one for name, folder in folders.items() for one in _logged(name, folder)]
    missing, unlogged = unmatched(logged, collected)
    lost = explained(missing, kills)
    return {
        "rows": {table: len(found) for table, found in rows.items()},
        "waiting_at_the_end": waiting,
        "rows_missing": {t: len(own[t] - rows[t]) for t in TABLES if own[t] - rows[t]},
        "rows_too_many": {t: len(rows[t] - own[t]) for t in TABLES if rows[t] - own[t]},
        "events": dict(Counter(one.key[0] for one in logged)),
        "events_of_the_last_moment": lost["in_time"],
        "latest_loss_s": lost["latest_s"],
        "events_missing": lost["others"],
        "events_too_many": [str(one) for one in unlogged if one.key[0] != "left"],
    }


def broken_events(found: Mapping[str, Any]) -> list[str]:
    """The promises that `count_events` found broken."""
    names = ("rows_missing", "rows_too_many", "events_missing", "events_too_many")
    failures = [f"{name.replace('_', ' ')}: {found[name]}" for name in names if found[name]]
    kinds = {"appeared", "gone", "crossed", "entered", "left"}
    if not kinds <= found["events"].keys():
        failures.append(f"not every kind of event happened: {found['events']}")
    return failures


def unmatched(
    logged: Sequence[Happened], collected: Sequence[Happened]
) -> tuple[list[Happened], list[Happened]]:
    """Events of the files that the store has not, and those of the store that no file has.

    Each event of the store stands for one of the files alone.
    """
    left: dict[Key, list[Happened]] = defaultdict(list)
    for one in collected:
        left[one.key].append(one)
    missing = []
    for one in logged:
        same = [o for o in left[one.key] if _is_same(o, one)]
        if same:
            left[one.key].remove(same[0])
        else:
            missing.append(one)
    return missing, [one for rest in left.values() for one in rest]


def _is_same(one: Happened, other: Happened) -> bool:
    return abs(one.mark - other.mark) < _SAME_MARK_S and abs(one.time - other.time) < _SAME_TIME_S


def explained(missing: Sequence[Happened], kills: Sequence[Kill]) -> dict[str, Any]:
    """Which missing events a kill of their machine's monitor explains, by kind, and the others."""
    in_time: Counter[str] = Counter()
    others, latest = [], 0.0
    for one in missing:
        ends = [k.at for k in kills if k.kind == "monitor" and k.node == one.machine]
        age = min((end - one.at for end in ends if end >= one.at), default=float("inf"))
        if age <= MAX_LOSS_S:
            in_time[one.key[0]] += 1
            latest = max(latest, age)
        else:
            others.append(f"{one}, {age:.1f} s before a kill of its monitor")
    return {"in_time": dict(in_time), "latest_s": round(latest, 2), "others": others}


def _rows(connection: sqlite3.Connection, table: str, site: str = "") -> set[tuple[object, ...]]:
    """The rows of a table; with a site, named as the collecting store names them."""
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    names = ", ".join(
        f"'{site}/' || camera" if site and name == "camera" else name for name in columns
    )
    return set(connection.execute(f"SELECT {names} FROM {table}").fetchall())


def _collected(connection: sqlite3.Connection) -> Iterator[Happened]:
    """The events that rows of the collecting store stand for."""
    queries = {
        "appeared": "SELECT camera, track_id, '', first_seen, first_seen FROM visits",
        "gone": "SELECT camera, track_id, '', seconds, first_seen + seconds FROM visits"
        " WHERE reason = 'left'",
        "state": "SELECT camera, track_id, state, time, time FROM changes",
        "crossed": "SELECT camera, track_id, line || direction, time, time FROM crossings",
        "entered": "SELECT camera, track_id, zone, time, time FROM stays",
        "left": "SELECT camera, track_id, zone, seconds, time + seconds FROM stays"
        " WHERE reason = 'left'",
    }
    for kind, query in queries.items():
        for camera, person, place, mark, time_ in connection.execute(query):
            yield Happened((kind, camera, str(person), place), mark, time_)


def _logged(machine: str, folder: Path) -> Iterator[Happened]:
    """The events of a machine's event file that have rows in a store."""
    for line in (folder / EVENTS_FILE).read_text().splitlines():
        with suppress(ValueError):  # torn by a kill
            event = json.loads(line)
            at = _unix(event["utc"])
            for one in event["changes"]:
                # who is there at the end of a run has an end in the store, and no line of a frame
                if one["kind"] not in ("still", "moved") and one.get("reason") != "unseen":
                    yield _of_line(one, event["source"], at, machine)


def _of_line(one: Mapping[str, Any], camera: str, at: float, machine: str) -> Happened:
    kind = one["kind"]
    place = {
        "state": one["state"],
        "crossed": one.get("place", "") + one.get("direction", ""),
        "entered": one.get("place", ""),
        "left": one.get("place", ""),
    }.get(kind, "")
    happened = _unix(one["utc"])
    mark = one["duration"] if kind in ("gone", "left") else happened
    key = (kind, f"{SITE}/{camera}", str(one["track_id"]), place)
    return Happened(key, mark, happened, at, machine)


def _unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
