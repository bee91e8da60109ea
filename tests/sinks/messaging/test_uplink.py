"""The uplink against a real server: what it sends, and a line for each thing that can be wrong."""

from __future__ import annotations

import asyncio
import json
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from maskdet.errors import ConfigError, SinkError
from maskdet.sinks.messaging.server import Server, connected
from maskdet.sinks.messaging.streams import Stream, open_consumer
from maskdet.sinks.messaging.subjects import site_of, subject
from maskdet.sinks.messaging.uplink import Uplink
from maskdet.sinks.store.event_store import EventStore
from maskdet.sinks.store.ledger import Ledger
from maskdet.sinks.store.outbox import OutboxReader, OutboxWriter
from maskdet.sinks.store.schema import BUSY_TIMEOUT_S, open_for_writing
from maskdet.sinks.store.writing import write_rows
from maskdet.system.threads import Worker
from tests.sinks.channels.servers import make_certificate, wait_until
from tests.sinks.messaging.nats_server import NatsServer
from tests.sinks.store.scenes import NOON, a_visit

pytestmark = pytest.mark.timeout(90)

RUN = "0" * 31 + "7"
LOGIN = 'authorization { users = [ {user: site, password: "pass-of-nobody"} ] }'


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store of one visit, all of which waits to be sent."""
    return queued(tmp_path / "people.db", 1)


def queued(path: Path, visits: int) -> Path:
    ledger = Ledger(RUN, "test", NOON)
    for number in range(1, visits + 1):
        for observation in a_visit(number, NOON + 10 * number, camera="dóor.1 > *"):
            ledger.add(observation)
    with closing(open_for_writing(path)) as connection:
        write_rows(connection, ledger.take(NOON, with_open=True), OutboxWriter(path, 10_000))
    return path


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., NatsServer]]:
    made: list[NatsServer] = []

    def make(configuration: str = "") -> NatsServer:
        made.append(NatsServer(tmp_path, configuration))
        return made[-1]

    yield make
    for one in made:
        one.kill()


@pytest.fixture
def send(store: Path) -> Iterator[Callable[..., Uplink]]:
    made: list[Uplink] = []

    def make(server: Server, path: Path = store) -> Uplink:
        made.append(Uplink(server, path, "north.1", retry_seconds=0.1))
        made[-1].watch(["door"])
        return made[-1]

    yield make
    for one in made:
        one.close()


def make_stream(server: Server, max_bytes: int = 1_000_000) -> None:
    async def make() -> None:
        async with connected(server) as connection:
            stream = Stream("MASKDET", "maskdet.events", max_bytes)
            await open_consumer(connection, stream, "maskdet-test", take_over=False)

    asyncio.run(make())


def messages(server: Server) -> list[Any]:
    """All messages in the stream; they stay there."""

    async def read() -> list[Any]:
        async with connected(server) as connection:
            context = connection.client.jetstream()
            state = (await context.stream_info("MASKDET")).state
            numbers = range(state.first_seq, state.last_seq + 1)
            return [await context.get_msg("MASKDET", number) for number in numbers]

    return asyncio.run(read())


def newest_rows(server: Server) -> dict[str, dict[str, Any]]:
    """The last row of each kind; one that changes is sent again."""
    return {one.subject.rpartition(".")[2]: json.loads(one.data) for one in messages(server)}


def is_empty(store: Path) -> bool:
    return not OutboxReader(store).waiting(1)


def test_events_arrive_under_the_subject_of_site_camera_and_kind(serve, send, store):
    server = Server((serve().start().address,))
    make_stream(server)
    uplink = send(server)
    wait_until(lambda: is_empty(store))
    found = messages(server)
    assert uplink.sent == len(found) == 6
    kinds = {one.subject.rpartition(".")[2]: one for one in found}
    assert set(kinds) == {"run", "camera", "visit", "crossed", "stay", "minute"}
    crossed = kinds["crossed"]
    place = "maskdet.events.north%2E1.d%C3%B3or%2E1%20%3E%20%2A"
    assert crossed.subject == f"{place}.crossed" and site_of(crossed.subject) == "north.1"
    assert kinds["run"].subject == "maskdet.events.north%2E1.-.run"
    values = json.loads(crossed.data)
    assert values["camera"] == "dóor.1 > *" and values["direction"] == "in"
    number = crossed.headers["Nats-Msg-Id"]
    assert number.startswith(f"crossed/{RUN}/d%C3%B3or.1%20%3E%20%2A/1/in/in/{NOON + 12}/")


def test_what_is_sent_again_after_a_crash_is_dropped_by_the_server(serve, send, store, tmp_path):
    server = Server((serve().start().address,))
    make_stream(server)
    copy = tmp_path / "copy.db"
    copy.write_bytes(store.read_bytes())  # as it is where nothing was noted as sent
    send(server)
    wait_until(lambda: is_empty(store))
    again = send(server, copy)
    wait_until(lambda: is_empty(copy))
    assert again.sent == 6 and len(messages(server)) == 6


def test_a_server_that_is_away_at_the_start_is_waited_for(serve, send, store, caplog):
    nats = serve()
    send(Server((nats.address,)))
    wait_until(lambda: caplog.messages)
    time.sleep(0.5)  # tried again, and not reported again
    (line,) = caplog.messages
    assert line.startswith(f"sending events to {nats.address} stopped: nothing listens there; ")
    assert line.endswith(
        "check the address, and that the server runs; events wait in the store and are sent later"
    )
    nats.start()
    make_stream(Server((nats.address,)))
    wait_until(lambda: is_empty(store))
    wait_until(lambda: any("goes on after" in line for line in caplog.messages))
    assert "0 events are missing" in caplog.messages[-1]


def test_a_refused_password_is_one_line_without_the_password(serve, send, store, caplog):
    nats = serve(LOGIN).start()
    send(Server((nats.address,), user="site", password="not-the-one"))
    wait_until(lambda: caplog.messages)
    (line,) = caplog.messages
    assert "the server refuses: 'Authorization Violation'" in line and "check user" in line
    assert "not-the-one" not in line and "pass-of-nobody" not in line
    right = Server((nats.address,), user="site", password="pass-of-nobody")
    assert "pass-of-nobody" not in repr(right)
    make_stream(right)
    send(right)
    wait_until(lambda: is_empty(store))


def test_rights_to_publish_that_are_missing_are_named(serve, send, caplog, monkeypatch):
    monkeypatch.setattr("maskdet.sinks.messaging.uplink.REQUEST_TIMEOUT_S", 1.0)
    rights = 'permissions: { publish: ["maskdet.events.south.>", "$JS.>"] }'
    nats = serve(LOGIN.replace('"}', f'", {rights}}}')).start()
    server = Server((nats.address,), user="site", password="pass-of-nobody")
    make_stream(server)
    send(server)
    wait_until(lambda: caplog.messages)
    assert "permissions violation" in caplog.messages[0].lower()
    assert "maskdet.events.north%2e1" in caplog.messages[0].lower()


def test_a_stream_that_is_missing_or_full_is_waited_for(serve, send, store, tmp_path, caplog):
    nats = serve().start()
    server = Server((nats.address,))
    big = queued(tmp_path / "big.db", 200)
    send(server, big)
    wait_until(lambda: caplog.messages)
    assert "no stream takes these events; start maskdet collect-events" in caplog.messages[0]
    make_stream(server, max_bytes=20_000)
    wait_until(lambda: any("the stream is full" in line for line in caplog.messages), seconds=30)
    assert not is_empty(big)

    async def enlarge() -> None:
        async with connected(server) as connection:
            context = connection.client.jetstream()
            config = (await context.stream_info("MASKDET")).config
            await context.update_stream(config.evolve(max_bytes=10_000_000))

    asyncio.run(enlarge())
    wait_until(lambda: is_empty(big), seconds=30)
    found = messages(server)
    assert len({one.headers["Nats-Msg-Id"] for one in found}) == len(found)
    assert sum(one.subject.endswith(".visit") for one in found) == 200


def test_a_file_that_is_no_certificate_is_one_line(tmp_path):
    noise = tmp_path / "ca.pem"
    noise.write_text("no certificate\n")
    for files in ({"ca": noise}, {"certificate": noise, "key": noise}):
        with pytest.raises(
            ConfigError, match=r"ca\.pem: no PEM file of certificate or key"
        ) as caught:
            Server(("tls://127.0.0.1:9",), **files).tls()
        assert str(noise) in str(caught.value) and "\n" not in str(caught.value)


def test_a_certificate_is_checked(serve, send, store, tmp_path, caplog):
    certificate, key = make_certificate(tmp_path, expired=False)
    nats = serve(f'tls {{ cert_file: "{certificate}", key_file: "{key}" }}').start()
    address = nats.address.replace("nats://", "tls://")
    send(Server((address,)))
    wait_until(lambda: caplog.messages)
    assert "self-signed certificate" in caplog.messages[0] and "setting ca" in caplog.messages[0]
    known = Server((address,), ca=certificate)
    make_stream(known)
    send(known)
    wait_until(lambda: is_empty(store))


@pytest.mark.parametrize(
    ("address", "line"),
    [
        ("nats://no-such-host.invalid:4222", "no such host"),
        ("nats://127.0.0.1:{http}", "check the address"),
        ("nats://127.0.0.1:{mute}", "no answer in time"),
    ],
)
def test_an_address_that_is_no_nats_server_is_one_line(address, line, send, caplog, monkeypatch):
    monkeypatch.setattr("maskdet.sinks.messaging.server.CONNECT_TIMEOUT_S", 0.5)
    with _web_server() as http, socket.create_server(("127.0.0.1", 0)) as mute:
        port = mute.getsockname()[1]
        send(Server((address.format(http=http, mute=port),)))
        wait_until(lambda: caplog.messages)
        time.sleep(0.3)
    assert line in caplog.messages[0] and len(caplog.messages) == 1


class _web_server:
    """A server that speaks HTTP to each client."""

    def __enter__(self) -> int:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        return int(self._socket.getsockname()[1])

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        self._socket.close()
        self._thread.join()

    _is_over = False

    def _run(self) -> None:
        self._socket.settimeout(0.05)
        while not self._is_over:
            try:
                client, _ = self._socket.accept()
            except OSError:
                continue
            with client:
                client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def test_a_second_address_serves_where_the_first_is_away(serve, send, store, refusing_port):
    nats = serve().start()
    server = Server((f"nats://127.0.0.1:{refusing_port}", nats.address))
    make_stream(server)
    send(server)
    wait_until(lambda: is_empty(store))


def store_and_uplink(server: Server, path: Path) -> tuple[EventStore, Uplink]:
    """A store that writes at its beginning and its end alone, and what sends its rows."""
    outbox = OutboxWriter(path, 1000)
    store = EventStore(path, outbox=outbox, write_seconds=60)
    return store, Uplink(server, path, "north", queue_ended=outbox.ended)


def test_the_last_rows_of_a_run_are_sent_at_its_end(serve, tmp_path, monkeypatch):
    """In time enough; how long the end waits for a server is the next test's."""
    monkeypatch.setattr("maskdet.sinks.messaging.uplink._CLOSE_TIMEOUT_S", 30.0)
    monkeypatch.setattr("maskdet.sinks.messaging.uplink._LAST_DRAIN_S", 25.0)
    nats = serve().start()
    server = Server((nats.address,))
    make_stream(server)
    path = tmp_path / "new.db"
    store, uplink = store_and_uplink(server, path)
    is_connected, waiting = threading.Event(), uplink._outbox.waiting
    monkeypatch.setattr(
        uplink._outbox, "waiting", lambda limit: is_connected.set() or waiting(limit)
    )
    for sink in (store, uplink):
        sink.watch(["door"])
    for observation in a_visit(1, NOON):
        store.write(observation)
    assert is_connected.wait(30)
    closing_uplink = threading.Thread(target=uplink.close)
    closing_uplink.start()  # the monitor closes its sinks side by side
    store.close()
    closing_uplink.join()
    found = newest_rows(server)
    assert is_empty(path) and set(found) == {"run", "camera", "visit", "crossed", "stay", "minute"}
    assert found["visit"]["is_over"] == found["stay"]["is_over"] == 1


