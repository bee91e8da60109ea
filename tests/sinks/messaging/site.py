"""A site in a process of its own, with a script of what happens there.

    python -m tests.sinks.messaging.site STORE SERVER NUMBER VISITS SECONDS

It writes the script's rows, one visit a transaction, and sends them; when it is started again after
a kill it begins the script again, as a worker does that cannot know what it has done. It ends when
everything is sent.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from maskdet.detections import MaskState
from maskdet.sinks.messaging.server import Server
from maskdet.sinks.messaging.uplink import Uplink
from maskdet.sinks.store.ledger import Ledger, Rows
from maskdet.sinks.store.outbox import OutboxReader, OutboxWriter
from maskdet.sinks.store.schema import open_for_writing
from maskdet.sinks.store.writing import write_rows
from tests.sinks.store.scenes import NOON, a_visit, happened, observed

CAMERAS = ("door", "back yard.2")
STATES = tuple(MaskState)
EVERY_OPEN = 3


def name_of(number: int) -> str:
    return f"site {number}"


def script(number: int, visits: int) -> Iterator[Rows]:
    """Rows of one visit after the other: it, its stay, its crossing, its changes; minutes, runs."""
    chance = random.Random(number)
    ledger = Ledger(f"{number:032x}", "test", NOON)
    ledger.watch(CAMERAS, NOON)
    for visit in range(1, visits + 1):
        utc = NOON + 20 * visit + chance.random()
        camera, state = chance.choice(CAMERAS), chance.choice(STATES)
        for observation in a_visit(visit, utc, chance.randint(4, 9), state, camera):
            ledger.add(observation)
            if chance.random() < 0.3:  # the camera is slow: who is there is written as they are
                yield ledger.take(observation.frame.utc, with_open=True)
        if chance.random() < 0.5:
            utc += 10
            event = happened("state", visit, utc, chance.choice(STATES), previous=state)
            ledger.add(observed(utc, events=[event], camera=camera))
            gone = happened("gone", visit, utc + 1, state, duration=12.0)
            ledger.add(observed(utc + 1, events=[gone], camera=camera))
        yield ledger.take(utc + 15, with_open=visit % EVERY_OPEN == 0 or visit == visits)


def expected(number: int, visits: int) -> dict[str, set[tuple[object, ...]]]:
    """The rows of the collecting store by table, each in its last version."""
    final: Rows = {}
    for rows in script(number, visits):
        final |= rows
    tables: dict[str, set[tuple[object, ...]]] = {}
    for (table, *_), row in final.items():
        if table != "runs":
            row = (row[0], f"{name_of(number)}/{row[1]}", *row[2:])
        tables.setdefault(str(table), set()).add(row)
    return tables


def main(store: Path, server: str, number: int, visits: int, seconds: float) -> None:
    outbox = OutboxWriter(store, 500_000)
    with closing(open_for_writing(store)) as connection:
        connection.execute("PRAGMA busy_timeout = 10000")
        uplink = Uplink(Server((server,)), store, name_of(number), retry_seconds=0.2)
        uplink.watch(CAMERAS)
        for rows in script(number, visits):
            write_rows(connection, rows, outbox)
            time.sleep(seconds)
    reader = OutboxReader(store)
    while reader.waiting(1):
        time.sleep(0.05)
    uplink.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), float(sys.argv[5]))
