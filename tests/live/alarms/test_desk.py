"""The desk: rules, store and channels together; kills, restarts, disks."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from maskdet.alarm import Alarm
from maskdet.errors import SinkError
from maskdet.live.alarms import journal
from maskdet.live.alarms.desk import MAX_WAITING_FRAMES, AlarmDesk
from maskdet.people.alarms.rule import AlarmRule
from maskdet.people.alarms.rules import AlarmRules
from maskdet.sinks.channels.dispatcher import Dispatcher
from maskdet.sinks.channels.web_hook import WebHook
from maskdet.sinks.store.alarm_store import AlarmStore
from maskdet.system.threads import Event
from tests.helpers.monitors import ROOT
from tests.helpers.ports import refusing_port
from tests.people.alarms import scripts
from tests.people.alarms.scripts import seen, somebody
from tests.sinks.channels.servers import HookServer, hook_server, wait_until

pytestmark = pytest.mark.timeout(90)
ALL = frozenset({"began", "updated", "cleared", "flapping", "clip"})


@pytest.fixture
def open_desk() -> Iterator[Callable[..., AlarmDesk]]:
    made: list[AlarmDesk] = []

    def make(path: Path, url: str, *rules: AlarmRule, run: str, **options: object) -> AlarmDesk:
        desk = AlarmDesk(
            AlarmRules(rules or (AlarmRule("bare"),), run=run),
            AlarmStore(path, run, shared=True),
            lambda done: Dispatcher({"hook": WebHook(url)}, done, retry_seconds=0.05),
            wants={"hook": ALL},  # type: ignore[dict-item]
            **options,  # type: ignore[arg-type]
        )
        desk.start()
        made.append(desk)
        return desk

    yield make
    for desk in made:
        desk.close()


def show(desk: AlarmDesk, seconds: float, *people: object, camera: str = "hall") -> None:
    observation = seen(camera, seconds, people)  # type: ignore[arg-type]
    desk.observe(observation)
    desk.write(observation)


def phases(server: HookServer) -> list[tuple[str, int]]:
    bodies = [json.loads(one.body) for one in server.requests]
    return [(body["phase"], body["person"]) for body in bodies]


def test_a_disk_that_hangs_holds_no_more_frames_than_some(tmp_path: Path, open_desk):
    """Each alarm is sent all the same, the later ones without a picture."""
    begun, works = Event(), Event()

    def picture(observation: object, alarm: Alarm) -> str:
        begun.set()
        works.wait()
        return f"{alarm.alarm_id}.jpg"

    with hook_server() as server:
        desk = open_desk(tmp_path / "a.db", server.url, run="one", snapshot=picture)
        try:
            show(desk, 1, somebody(1))
            assert begun.wait(60)  # from here on what comes has to wait
            for number in range(2, 60):
                show(desk, number, *(somebody(one) for one in range(1, number + 1)))
            frames = [frame for _, frame in desk._inbox if frame is not None]
            assert len(frames) == MAX_WAITING_FRAMES and len(desk._inbox) > MAX_WAITING_FRAMES
        finally:
            works.set()
        wait_until(lambda: len(server.requests) == 59)
        pictures = [json.loads(one.body)["snapshot"] for one in server.requests]
    assert pictures[0] and pictures[19] and not any(pictures[-20:])


def test_a_picture_or_clip_with_a_bug_costs_no_alarm(tmp_path: Path, open_desk, caplog):
    def fail(*_: object) -> str:
        raise ZeroDivisionError

    with hook_server() as server:
        options = {"snapshot": fail, "on_began": fail}
        desk = open_desk(tmp_path / "a.db", server.url, run="one", **options)
        show(desk, 0, somebody(1))
        show(desk, 1)
        wait_until(lambda: len(server.requests) == 2)
        assert phases(server) == [("began", 1), ("cleared", 1)]
    assert sum("ZeroDivisionError" in line for line in caplog.messages) == 2


def test_an_alarm_goes_its_way_with_its_picture(tmp_path: Path, open_desk):
    saved: list[str] = []

    def picture(observation: object, alarm: object) -> str:
        saved.append(alarm.alarm_id)  # type: ignore[attr-defined]
        return str(tmp_path / f"{alarm.alarm_id}.jpg")  # type: ignore[attr-defined]

    with hook_server() as server:
        desk = open_desk(tmp_path / "a.db", server.url, run="one", snapshot=picture)
        version = desk.version
        show(desk, 0, somebody(1))
        show(desk, 1, somebody(1), somebody(2))
        show(desk, 2, somebody(2))
        wait_until(lambda: len(server.requests) == 3)
        assert phases(server) == [("began", 1), ("began", 2), ("cleared", 1)]
        assert json.loads(server.requests[0].body)["snapshot"] == "one-1.jpg"
        assert json.loads(server.requests[2].body)["snapshot"] == "one-1.jpg"
        assert saved == ["one-1", "one-2"] and desk.version > version
        (latest, first) = desk.alarms()
        assert latest.is_open and not first.is_open and first.snapshot
        assert desk.alarms(only_open=True) == [latest]

        assert desk.acknowledge("one-1", "ann") and desk.acknowledge("one-1", "bob")
        assert not desk.acknowledge("one-9")
        assert desk.find("one-1").acknowledged_by == "ann"
        desk.attach_clip("one-1", str(tmp_path / "one-1.mp4"))
        wait_until(lambda: len(server.requests) == 4)
        body = json.loads(server.requests[3].body)
        assert (body["phase"], body["clip"]) == ("clip", "one-1.mp4")
    desk.close()
    stored = AlarmStore(tmp_path / "a.db", "x").find("one-1")
    assert stored.acknowledged_by == "ann" and stored.clip and stored.snapshot


def test_a_snooze_mutes_and_is_listed(tmp_path: Path, open_desk):
    with hook_server() as server:
        desk = open_desk(tmp_path / "a.db", server.url, run="one")
        snooze = desk.snooze(1.5, rule="bare")
        assert abs(desk.snoozes()[0].until - snooze.until) < 0.05
        show(desk, 0, somebody(1))
        assert desk.alarms()[0].muted == "snoozed" and desk.rules() == ["bare"]
        wait_until(lambda: time.time() > snooze.until)
        desk.sweep({"hall": 0.0})
        wait_until(lambda: server.requests)
        assert phases(server) == [("began", 1)] and desk.snoozes() == []
        until = desk.snooze(600, camera="hall").until
        desk.close()
        again = open_desk(tmp_path / "a.db", server.url, run="two")
        assert [(one.rule, one.camera) for one in again.snoozes()] == [("", "hall")]
        assert abs(again.snoozes()[0].until - until) < 1, "it outlives a restart"
        again.snooze(0, camera="hall")
        again.close()
        assert open_desk(tmp_path / "a.db", server.url, run="three").snoozes() == []


def test_the_end_of_a_run_clears_people_and_the_next_sends_what_was_left(tmp_path: Path, open_desk):
    path = tmp_path / "a.db"
    with refusing_port() as port:
        first = open_desk(path, f"http://127.0.0.1:{port}", run="one")
        show(first, 0, somebody(1))
        first.close()
    assert len(AlarmStore(path, "x").pending()) == 2
    with hook_server(port=port) as server:
        open_desk(path, server.url, run="two")
        wait_until(lambda: len(server.requests) == 2)
        wait_until(lambda: not AlarmStore(path, "x").pending())
        assert phases(server) == [("began", 1), ("cleared", 1)]
        assert len({one.headers["x-maskdet-message"] for one in server.requests}) == 2


KILLED = """
import sys, time
from pathlib import Path
from maskdet.live.alarms import journal
from maskdet.live.alarms.desk import AlarmDesk
from maskdet.people.alarms.rule import AlarmRule
from maskdet.people.alarms.rules import AlarmRules
from maskdet.sinks.channels.dispatcher import Dispatcher
from maskdet.sinks.channels.web_hook import WebHook
from maskdet.sinks.store.alarm_store import AlarmStore
from maskdet.system.threads import Event
from tests.live.alarms.test_desk import ALL, show
from tests.people.alarms import scripts
from tests.people.alarms.scripts import somebody
path, url, run, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
desk = AlarmDesk(
    AlarmRules([AlarmRule("bare"), AlarmRule("gone", "camera_gone", for_s=1)], run=run),
    AlarmStore(path, run),
    lambda done: Dispatcher({"hook": WebHook(url)}, done, retry_seconds=0.05),
    wants={"hook": ALL},
)
desk.start()
for number in range(1, count + 1):
    show(desk, float(number), somebody(number), somebody(number + 1000))
    time.sleep(0.02)
