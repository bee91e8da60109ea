"""Somebody deletes a person or a day: rows, pictures, clips, and the list of a running monitor."""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from maskdet.__main__ import main
from maskdet.live.alarms import journal
from maskdet.live.alarms.desk import AlarmDesk
from maskdet.sinks.store.alarm_store import AlarmStore
from maskdet.sinks.store.schema import open_for_writing
from tests.helpers.monitors import StartMonitor
from tests.live.alarms.test_desk import open_desk, show  # noqa: F401  (a fixture)
from tests.people.alarms.scripts import somebody
from tests.sinks.channels.messages import message
from tests.sinks.channels.servers import hook_server, wait_until

NOON = 1_780_000_000.0
UTC = ("--timezone", "UTC")


def test_a_person_is_deleted_with_picture_and_clip(
    tmp_path: Path, start_monitor: StartMonitor, capfd: pytest.CaptureFixture[str]
):
    """The whole monitor on the demo, whose store then is a minute older."""
    store = tmp_path / "people.db"
    monitor = start_monitor(
        "sources=[{source: demo, name: hall}, {source: demo, name: yard}]",
        "headless=true",
        "max_seconds=5",
        "alarms.rules=[{name: bare}]",
        "alarms.clips={enabled: true, before: 1, after: 1}",
        f"snapshots={tmp_path}",
        f"store={store}",
    )
    _, errors = monitor.communicate(timeout=60)
    assert monitor.returncode == 0, errors
    with contextlib.closing(open_for_writing(store)) as connection:
        connection.execute("UPDATE visits SET first_seen = first_seen - 3600, is_over = 1")
        connection.execute("UPDATE alarms SET began = began - 3600, cleared = cleared - 3600")
    files = sorted(path.suffix for path in (tmp_path / "alarms").iterdir())
    assert files == [".jpg", ".jpg", ".mp4", ".mp4"]
    assert main(["export-events", str(store), "--csv", "-"]) == 0
    person = re.search(r"[0-9a-f]{32}/hall/\d+", capfd.readouterr().out)
    assert person
    assert main(["delete-events", str(store), "--person", person[0]]) == 0
    assert "rows, 2 pictures and clips of alarms" in capfd.readouterr().err
    (left,) = AlarmStore(store, "x").alarms(9)
    assert left.camera == "yard" and Path(left.snapshot).is_file() and Path(left.clip).is_file()
    assert len(list((tmp_path / "alarms").iterdir())) == 2


def stored(folder: Path) -> Path:
    """Four alarms at one camera, two of them with one clip; a visit for each but the last."""
    path = folder / "people.db"
    store = AlarmStore(path, "a" * 32)
    (folder / "alarms").mkdir()
    visits = []
    for number, (began, clip) in enumerate(
        ((0, "one"), (30, "one"), (4000, "two"), (100_000, "three")), 1
    ):
        for name in (f"{number}.jpg", f"{clip}.mp4"):
            (folder / "alarms" / name).write_bytes(b"x")
        alarm = replace(
            message("began", f"a-{number}").alarm,
            camera="door",
            track_id=number,
            began=NOON + began,
            changed=NOON + began + 5,
            cleared=NOON + began + 5,
            snapshot=str(folder / "alarms" / f"{number}.jpg"),
            clip=os.path.join("alarms", f"{clip}.mp4"),  # as earlier versions wrote them
        )
        store.save([alarm])
        visits.append(("a" * 32, "door", number, NOON + began, 10.0, "without_mask", 0.9, 0, 1))
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(
            "INSERT INTO visits (run, camera, track_id, first_seen, seconds, state, certainty,"
            " is_still, is_over) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            visits[:3],
        )
    return path


def there(folder: Path) -> set[str]:
    return {path.name for path in (folder / "alarms").iterdir()}


def test_what_others_alarms_show_of_a_person_goes_too(tmp_path: Path):
    store = stored(tmp_path)
    assert main(["delete-events", str(store), "--person", f"{'a' * 32}/door/1"]) == 0
    assert there(tmp_path) == {"2.jpg", "3.jpg", "4.jpg", "two.mp4", "three.mp4"}
    left = {one.alarm_id: one.clip for one in AlarmStore(store, "x").alarms(9)}
    assert left == {"a-2": "", "a-3": "alarms/two.mp4", "a-4": "alarms/three.mp4"}


def test_a_day_is_deleted_with_its_files(tmp_path: Path):
    store = stored(tmp_path)
    assert main(["delete-events", str(store), "--day", "2026-05-28", *UTC]) == 0
    assert there(tmp_path) == {"4.jpg", "three.mp4"}
    assert [one.alarm_id for one in AlarmStore(store, "x").alarms(9)] == ["a-4"]


def test_a_file_that_cannot_be_deleted_keeps_the_rows(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
):
    store = stored(tmp_path)
    picture = tmp_path / "alarms" / "1.jpg"
    picture.unlink()
    picture.mkdir()  # not to be removed as a file, for root too
    assert main(["delete-events", str(store), "--person", f"{'a' * 32}/door/1"]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert f"no row was deleted, as {picture} cannot be deleted: " in line and "repeat" in line
    assert len(AlarmStore(store, "x").alarms(9)) == 4
    picture.rmdir()
    assert main(["delete-events", str(store), "--person", f"{'a' * 32}/door/1"]) == 0


def test_a_running_monitor_forgets_what_was_deleted(
    tmp_path: Path,
    open_desk: Callable[..., AlarmDesk],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(journal, "_DELETED_INTERVAL_S", 0.1)
    path = tmp_path / "a.db"
    with hook_server() as server:
        desk = open_desk(path, server.url, run="one")
        show(desk, 0, somebody(1), somebody(2))
        show(desk, 10, somebody(2))
        wait_until(lambda: len(server.requests) == 3)
        wait_until(lambda: not AlarmStore(path, "x").pending())
        gone = next(one.alarm_id for one in desk.alarms() if not one.is_open)
        with contextlib.closing(open_for_writing(path)) as connection:
            connection.execute("DELETE FROM alarms WHERE alarm_id = ?", (gone,))
        desk.acknowledge(gone)  # by somebody whose page still has it
        wait_until(lambda: desk.find(gone) is None)
        assert [one.is_open for one in desk.alarms()] == [True]
        desk.attach_clip(gone, "late.mp4")
        desk.close()
    assert gone not in {one.alarm_id for one in AlarmStore(path, "x").alarms(9)}


def test_what_was_deleted_is_reported_once(tmp_path: Path):
    path = tmp_path / "people.db"
    store = AlarmStore(path, "a" * 32)
    store.save([message("began", f"a-{number}").alarm for number in (1, 2)])
    assert store.deleted() == []
    with contextlib.closing(open_for_writing(path)) as connection:
        connection.execute("DELETE FROM alarms WHERE alarm_id = 'a-1'")
    assert store.deleted() == ["a-1"]
    assert store.deleted() == []