def test_rows_of_an_end_at_which_others_write_are_sent_by_the_next_run(serve, send, tmp_path):
    """The store waits longer than SQLite does for a file that is held; nothing is lost."""
    nats = serve().start()
    server = Server((nats.address,))
    make_stream(server)
    path = tmp_path / "new.db"
    store, uplink = store_and_uplink(server, path)
    for observation in a_visit(1, NOON):
        store.write(observation)
    uplink.watch(["door"])
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        ending = Worker("end", store.close)  # the monitor closes its sinks side by side
        ending.start()
        with suppress(SinkError):  # it does not wait for what is sent later
            uplink.close()
        assert not ending.join(2 * BUSY_TIMEOUT_S)
        other.execute("ROLLBACK")
    assert ending.join(30) and ending.error is None
    send(server, path)
    wait_until(lambda: is_empty(path))
    found = newest_rows(server)
    assert set(found) == {"run", "camera", "visit", "crossed", "stay", "minute"}
    assert found["visit"]["is_over"] == found["stay"]["is_over"] == 1


def test_the_end_does_not_wait_for_a_server_that_is_away(store, tmp_path, monkeypatch):
    monkeypatch.setattr("maskdet.sinks.messaging.server.CONNECT_TIMEOUT_S", 3600.0)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        uplink = Uplink(Server((f"nats://127.0.0.1:{mute.getsockname()[1]}",)), store, "north")
        uplink.watch(["door"])
        mute.settimeout(30)
        link, _ = mute.accept()
        with link:  # the connection has an hour
            uplink.close()
            uplink.close()
    assert not is_empty(store)


def test_no_subject_holds_what_nats_gives_a_meaning():
    name = subject("maskdet.events", "a.b c>*\n", "", "run")
    assert name == "maskdet.events.a%2Eb%20c%3E%2A%0A.-.run"
    assert site_of(name) == "a.b c>*\n"
