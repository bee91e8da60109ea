"""The alarm channel `nats` against a real server: subjects, numbers, kills, and what is wrong."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from maskdet.__main__ import main
from maskdet.sinks.channels.channel import ChannelError
from maskdet.sinks.channels.dispatcher import Dispatcher
from maskdet.sinks.messaging.alarm_channel import NatsAlarms
from maskdet.sinks.messaging.server import Server, connected
from maskdet.sinks.messaging.subjects import site_of
from maskdet.sinks.store.alarm_store import AlarmStore, Delivery
from maskdet.system.threads import Worker
from tests.helpers.monitors import ROOT
from tests.sinks.channels.messages import delivery, message
from tests.sinks.channels.servers import wait_until
from tests.sinks.messaging.nats_server import NatsServer

pytestmark = pytest.mark.timeout(90)
pytest.importorskip("nats", reason="the extra nats is not installed")

STREAM = "maskdet-alarms"
LIMITED = """
authorization {
  users = [
    { user: north, password: "pass-of-nobody", permissions: {
        publish: ["maskdet.alarms.north.>"], subscribe: ["_INBOX.>"] } }
    { user: admin, password: "pass-of-admin" }
  ]
}
"""
KILLED = """
import os, sys
from maskdet.sinks.channels.dispatcher import Dispatcher
from maskdet.sinks.messaging.alarm_channel import NatsAlarms
from maskdet.sinks.messaging.server import Server
from maskdet.sinks.store.alarm_store import AlarmStore

def die(delivery):  # it has arrived; nobody has noted that yet
    os.kill(os.getpid(), 9)

