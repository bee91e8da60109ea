"""Queues of channels: one that hangs or fails holds up no other, and nothing is lost."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from maskdet.alarm import AlarmMessage
from maskdet.errors import SinkError
from maskdet.sinks.channels.channel import ChannelError
from maskdet.sinks.channels.dispatcher import Dispatcher
from maskdet.sinks.channels.web_hook import WebHook
from maskdet.sinks.store.alarm_store import AlarmStore, Delivery
from maskdet.sinks.store.deletion import delete_between, delete_person
from maskdet.sinks.store.migrations import MIGRATIONS
from maskdet.sinks.store.schema import migrate, open_for_writing
from maskdet.system.threads import Event
from tests.sinks.channels.messages import delivery, message
from tests.sinks.channels.servers import hook_server, wait_until

pytestmark = pytest.mark.timeout(60)


class Stuck:
    """A channel that hangs until it is let go."""

    def __init__(self) -> None:
        self.entered, self.release = Event(), Event()

    def send(self, message: AlarmMessage) -> None:
        self.entered.set()
        self.release.wait()

    def close(self) -> None:
        """Does not help."""


@pytest.fixture
def stuck() -> Iterator[Stuck]:
    one = Stuck()
    yield one
    one.release.set()


def test_a_channel_that_hangs_holds_up_neither_others_nor_the_end(
    stuck: Stuck, capsys: pytest.CaptureFixture[str]
):
    arrived: list[Delivery] = []
    with hook_server() as server:
        dispatcher = Dispatcher({"stuck": stuck, "hook": WebHook(server.url)}, arrived.append)
        dispatcher.start()
        for _ in range(20):
            sent = message()
            dispatcher.put(
                [delivery("stuck", sent), delivery("hook", sent), delivery("none", sent)]
            )
        wait_until(lambda: len(arrived) == 20)
        assert stuck.entered.is_set()
        assert dispatcher.states()["stuck"].waiting == 20
        assert {one.channel for one in arrived} == {"hook"}
        dispatcher.close()  # though the channel hangs until the end of the test
        assert not stuck.release.is_set()
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "alarm channel stuck: not sent yet: 20 messages (no answer before the run ended); "
        "the next run does it"
    ]


def test_a_message_that_is_sent_while_too_many_wait_takes_no_other_with_it(
    stuck: Stuck, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("maskdet.sinks.channels.dispatcher.MAX_WAITING", 2)
    arrived: list[Delivery] = []
    with closing(Dispatcher({"stuck": stuck}, arrived.append)) as dispatcher:
        dispatcher.start()
        sent = [delivery("stuck") for _ in range(4)]
        dispatcher.put(sent[:1])
        assert stuck.entered.wait(60)
        dispatcher.put(sent[1:])  # neither the first nor the second is among those that wait now
        stuck.release.set()
        assert dispatcher.drain(60)
        wait_until(lambda: sent[-1] in arrived)
    assert arrived == [sent[0], *sent[2:]]


def test_a_server_that_refuses_gets_everything_once_and_in_order_when_it_works(
    caplog: pytest.LogCaptureFixture,
):
    with hook_server() as server, caplog.at_level(logging.WARNING):
        server.statuses = [500, 403, 503, 200]
        arrived: list[Delivery] = []
        dispatcher = Dispatcher({"hook": WebHook(server.url)}, arrived.append, retry_seconds=0.05)
        dispatcher.start()
        sent = [delivery("hook") for _ in range(5)]
        dispatcher.put(sent)
        wait_until(lambda: len(arrived) == 5)
        dispatcher.close()
        got = [one.headers["x-maskdet-message"] for one in server.requests]
    assert got == [one.message.message_id for one in sent] and arrived == sent
    lines = [record.getMessage() for record in caplog.records]
    assert len([line for line in lines if "stopped" in line]) == 1, "one line, not one an attempt"
    assert "alarm channel hook stopped: http://127.0.0.1" in lines[0] and "500" in lines[0]


def test_an_error_that_nobody_thought_of_is_tried_again_too(caplog: pytest.LogCaptureFixture):
    class Odd:
        attempts = 0

        def send(self, message: AlarmMessage) -> None:
            self.attempts += 1
            if self.attempts < 3:
                raise KeyError("token=geheim in a library")

        def close(self) -> None:
            """Holds nothing."""

    arrived: list[Delivery] = []
    mask = "token=geheim in a library".__contains__
    dispatcher = Dispatcher(
        {"odd": Odd()},
        arrived.append,
        retry_seconds=0.02,
        mask=lambda text: text.replace("geheim", "***"),
    )
    dispatcher.start()
    dispatcher.put([delivery("odd")])
    wait_until(lambda: arrived)
    dispatcher.close()
    assert "KeyError" in caplog.text and "geheim" not in caplog.text and mask("geheim")


def test_a_message_under_way_at_the_end_is_neither_lost_nor_noted_as_sent(
    refusing_port: int, capsys: pytest.CaptureFixture[str]
):
    arrived: list[Delivery] = []
    dispatcher = Dispatcher(
        {"hook": WebHook(f"http://127.0.0.1:{refusing_port}")}, arrived.append, retry_seconds=30
    )
    dispatcher.start()
    dispatcher.put([delivery("hook"), delivery("hook")])
    wait_until(lambda: dispatcher.states()["hook"].problem)
    assert "Connection refused" in dispatcher.states()["hook"].problem
    assert not dispatcher.drain(0.05)
    dispatcher.close()
    dispatcher.close()
    assert dispatcher.states()["hook"].waiting == 2 and not arrived
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("alarm channel hook: not sent yet: 2 messages (http://127.0.0.1:")
    assert "Connection refused" in line and line.endswith("; the next run does it")


def test_the_error_of_a_channel_is_a_line():
    assert str(ChannelError("a is b", "do c")) == "a is b; do c"


def test_the_store_keeps_what_is_not_delivered(tmp_path: Path):
    path = tmp_path / "new" / "alarms.db"
    store = AlarmStore(path, "run-1")
    first, second = delivery("a"), delivery("b", message("cleared"))
    store.save([first.message.alarm], [second, first])
    assert sorted(store.pending(), key=lambda one: one.channel) == [first, second]
    store.record_delivered([first], 123.0)
    assert store.pending() == [second]
    assert store.find("a-1") == first.message.alarm and store.find("none") is None
    assert store.sent_since(0) == [("no mask", 'hall "1"', first.message.alarm.began, 123.0)]
    assert [one.alarm_id for one in store.alarms(5, only_open=True)] == ["a-1"]


def test_a_store_of_the_version_before_alarms_is_brought_forward(tmp_path: Path):
    path = tmp_path / "people.db"
    connection = open_for_writing(path)
    connection.close()
    path.unlink()
    import sqlite3

    old = sqlite3.connect(path, isolation_level=None)
    migrate(old, MIGRATIONS[:1])
    old.execute("INSERT INTO runs VALUES ('old', 1, 2, '0.1')")
    old.close()
    store = AlarmStore(path, "new")
    store.save([message().alarm])
    assert len(store.alarms(10)) == 1
    connection = open_for_writing(path)
    assert connection.execute("SELECT run FROM runs").fetchall() == [("old",)]
    connection.close()


def test_a_damaged_store_is_set_aside_and_another_file_refused(tmp_path: Path, caplog):
    path, other = tmp_path / "alarms.db", tmp_path / "notes.txt"
    for file in (path, other):
        file.write_bytes(b"no database" * 100)
    store = AlarmStore(path, "new")
    store.save([message().alarm])
    assert "a new store is begun" in caplog.text and len(list(tmp_path.glob("*damaged*"))) == 1
    with pytest.raises(SinkError, match="choose another file"):
        AlarmStore(other, "new")
    assert other.read_bytes().startswith(b"no database")


def test_what_is_deleted_of_a_person_or_a_day_is_gone_from_alarms_too(tmp_path: Path):
    path = tmp_path / "people.db"
    store = AlarmStore(path, "run-1")
    for track_id in (7, 8):
        sent = delivery("a", message("began", f"a-{track_id}", track_id=track_id))
        store.save([sent.message.alarm], [sent])
    connection = open_for_writing(path)
    assert delete_person(connection, "run-1", 'hall "1"', 7) == 2
    assert [one.alarm_id for one in store.alarms(9)] == ["a-8"] and len(store.pending()) == 1
    now = time.time()
    assert delete_between(connection, now - 60, now + 60) == 2
    connection.close()
    assert not store.alarms(9) and not store.pending()