desk.sweep({"hall": 5.0})
time.sleep(0.3)
print("ready", flush=True)
time.sleep(60)
"""


def killed_run(
    path: Path, url: str, run: str, count: int, until: Callable[[], object] = lambda: True
) -> None:
    """A run that is killed with SIGKILL once it has raised its alarms, and something is so."""
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path), url, run, str(count)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        wait_until(until)
        process.send_signal(signal.SIGKILL)


def test_alarms_survive_a_kill_and_are_sent_once(tmp_path: Path, open_desk):
    """Killed while the server is away, and killed again while it answers a part."""
    path = tmp_path / "a.db"
    with refusing_port() as port:
        killed_run(path, f"http://127.0.0.1:{port}", "one", 10)
    waiting = AlarmStore(path, "x").pending()
    assert len(waiting) == 10 + 10 + 9 * 2 + 2 + 1  # began, cleared, and the camera
    with hook_server(port=port) as server:
        server.statuses = [*[200] * 15, 503]
        killed_run(path, server.url, "two", 3, until=lambda: server.attempts > 16)
        assert len(server.requests) == 15
        server.statuses = [200]
        desk = open_desk(
            path,
            server.url,
            AlarmRule("bare"),
            AlarmRule("gone", "camera_gone", for_s=1),
            run="three",
        )
        wait_until(lambda: not AlarmStore(path, "x").pending())
        desk.sweep({"hall": 0.0})
        numbers = [one.headers["x-maskdet-message"] for one in server.requests]
        assert len(numbers) == len(set(numbers)), "none twice"
        bodies = [json.loads(one.body) for one in server.requests]
    assert [one.message.message_id for one in waiting] == numbers[: len(waiting)], "in order"
    begun = [body["alarm_id"] for body in bodies if body["phase"] == "began"]
    ended = [body["alarm_id"] for body in bodies if body["phase"] == "cleared"]
    assert len(begun) == len(set(begun)) == 2 * 10 + 2 * 3 + 1, "the camera's alarm is one alarm"
    assert set(begun) - set(ended) == {
        body["alarm_id"] for body in bodies if body["rule"] == "gone"
    }


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such locks")
def test_two_monitors_with_one_file_leave_each_others_alarms_alone(tmp_path: Path, open_desk):
    """The second had cleared what the first had open, and sent what the first was to send."""
    path = tmp_path / "a.db"
    with refusing_port() as port, hook_server() as server:
        first = open_desk(path, f"http://127.0.0.1:{port}", run="one")
        show(first, 0, somebody(1))
        wait_until(lambda: AlarmStore(path, "x").pending())
        second = open_desk(path, server.url, run="two")
        show(second, 0, somebody(1), camera="yard")
        wait_until(lambda: server.requests)
        second.close()
        assert {body[1] for body in phases(server)} == {1}
        assert {json.loads(one.body)["alarm_id"] for one in server.requests} == {"two-1"}
        assert [one.alarm_id for one in first.alarms(only_open=True)] == ["one-1"]
        (found,) = AlarmStore(path, "x").alarms(9, only_open=True)
        assert found.alarm_id == "one-1"
        first.close()
        third = open_desk(path, server.url, run="three")
        wait_until(lambda: len(server.requests) == 4)
        assert not third.alarms(only_open=True), "what the first has left is sent by the next run"
        third.close()
    assert [one.name for one in tmp_path.iterdir()] == ["a.db"]


def test_a_disk_that_takes_nothing_delays_no_alarm(
    tmp_path: Path, open_desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    with hook_server() as server:
        desk = open_desk(tmp_path / "a.db", server.url, run="one")
        works = AlarmStore.save

        def full(*_: object) -> None:
            raise SinkError("cannot keep alarms: No space left on device")

        monkeypatch.setattr(AlarmStore, "save", full)
        show(desk, 0, somebody(1))
        wait_until(lambda: server.requests)
        assert "keeping alarms stopped: cannot keep alarms: No space" in caplog.text
        monkeypatch.setattr(AlarmStore, "save", works)
        show(desk, 1, somebody(1), somebody(2))
        wait_until(lambda: len(server.requests) == 2)
    desk.close()
    store = AlarmStore(tmp_path / "a.db", "x")
    assert len(store.alarms(9)) == 2
    assert [one.message.phase for one in store.pending()] == ["cleared", "cleared"]


def test_cool_down_and_hourly_limit_outlive_a_restart(
    tmp_path: Path, open_desk, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(scripts, "UTC", time.time())
    path, rule = tmp_path / "a.db", AlarmRule("bare", cool_down_s=600)
    with hook_server() as server:
        first = open_desk(path, server.url, rule, run="one")
        show(first, 0, somebody(1))
        wait_until(lambda: server.requests)
        first.close()
        second = open_desk(path, server.url, rule, run="two")
        show(second, 0, somebody(1))
        assert second.find("two-1").muted == "cool-down"
        second.close()
        limited = AlarmRule("bare", max_per_hour=1)
        third = open_desk(path, server.url, limited, run="three")
        show(third, 0, somebody(1))
        assert third.find("three-1").muted == "hourly limit"
        assert [phase for phase, _ in phases(server)].count("began") == 1


def test_a_disk_that_hangs_delays_an_alarm_for_a_moment_at_most(
    tmp_path: Path, open_desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(journal, "SAVE_TIMEOUT_S", 0.2)
    release = Event()
    works = AlarmStore.save

    def hang(store: AlarmStore, *arguments: object) -> None:
        release.wait()
        works(store, *arguments)  # type: ignore[arg-type]

    with hook_server() as server:
        desk = open_desk(tmp_path / "a.db", server.url, run="one")
        monkeypatch.setattr(AlarmStore, "save", hang)
        show(desk, 0, somebody(1))
        wait_until(lambda: server.requests)
        for number in range(2, 8):
            show(desk, number, somebody(number))
        wait_until(lambda: len(server.requests) == 13)
        assert caplog.text.count("the disk does not answer; they are sent all the same") == 1
        release.set()
        wait_until(lambda: len(AlarmStore(tmp_path / "a.db", "x").alarms(99)) == 7)
        desk.close()
    store = AlarmStore(tmp_path / "a.db", "x")
    assert [one.message.phase for one in store.pending()] in ([], ["cleared"])