store = AlarmStore(sys.argv[1], "run")
dispatcher = Dispatcher({"sites": NatsAlarms(Server((sys.argv[2],)), "north")}, die)
dispatcher.start()
dispatcher.put(store.pending())
dispatcher.drain(30)
"""


@contextmanager
def running(folder: Path, configuration: str = "") -> Iterator[NatsServer]:
    server = NatsServer(folder, configuration).start()
    try:
        yield server
    finally:
        server.kill()


def stored(server: Server) -> list[tuple[str, dict[str, Any], str]]:
    """Subject, content and number of each message of the stream, in order."""

    async def read() -> list[tuple[str, dict[str, Any], str]]:
        found = []
        async with connected(server) as connection:
            context = connection.client.jetstream()
            state = (await context.stream_info(STREAM)).state
            for number in range(state.first_seq, state.last_seq + 1):
                one = await context.get_msg(STREAM, number)
                assert one.data is not None and one.headers is not None
                found.append((one.subject, json.loads(one.data), one.headers["Nats-Msg-Id"]))
        return found

    return asyncio.run(read())


def test_each_message_is_published_once_below_site_camera_and_kind(tmp_path: Path):
    with running(tmp_path) as nats:
        server = Server((nats.address,))
        channel = NatsAlarms(server, "nörth.1")
        sent = [message("began"), message("updated"), message("cleared")]
        for one in [*sent, sent[0], sent[2]]:  # two of them come again
            channel.send(one)
        NatsAlarms(server, "nörth.1").send(sent[1])  # so after a restart
        disk = replace(sent[0].alarm, kind="disk_full", camera="")
        channel.send(replace(sent[0], alarm=disk, message_id="d"))
        found = stored(server)
    name = "maskdet.alarms.n%C3%B6rth%2E1.hall%20%221%22.people"
    assert [subject for subject, *_ in found] == [name] * 3 + [
        "maskdet.alarms.n%C3%B6rth%2E1.-.disk_full"
    ]
    assert [number for *_, number in found[:3]] == [one.message_id for one in sent]
    assert [content["phase"] for _, content, _ in found[:3]] == ["began", "updated", "cleared"]
    first = found[0][1]
    assert first["site"] == "nörth.1" == site_of(name) and first["camera"] == 'hall "1"'
    assert first["message_id"] == sent[0].message_id and first["states"] == ["without_mask"]


def test_a_kill_between_delivery_and_its_note_publishes_nothing_twice(tmp_path: Path):
    with running(tmp_path) as nats:
        store = AlarmStore(tmp_path / "alarms.db", "run")
        waiting = [delivery("sites") for _ in range(4)]
        store.save([], waiting)
        words = [sys.executable, "-c", KILLED, str(tmp_path / "alarms.db"), nats.address]
        for _ in range(2):
            done = subprocess.run(words, cwd=ROOT, check=False, timeout=60)
            assert done.returncode == -9 and len(store.pending()) == 4
        arrived: list[Delivery] = []
        channel = NatsAlarms(Server((nats.address,)), "north")
        dispatcher = Dispatcher({"sites": channel}, arrived.append)
        dispatcher.start()
        dispatcher.put(store.pending())
        assert dispatcher.drain(30)
        dispatcher.close()
        found = stored(Server((nats.address,)))
    assert sorted(number for *_, number in found) == sorted(
        one.message.message_id for one in waiting
    )


def test_while_the_server_is_away_messages_wait_and_keep_their_order(tmp_path: Path):
    nats = NatsServer(tmp_path)
    arrived: list[Delivery] = []
    channel = NatsAlarms(Server((nats.address,)), "north")
    with pytest.raises(ChannelError) as error:
        channel.send(message())
    assert str(error.value) == (
        f"{nats.address}: nothing listens there; check the address, and that the server runs"
    )
    dispatcher = Dispatcher({"sites": channel}, arrived.append, retry_seconds=0.1)
    dispatcher.start()
    sent = [delivery("sites") for _ in range(5)]
    dispatcher.put(sent[:3])
    wait_until(lambda: "nothing listens" in dispatcher.states()["sites"].problem)
    try:
        nats.start()
        wait_until(lambda: len(arrived) == 3)
        nats.kill()
        dispatcher.put(sent[3:])
        nats.start()
        wait_until(lambda: len(arrived) == 5)
        dispatcher.close()
        found = stored(Server((nats.address,)))
    finally:
        nats.kill()
    assert [number for *_, number in found] == [one.message.message_id for one in sent]


def test_a_server_that_hangs_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("maskdet.sinks.messaging.server.CONNECT_TIMEOUT_S", 60.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        channel = NatsAlarms(Server((f"nats://127.0.0.1:{silent.getsockname()[1]}",)), "north")
        problems: list[str] = []

        def send() -> None:
            try:
                channel.send(message())
            except ChannelError as error:
                problems.append(error.reason)

        worker = Worker("sending", send)
        worker.start()
        silent.settimeout(30)
        link, _ = silent.accept()
        with link:
            channel.close()
            assert worker.join(20)  # a connection takes a minute
        assert "the run has ended" in problems[0]


def test_a_site_may_publish_below_its_own_name_alone(tmp_path: Path):
    with running(tmp_path, LIMITED) as nats:
        admin = Server((nats.address,), "admin", "pass-of-admin")
        north = Server((nats.address,), "north", "pass-of-nobody")
        with pytest.raises(ChannelError, match=r"permissions violation .*stream\.create"):
            NatsAlarms(north, "north").send(message())
        NatsAlarms(admin, "hall").send(message())  # who may, makes the stream
        NatsAlarms(north, "north").send(message())
        assert len(stored(admin)) == 2


def test_alarms_test_sends_one_and_names_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    file = tmp_path / "m.yaml"

    def test(*lines: str) -> tuple[int, str]:
        file.write_text("\n".join(["alarms: {channels: [{name: sites, kind: nats}]}", *lines]))
        status = main(["alarms", "test", "--config", str(file)])
        return status, capsys.readouterr().err

    status, line = test()
    assert status == 2
    assert "channel 'sites': nats.server is not set" in line
    with running(tmp_path) as nats:
        wanted = f"server: {nats.address}, site_name: north"
        status, line = test(f"nats: {{{wanted}, subject: maskdet}}")
        assert status == 2 and "are parts of one another" in line
        status, line = test(f"nats: {{{wanted}}}")
        assert status == 0 and "sites (nats): delivered" in line
        found = stored(Server((nats.address,)))
    assert [(subject, content["phase"]) for subject, content, _ in found] == [
        ("maskdet.alarms.north.-.people", "test")
    ]
