"""The collector against a real server: what it writes, what it refuses, what it outlives."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from maskdet.__main__ import main
from maskdet.errors import SinkError
from maskdet.sinks.messaging.collector import Collector
from maskdet.sinks.messaging.server import Server, connected
from maskdet.sinks.messaging.streams import Stream, open_consumer
from maskdet.sinks.store.collecting_store import CollectingStore, SiteRow
from maskdet.sinks.store.rows import RowError
from tests.sinks.messaging.nats_server import NatsServer
from tests.sinks.messaging.site import expected
from tests.sinks.messaging.sites import Sites
from tests.sinks.store.scenes import NOON

pytestmark = pytest.mark.timeout(120)

RUN = "0" * 31 + "7"
STREAM = Stream("MASKDET", "maskdet.events", 1_000_000)
VISIT = {
    **{"run": RUN, "camera": "door", "track_id": 1, "first_seen": NOON, "seconds": 4.0},
    **{"state": "with_mask", "certainty": 0.9, "is_still": 0, "is_over": 0},
}


@pytest.fixture(scope="module")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    server = NatsServer(tmp_path_factory.mktemp("nats")).start()
    yield server
    server.kill()


@pytest.fixture
def server(nats: NatsServer) -> Server:
    """The server, without streams."""
    one = Server((nats.address,))

    async def empty() -> None:
        async with connected(one) as connection:
            context = connection.client.jetstream()
            for info in await context.streams_info():
                await context.delete_stream(info.config.name)

    asyncio.run(empty())
    return one


@pytest.fixture
def open_store(tmp_path: Path) -> Iterator[Callable[..., CollectingStore]]:
    with contextlib.ExitStack() as opened:

        def make(name: str = "all.db") -> CollectingStore:
            return opened.enter_context(closing(CollectingStore(tmp_path / name)))

        yield make


def test_a_store_makes_its_folder(open_store, tmp_path: Path) -> None:
    open_store("new/folder/all.db")
    assert (tmp_path / "new/folder/all.db").is_file()


def collect(server: Server, store: CollectingStore, **options: Any) -> Collector:
    """Collects everything that waits."""
    collector = Collector(server, STREAM, store, retry_seconds=0.1, **options)
    collector.run(lambda: False, until_empty=True)
    return collector


def reported(caplog: pytest.LogCaptureFixture, words: str) -> str:
    """The first line with these words; others may precede it, of a server that answers late."""
    return next((line for line in caplog.messages if words in line), "")


def publish(server: Server, *messages: tuple[str, object]) -> None:
    async def send() -> None:
        async with connected(server) as connection:
            context = connection.client.jetstream()
            for subject, values in messages:
                data = values if isinstance(values, bytes) else json.dumps(values).encode()
                await context.publish(subject, data)

    asyncio.run(send())


def visits(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(
            "SELECT camera, track_id, seconds, is_over FROM visits ORDER BY camera"
        ).fetchall()


def test_an_older_version_never_replaces_a_newer_one(server, open_store, tmp_path):
    store = open_store()
    collect(server, store)
    subject = "maskdet.events.north.door.visit"
    over = VISIT | {"seconds": 3.5, "is_over": 1}  # the last word, though it has fewer seconds
    publish(server, (subject, over), (subject, VISIT), (subject, VISIT | {"seconds": 3.0}))
    collector = collect(server, store)
    assert visits(tmp_path / "all.db") == [("north/door", 1, 3.5, 1)]
    assert collector.collected.events == 3 and collector.collected.sites == {"north"}


def test_a_site_writes_in_its_own_name_alone(server, open_store, tmp_path):
    store = open_store()
    collect(server, store)
    other = VISIT | {"run": "f" * 32, "site": "south", "camera": "south/door"}
    publish(server, ("maskdet.events.no%2Erth.door.visit", other))
    collect(server, store)
    assert visits(tmp_path / "all.db") == [("no.rth/south/door", 1, 4.0, 0)]


BROKEN = {
    "no JSON": b"\xff{",
    "a list": b"[]",
    "deep": b"[" * 100_000,
    "no camera": {key: value for key, value in VISIT.items() if key != "camera"},
    "a text for a number": VISIT | {"seconds": "4"},
    "no number": b'{"seconds": NaN}',
    "infinite": json.dumps(VISIT | {"seconds": float("inf")}).encode(),
    "a number for a text": VISIT | {"state": 5},
    "half a character": VISIT | {"camera": "\ud800"},
    "too long": VISIT | {"state": "x" * 100_000},
    "too large": VISIT | {"track_id": 2**70},
    "another run": VISIT | {"run": "'; DROP TABLE visits; --"},
    "a flag": VISIT | {"track_id": True},
}


def test_messages_that_are_no_events_are_named_and_left_out(server, open_store, tmp_path, caplog):
    store = open_store()
    collect(server, store)
    messages = [("maskdet.events.north.door.visit", values) for values in BROKEN.values()]
    messages += [("maskdet.events.visit", VISIT), ("maskdet.events.north.door.sqlite", VISIT)]
    publish(server, *messages, ("maskdet.events.north.door.visit", VISIT))
    collector = collect(server, store)
    # a server that is slow for a moment has lines of its own: that it stopped, and goes on
    lines = [line for line in caplog.messages if not line.startswith("collecting from ")]
    assert collector.collected.refused == len(messages) == len(lines)
    assert all("is not an event, and is left out" in line for line in lines)
    assert visits(tmp_path / "all.db") == [("north/door", 1, 4.0, 0)]


@pytest.mark.parametrize("values", BROKEN.values(), ids=BROKEN)
def test_a_broken_row_is_refused(values, open_store):
    data = values if isinstance(values, bytes) else json.dumps(values).encode()
    with pytest.raises(RowError):
        open_store().parse("north", "visit", data)


def test_a_second_store_is_refused_until_it_takes_over(server, open_store, tmp_path, caplog):
    first, second = open_store("first.db"), open_store("second.db")
    collect(server, first)
    collect(server, first)  # the same store again, after a restart
    publish(server, ("maskdet.events.north.door.visit", VISIT))
    refused = Collector(server, STREAM, second, retry_seconds=0.1)
    refusal = "another store collects from the stream MASKDET already"
    refused.run(lambda: bool(reported(caplog, refusal)), until_empty=True)
    assert "--take-over" in reported(caplog, refusal) and visits(tmp_path / "second.db") == []
    collect(server, second, take_over=True)
    assert visits(tmp_path / "second.db") == [("north/door", 1, 4.0, 0)]


def test_all_is_collected_when_what_another_has_under_way_is_too(server, open_store, tmp_path):
    """A collector that was killed has taken messages and not confirmed them: they come again."""
    store = open_store()
    collect(server, store)
    publish(server, ("maskdet.events.north.door.visit", VISIT))

    async def take() -> None:
        async with connected(server) as connection:
            consumer = store.consumer_of(STREAM.name)
            source = await open_consumer(connection, STREAM, consumer, take_over=False)
            (message,) = await source.fetch(1, timeout=30)
            await message.nak(delay=3)  # instead of the time that a killed one has
            await connection.client.flush()

    asyncio.run(take())
    collect(server, store)
    assert visits(tmp_path / "all.db") == [("north/door", 1, 4.0, 0)]


def test_a_process_that_had_no_time_has_lost_no_server(server, open_store):
    """Nothing had come; a line had reported a server that gives no answer."""
    store = open_store()

    async def fetch() -> None:
        async with connected(server) as connection:
            consumer = store.consumer_of(STREAM.name)
            source = await open_consumer(connection, STREAM, consumer, take_over=False)
            asyncio.get_running_loop().call_soon(time.sleep, 1.2)  # longer than a fetch lasts
            assert not await Collector(server, STREAM, store)._fetch(source)

    asyncio.run(fetch())


def test_a_store_that_is_locked_is_waited_for(server, open_store, tmp_path, caplog):
    store = open_store()
    store._connection.execute("PRAGMA busy_timeout = 50")
    collect(server, store)
    publish(server, ("maskdet.events.north.door.visit", VISIT))
    with closing(sqlite3.connect(tmp_path / "all.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        ended = Collector(server, STREAM, store, retry_seconds=0.1)
        ended.run(lambda: bool(reported(caplog, "database is locked")))
        assert "events wait on the server" in reported(caplog, "database is locked")
        assert ended.collected.events == 0
        other.execute("ROLLBACK")
    collect(server, store)
    assert visits(tmp_path / "all.db") == [("north/door", 1, 4.0, 0)]


def test_a_store_without_rights_or_of_another_program_is_refused_at_the_start(tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(SinkError, match="cannot write .*; check folder and rights"):
        CollectingStore(tmp_path / "file" / "all.db")
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE visits (x)")
    with pytest.raises(SinkError, match="another program"):
        CollectingStore(tmp_path / "other.db")


def test_versions_come_in_any_order_to_the_same_end(open_store, tmp_path):
    visit = VISIT | {"reason": None}
    versions = [visit, visit | {"seconds": 5.0}, visit | {"seconds": 4.5, "is_over": 1}]
    store = open_store()
    for number, order in enumerate(permutations(versions * 2)):
        store.write([SiteRow("visits", values | {"track_id": number}) for values in order])
    assert {row[2:] for row in visits(tmp_path / "all.db")} == {(4.5, 1)}


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ((), "no server is named: say --server nats://HOST:4222"),
        (("--server", "10.0.0.1"), "'10.0.0.1' is not an address: nats://HOST:4222"),
        (("--server", "nats://me:hidden-word@host"), "no user or password in the address"),
        (("--server", "nats://h", "--set", "nats.password=hidden-word"), "password: write ${NAME}"),
        (("--server", "nats://h", "--set", "nats.token=${NO_SUCH}"), "${NO_SUCH} is not in"),
        (("--server", "nats://h", "--set", "nats.ca=missing.pem"), "missing.pem cannot be read"),
        (("--server", "nats://h", "--set", "nats.credentials=a.creds"), "a.creds cannot be read"),
    ],
)
def test_wrong_options_are_one_line(options, line, tmp_path, capsys):
    status = main(["collect-events", str(tmp_path / "all.db"), *options])
    shown = capsys.readouterr().err
    assert status == 2 and line in shown and "hidden-word" not in shown
    assert shown.count("\n") == 1 and not (tmp_path / "all.db").exists()


def test_a_report_of_the_collecting_store_covers_all_sites(tmp_path, capsys):
    sites = Sites(tmp_path, sites=2, visits=9, pace=0.0)
    try:
        sites.start()
        sites.finish(60)
    finally:
        sites.stop()
    assert sites.differences() == {}
    assert main(["report", str(sites.store), "--csv", "-", "--timezone", "UTC"]) == 0
    lines = [line.split(",") for line in capsys.readouterr().out.splitlines()[1:]]
    people = {line[2]: 0 for line in lines}
    for line in lines:
        people[line[2]] += int(line[3])
    scripted: dict[str, int] = {}
    for number in range(2):
        for row in expected(number, 9)["visits"]:
            scripted[str(row[1])] = scripted.get(str(row[1]), 0) + 1
    assert {name: count for name, count in people.items() if count} == scripted
    assert {name.partition("/")[0] for name in people} == {"site 0", "site 1"}
