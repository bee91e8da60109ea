"""The event store outlives disks, kills, locks and clocks, and counts nothing twice."""

from __future__ import annotations

import contextlib
import itertools
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from maskdet.detections import MaskState
from maskdet.errors import SinkError
from maskdet.sinks.store import event_store
from maskdet.sinks.store.deletion import (
    Limits,
    delete_before,
    delete_between,
    delete_person,
    used_bytes,
)
from maskdet.sinks.store.event_store import EventStore
from maskdet.sinks.store.ledger import MAX_CONFIRMATION_S, Ledger
from maskdet.sinks.store.migrations import MIGRATIONS
from maskdet.sinks.store.schema import (
    BUSY_TIMEOUT_S,
    TIME_COLUMNS,
    migrate,
    open_for_reading,
    open_for_writing,
)
from maskdet.system.threads import Worker
from tests.helpers.monitors import ROOT, StallingDisk, StartMonitor, fill
from tests.sinks.store.scenes import NOON, a_visit, happened, observed, person

pytestmark = pytest.mark.timeout(60)


def rows(path: Path, table: str, columns: str = "*") -> list[tuple[object, ...]]:
    with contextlib.closing(open_for_reading(path)) as connection:
        return connection.execute(f"SELECT {columns} FROM {table}").fetchall()


def wait_until(done: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause of a second ends sooner where a shorter one is set."""
    monkeypatch.setattr("maskdet.sinks.store.event_store._WAKE_S", 0.05)


@pytest.fixture
def store_at() -> Iterator[Callable[..., EventStore]]:
    """Makes stores that are closed whatever happens."""
    made: list[EventStore] = []

    def make(path: Path, **options: object) -> EventStore:
        made.append(EventStore(path, write_seconds=0.05, retry_seconds=0.2, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for store in made:
        with contextlib.suppress(SinkError):
            store.close()


def test_a_visit_is_kept_with_all_that_happened(tmp_path: Path, store_at):
    path = tmp_path / "new folder" / "people.db"
    store = store_at(path)
    for observation in a_visit(1, NOON):
        store.write(observation)
    changed = happened("state", 2, NOON + 7, MaskState.without_mask, previous=MaskState.with_mask)
    store.write(observed(NOON + 7, [person(2, since=NOON + 7)], [changed]))
    store.close()
    store.close()
    visits = "track_id, first_seen, seconds, state, is_over"
    assert rows(path, "visits", visits) == [
        (1, NOON, 6.0, "with_mask", 1),
        (2, NOON + 7, 0.0, "with_mask", 0),
    ]
    assert rows(path, "stays", "zone, time, seconds, is_over") == [("till", NOON + 1, 2.0, 1)]
    assert rows(path, "crossings", "line, direction, time") == [("in", "in", NOON + 2)]
    assert rows(path, "changes", "track_id, previous, state") == [(2, "with_mask", "without_mask")]
    assert rows(path, "minutes", "minute, frames, up_s, peak, with_mask_s") == [
        (int(NOON), 8, 7.0, 1, 5.0)
    ]
    assert len(rows(path, "runs")) == len(rows(path, "cameras")) == 1


def test_others_read_while_it_is_written(tmp_path: Path, store_at):
    path = tmp_path / "people.db"
    store = store_at(path)
    store.write(observed(NOON, [person(1, since=NOON)], [happened("appeared", 1, NOON)]))
    wait_until(lambda: rows(path, "visits"))
    with contextlib.closing(open_for_reading(path)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM stays").fetchone() == (0,)
        for observation in a_visit(2, NOON + 1):
            store.write(observation)
        wait_until(lambda: rows(path, "stays"))
        assert reader.execute("SELECT count(*) FROM stays").fetchone() == (0,)
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader.execute("DELETE FROM visits")


def test_the_state_worn_longest_counts_and_a_still_face_does_not():
    ledger = Ledger("run", "1", NOON)
    for second in range(10):
        state = MaskState.with_mask if second < 7 else MaskState.without_mask
        somebody = replace(person(1, state, since=NOON), longest=MaskState.with_mask)
        seen = [somebody, replace(person(2, state, since=NOON), still=True)]
        ledger.add(observed(NOON + second, seen))
    found = ledger.take(NOON + 10, with_open=True)
    assert found["visits", "run", "door", 1][3:] == (NOON, 9.0, "with_mask", 0.9, 0, 0, None)
    assert found["visits", "run", "door", 2][-3:] == (1, 0, None)
    assert found["minutes", "run", "door", int(NOON), 0][4:] == (10, 9.0, 1, 6.0, 3.0, 0.0, 0.0)


def test_a_clock_that_jumps_loses_and_doubles_nothing():
    ledger = Ledger("run", "1", NOON)
    clock = [0, 1, 2, -3600, -3599, -3598, 86_400, 86_401, 3, 4]
    who = person(1, since=NOON)
    for position, offset in enumerate(clock):
        ledger.add(observed(NOON + offset, [who], position=float(position)))
    found = ledger.take(NOON, with_open=True)
    minutes = [row for key, row in found.items() if key[0] == "minutes"]
    assert len(minutes) == 4
    assert sum(row[4] for row in minutes) == 10  # type: ignore[misc]  # frames
    assert sum(row[5] for row in minutes) == 9.0  # type: ignore[misc]  # seconds up
    assert found["visits", "run", "door", 1][4] == 9.0


def test_a_camera_that_never_came_and_a_gap_are_not_up():
    ledger = Ledger("run", "1", NOON)
    ledger.watch(["door", "yard"], NOON)
    for position in (0.0, 1.0, 31.0, 32.0):
        ledger.add(observed(NOON + position, position=position))
    found = ledger.take(NOON + 40, with_open=True)
    assert found["cameras", "run", "yard"] == ("run", "yard", NOON)
    assert found["minutes", "run", "door", int(NOON), 0][5] == 2.0
    assert found["runs", "run"] == ("run", NOON, NOON + 40, "1")


def test_a_recording_is_no_camera_that_is_to_be_up():
    ledger = Ledger("run", "1", NOON)
    ledger.watch(["yard"], NOON, files=["door"])
    ledger.note_camera("door", "running", NOON)
    for position in (0.0, 1.0):
        ledger.add(observed(NOON + position, position=position))
    found = ledger.take(NOON + 40, with_open=True)
    assert [key for key in found if key[0] == "cameras"] == [("cameras", "run", "yard")]
    assert found["minutes", "run", "door", int(NOON), 0][4] == 2


def test_an_address_of_a_recording_is_no_camera_either():
    """Whether an address is a camera's is known by its first frame, or without one for long."""
    ledger = Ledger("run", "1", NOON)
    ledger.watch(["door", "yard"], NOON)
    early = ledger.take(NOON + 1, with_open=True)
    assert not [key for key in early if key[0] == "cameras"]
    live = observed(NOON + 2, position=0.0)
    ledger.add(replace(live, frame=replace(live.frame, time=0.04)))  # a position in a file
    ledger.add(replace(live, frame=replace(live.frame, time=0.08, position=1.0)))
    found = ledger.take(NOON + 40, with_open=True)
    assert [key for key in found if key[0] == "cameras"] == [("cameras", "run", "yard")]
    assert found["minutes", "run", "door", int(NOON), 0][4] == 2


def test_somebody_who_is_never_reported_gone_is_ended_after_a_while():
    ledger = Ledger("run", "1", NOON)
    ledger.add(observed(NOON, [person(1, since=NOON)], captured=0.0))
    ledger.add(observed(NOON + 5, [person(1, since=NOON)], captured=5.0))
    ledger.take(NOON, with_open=True)
    ledger.add(observed(NOON + 200, captured=200.0))
    found = ledger.take(NOON + 200, with_open=False)
    assert found["visits", "run", "door", 1][3:5] == (NOON, 5.0)
    assert found["visits", "run", "door", 1][-2:] == (1, "unseen")
    assert not [key for key in ledger.take(NOON, with_open=True) if key[0] == "visits"]


@pytest.mark.parametrize(("stated", "kept"), [(5.4, 5.4), (5000.0, 5.0), (-3.0, 5.0)])
def test_an_end_whose_length_cannot_be_is_not_believed(stated: float, kept: float):
    """As after a clock that was set."""
    ledger = Ledger("run", "1", NOON)
    for second in (0, 5):
        ledger.add(observed(NOON + second, [person(1, since=NOON)]))
    ledger.add(observed(NOON + 6, events=[happened("gone", 1, NOON + 5, duration=stated)]))
    assert ledger.take(NOON + 6, with_open=False)["visits", "run", "door", 1][3:5] == (NOON, kept)


def test_who_was_there_before_they_were_confirmed_was_so_for_a_minute_at_most():
    ledger = Ledger("run", "1", NOON)
    ledger.add(observed(NOON, [person(1, since=NOON - 2), person(2, since=NOON - 3600)]))
    found = ledger.take(NOON, with_open=True)
    began = [found["visits", "run", "door", number][3] for number in (1, 2)]
    assert began == [NOON - 2, NOON - MAX_CONFIRMATION_S]


def test_who_comes_is_kept_at_once_as_their_crossings_are():
    """A kill within the next ten seconds leaves no crossing of nobody."""
    ledger = Ledger("run", "1", NOON)
    for observation in a_visit(1, NOON)[:3]:
        ledger.add(observation)
    found = ledger.take(NOON + 3, with_open=False)
    assert {key[0] for key in found} == {"visits", "stays", "crossings"}
    assert found["visits", "run", "door", 1][3:] == (NOON, 0.0, "with_mask", 0.9, 0, 0, None)


def test_rows_that_come_back_are_written_once_and_newer_ones_stay(tmp_path: Path):
    ledger = Ledger("run", "1", NOON)
    ledger.add(observed(NOON, [person(1, since=NOON)]))
    old = ledger.take(NOON, with_open=True)
    for observation in a_visit(1, NOON)[1:]:
        ledger.add(observation)
    ledger.put_back(old)
    assert ledger.take(NOON, with_open=False)["visits", "run", "door", 1][-2:] == (1, "left")


def test_rows_wait_up_to_a_limit_and_what_is_dropped_is_counted(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("maskdet.sinks.store.ledger.MAX_ROWS", 10)
    ledger = Ledger("run", "1", NOON)
    for number in range(20):
        crossed = happened("crossed", 1, NOON + number, place="in", direction="in")
        ledger.add(observed(NOON + number / 100, [], [crossed]))
    found = ledger.take(NOON, with_open=False)
    assert len(found) == 10 and ledger.dropped == 10
    assert max(key[-1] for key in found) == NOON + 19  # type: ignore[type-var]


WRITER = """
import sys, time
from maskdet.sinks.store.event_store import EventStore
from tests.sinks.store.scenes import a_visit, observed, person, NOON
store = EventStore(sys.argv[1], write_seconds=0.1)
store.watch(["door"])
for number in range(1, 4):
    for observation in a_visit(number, NOON + 10 * number):
        store.write(observation)
store.write(observed(NOON + 60, [person(9, since=NOON + 60)]))
time.sleep(60)
"""


def test_kill_9_loses_little_and_a_restart_counts_nothing_twice(tmp_path: Path):
    path = tmp_path / "people.db"
    for run in (1, 2):
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], cwd=ROOT)
        try:
            wait_until(lambda n=run: path.exists() and visits_or_none(path) == 4 * n)
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        over = rows(path, "visits WHERE is_over", "run, camera, track_id")
        assert len(over) == len(set(over)) == 3 * run
        assert len(rows(path, "crossings")) == len(rows(path, "stays")) == 3 * run
    with contextlib.closing(open_for_writing(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_what_happens_is_written_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Nothing else wakes the thread that writes, so that `kill -9` loses a moment alone."""
    monkeypatch.setattr("maskdet.sinks.store.event_store._WAKE_S", 3600)
    path = tmp_path / "people.db"
    with contextlib.closing(EventStore(path)) as store:
        for number in range(1, 4):
            for observation in a_visit(number, NOON + 10 * number):
                store.write(observation)
            wait_until(lambda n=number: visits_or_none(path) == n)
            wait_until(lambda n=number: len(rows(path, "crossings")) == n)


def visits_or_none(path: Path) -> int | None:
    try:
        return len(rows(path, "visits"))
    except (SinkError, sqlite3.Error):  # it is being made
        return None


def is_over(path: Path) -> bool:
    """Whether the one visit in a store is written to its end."""
    return visits_or_none(path) == 1 and rows(path, "visits", "is_over") == [(1,)]


@contextlib.contextmanager
def locked_store(path: Path, store_at: Callable[..., EventStore]) -> Iterator[EventStore]:
    """A store that another program locks for as long."""
    store_at(path).close()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield store_at(path)


def test_a_locked_store_is_reported_once_and_nothing_is_lost(
    tmp_path: Path, store_at, caplog: pytest.LogCaptureFixture
):
    path = tmp_path / "people.db"
    store_at(path).close()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        store = store_at(path)
        for observation in a_visit(1, NOON):
            store.write(observation)
        wait_until(lambda: caplog.messages)
        other.execute("ROLLBACK")
    wait_until(lambda: len(caplog.messages) == 2)
    store.close()
    assert len(rows(path, "visits")) == 1
    stopped, goes_on = caplog.messages
    assert stopped.startswith(f"writing people to {path} stopped: database is locked; nothing is")
    assert "0 rows are missing" in goes_on


@pytest.mark.parametrize("times", [1, 4])
def test_a_lock_that_is_let_go_delays_no_further_write(
    tmp_path: Path, times: int, caplog: pytest.LogCaptureFixture
):
    """A single write of others is no news; after several the next one is due as always."""
    path = tmp_path / "people.db"
    with (
        contextlib.closing(EventStore(path, write_seconds=0.05, retry_seconds=600)) as store,
        contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        for observation in a_visit(1, NOON):
            store.write(observation)
        wait_until(lambda: store._locked_times >= times)
        other.execute("ROLLBACK")
        wait_until(lambda: rows(path, "visits"))
    assert len(caplog.messages) == (times > 1)


def test_the_last_write_waits_for_another_one(tmp_path: Path, store_at):
    """Longer than SQLite does: on a busy machine the monitor's own uplink holds it so long."""
    path = tmp_path / "people.db"
    store = store_at(path)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        store.watch(["door"])
        wait_until(lambda: store.rows)
        other.execute("BEGIN IMMEDIATE")
        for observation in a_visit(1, NOON):
            store.write(observation)
        ending = Worker("end", store.close)
        ending.start()
        assert not ending.join(3 * BUSY_TIMEOUT_S)
        other.execute("ROLLBACK")
        assert ending.join(30) and ending.error is None
    assert rows(path, "visits", "is_over") == [(1,)] and len(rows(path, "crossings")) == 1


def test_many_rows_at_the_end_are_many_steps(tmp_path: Path, store_at, monkeypatch):
    """A disk that takes them slowly does not hang: each part of them is progress."""
    monkeypatch.setattr("maskdet.sinks.store.event_store._BATCH", 5)
    monkeypatch.setattr("maskdet.sinks.store.event_store._CLOSING_S", 0.5)
    write = event_store.write_rows
    slow = lambda *words: time.sleep(0.1) or write(*words)  # noqa: E731
    monkeypatch.setattr("maskdet.sinks.store.event_store.write_rows", slow)
    store = EventStore(tmp_path / "people.db", write_seconds=60)
    for number in range(1, 10):
        for observation in a_visit(number, NOON + 10 * number):
            store.write(observation)
    store.close()
    assert len(rows(tmp_path / "people.db", "visits")) == 9


def test_a_store_that_is_locked_to_the_end_is_an_error_with_the_number(
    tmp_path: Path, store_at, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("maskdet.sinks.store.event_store._LOCKED_S", 0.5)
    with locked_store(tmp_path / "people.db", store_at) as store:
        for observation in a_visit(1, NOON):
            store.write(observation)
        with pytest.raises(SinkError, match=r"database is locked; \d+ rows are missing"):
            store.close()


def test_rows_that_were_given_up_are_among_those_that_are_missing(
    tmp_path: Path, store_at, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("maskdet.sinks.store.event_store._LOCKED_S", 0.5)
    monkeypatch.setattr("maskdet.sinks.store.ledger.MAX_ROWS", 10)
    with locked_store(tmp_path / "people.db", store_at) as store:
        for number in range(1, 10):
            for observation in a_visit(number, NOON + 10 * number):
                store.write(observation)
        with pytest.raises(SinkError) as error:
            store.close()
    found = re.search(r"(\d+) rows are missing", str(error.value))
    assert found and int(found[1]) > 10


@pytest.mark.parametrize("content", [b"rubbish" * 1000, b"\0" * 9000], ids=["text", "zeros"])
def test_a_broken_store_is_set_aside_and_named(
    tmp_path: Path, store_at, caplog: pytest.LogCaptureFixture, content: bytes
):
    path = tmp_path / "people.db"
    path.write_bytes(content)
    store = store_at(path)
    for observation in a_visit(1, NOON):
        store.write(observation)
    store.close()
    (aside,) = tmp_path.glob("people-damaged-*.db")
    assert aside.read_bytes() == content
    (line,) = caplog.messages
    assert str(aside) in line and "a new store is begun" in line
    assert len(rows(path, "visits")) == 1


def test_a_store_that_is_damaged_meanwhile_is_set_aside(
    tmp_path: Path, store_at, caplog: pytest.LogCaptureFixture
):
    path = tmp_path / "people.db"
    store = store_at(path)
    for observation in a_visit(1, NOON):
        store.write(observation)
    # all of it: what is written after the checkpoint has whole pages in the log, which hide damage
    wait_until(lambda: is_over(path))
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.write(b"\xff" * 60_000)
    for number in range(2, 4):
        for observation in a_visit(number, NOON + 10 * number):
            store.write(observation)
    wait_until(lambda: any(visits_or_none(path) == n for n in (2, 3)))
    store.close()
    assert list(tmp_path.glob("people-damaged-*.db"))
    (line,) = (line for line in caplog.messages if "a new store is begun" in line)
    assert line.startswith(f"{path} is ")
    assert len(rows(path, "runs")) == len(rows(path, "cameras")) == 1


def test_rows_of_the_last_write_get_into_a_new_store_where_it_finds_damage(tmp_path: Path):
    path = tmp_path / "people.db"
    store = EventStore(path, write_seconds=0.5)
    store.watch(["door"])
    wait_until(lambda: store.rows)
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.write(b"\xff" * 60_000)
    for observation in a_visit(1, NOON):
        store.write(observation)
    store.close()
    assert list(tmp_path.glob("people-damaged-*.db"))
    assert len(rows(path, "visits")) == len(rows(path, "crossings")) == 1


def test_another_kind_of_file_is_left_alone(tmp_path: Path):
    video = tmp_path / "door.mp4"
    video.write_bytes(b"video" * 1000)
    with pytest.raises(SinkError, match="choose another file, such as people.db"):
        EventStore(video)
    contacts = tmp_path / "contacts.db"
    with contextlib.closing(sqlite3.connect(contacts)) as connection:
        connection.execute("CREATE TABLE contacts (name)")
    before = contacts.read_bytes()
    with pytest.raises(SinkError, match="a database of another program"):
        EventStore(contacts)
    assert contacts.read_bytes() == before and video.read_bytes() == b"video" * 1000


def test_a_newer_store_is_refused_and_left_alone(tmp_path: Path):
    path = tmp_path / "people.db"
    EventStore(path).close()
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    for open_it in (EventStore, open_for_reading):
        with pytest.raises(SinkError, match=r"newer maskdet \(version 99 .* update maskdet"):
            open_it(path)
    assert not list(tmp_path.glob("*damaged*"))


def test_an_older_store_is_migrated_forward_wholly_or_not_at_all(tmp_path: Path):
    path = tmp_path / "people.db"
    store = EventStore(path)
    for observation in a_visit(1, NOON):
        store.write(observation)
    store.close()
    newest = len(MIGRATIONS)
    newer = (*MIGRATIONS, "ALTER TABLE visits ADD COLUMN age INTEGER DEFAULT 7")
    with contextlib.closing(open_for_writing(path)) as connection:
        with pytest.raises(sqlite3.OperationalError):
            migrate(connection, (*MIGRATIONS, newer[newest] + "; CREATE TABLE visits (x)"))
        assert connection.execute("PRAGMA user_version").fetchone() == (newest,)
        assert "age" not in connection.execute("SELECT sql FROM sqlite_master").fetchall()
        migrate(connection, newer)
        assert connection.execute("PRAGMA user_version").fetchone() == (newest + 1,)
        assert connection.execute("SELECT track_id, age FROM visits").fetchall() == [(1, 7)]


def test_an_unusable_place_is_an_error_at_the_start(tmp_path: Path):
    (tmp_path / "file").write_text("")
    for place in (tmp_path, tmp_path / "file" / "people.db"):
        with pytest.raises(SinkError, match="cannot keep people in"):
            EventStore(place)


def test_a_store_that_is_moved_away_is_begun_again(
    tmp_path: Path, store_at, caplog: pytest.LogCaptureFixture
):
    folder = tmp_path / "kept"
    path = folder / "people.db"
    store = store_at(path)
    store.write(observed(NOON, [person(1, since=NOON)], [happened("appeared", 1, NOON)]))
    wait_until(lambda: visits_or_none(path) == 1)
    shutil.rmtree(folder)
    for observation in a_visit(2, NOON + 1):
        store.write(observation)
    wait_until(lambda: path.exists() and visits_or_none(path))
    store.close()
    assert {row[0] for row in rows(path, "visits", "track_id")} == {1, 2}
    assert any("moved or deleted" in line for line in caplog.messages)


def test_a_full_disk_is_outlived_and_nothing_is_lost(
    small_disk: Path,
    store_at,
    caplog: pytest.LogCaptureFixture,
):
    path = small_disk / "people.db"
    store = store_at(path)
    for observation in a_visit(1, NOON):
        store.write(observation)
    wait_until(lambda: visits_or_none(path) == 1)
    filler = fill(small_disk, 0)
    for number in range(2, 400):
        for observation in a_visit(number, NOON + 10 * number):
            store.write(observation)
    wait_until(lambda: caplog.messages)
    filler.unlink()
    wait_until(lambda: len(caplog.messages) > 1)
    store.close()
    stopped, goes_on = caplog.messages
    assert "stopped: database or disk is full" in stopped or "disk I/O" in stopped
    assert "0 rows are missing" in goes_on
    assert len(rows(path, "visits")) == len(rows(path, "crossings")) == 399


def test_a_disk_that_stays_full_is_one_line(
    small_disk: Path, store_at, caplog: pytest.LogCaptureFixture
):
    """Space that is freed where SQLite's log is brought into the file is no end of it."""
    path = small_disk / "people.db"
    store = store_at(path)
    store.write(a_visit(1, NOON)[0])
    wait_until(lambda: visits_or_none(path) == 1)
    filler = fill(small_disk, 100_000)
    for number in range(2, 60):
        for observation in a_visit(number, NOON + 10 * number):
            store.write(observation)
        time.sleep(0.02)
    filler.unlink()
    store.close()
    assert sum("stopped" in line for line in caplog.messages) <= 1
    assert len(rows(path, "visits")) == 59


def filled_store(path: Path, days: int, each: int, now: float) -> None:
    """A store with so many people on each of the days before now."""
    with contextlib.closing(open_for_writing(path)) as connection:
        ledger = Ledger("run", "1", now - days * 86_400)
        number = 0
        for day in range(days, 0, -1):
            for _ in range(each):
                number += 1
                for observation in a_visit(number, now - day * 86_400 + 60 + 9 * (number % each)):
                    ledger.add(observation)
        connection.execute("BEGIN")
        for (table, *_), row in ledger.take(now, with_open=True).items():
            places = ", ".join("?" * len(row))
            connection.execute(f"INSERT INTO {table} VALUES ({places})", row)
        connection.execute("COMMIT")


def test_retention_by_age_runs_in_the_sink(tmp_path: Path, store_at):
    path, now = tmp_path / "people.db", time.time()
    filled_store(path, days=6, each=5, now=now)
    store = store_at(path, limits=Limits(keep_seconds=3 * 86_400))
    store.watch(["door"])
    wait_until(lambda: visits_or_none(path) == 15)
    store.close()
    for table, column in TIME_COLUMNS.items():
        found = [row[0] for row in rows(path, table, column)]
        assert all(moment >= now - 3 * 86_400 - 60 for moment in found)  # type: ignore[operator]
        assert found or table in ("changes", "minutes", "alarms", "deliveries", "pauses")


def test_retention_by_size_runs_in_the_sink_and_shrinks_the_file(tmp_path: Path, store_at):
    path, now = tmp_path / "people.db", time.time()
    filled_store(path, days=10, each=400, now=now)
    before = path.stat().st_size
    store = store_at(path, limits=Limits(max_bytes=before / 2))
    store.watch(["door"])
    wait_until(lambda: path.stat().st_size <= before / 2)
    store.close()
    kept = sorted(row[0] for row in rows(path, "visits", "first_seen"))
    assert 1000 < len(kept) < 2000 and kept[-1] > now - 86_400 - 3600  # type: ignore[operator]


def test_a_clock_that_leaps_ahead_deletes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path, now = tmp_path / "people.db", time.time()
    filled_store(path, days=2, each=5, now=now)
    limits = Limits(keep_seconds=3 * 86_400)
    monkeypatch.setattr(time, "time", lambda: now + 365 * 86_400)
    with contextlib.closing(open_for_writing(path)) as connection:
        assert limits.enforce(connection) == 0


def test_a_row_of_a_clock_that_leapt_costs_no_other_rows(tmp_path: Path):
    path, now = tmp_path / "people.db", time.time()
    filled_store(path, days=10, each=100, now=now)
    with contextlib.closing(open_for_writing(path)) as connection:
        before = len(rows(path, "visits", "first_seen"))
        leapt = now + 70 * 365 * 86_400
        values = ("run", "door", 99_999, leapt, 3.0, "with_mask", 0.9, 0, 1, None)
        connection.execute(f"INSERT INTO visits VALUES ({', '.join('?' * 10)})", values)
        Limits(max_bytes=used_bytes(connection) - 1).enforce(connection)
    assert 0.8 * before < len(rows(path, "visits", "first_seen")) < before


def test_rows_of_one_moment_that_are_too_much_go_at_once(tmp_path: Path):
    """As a clock that stands still writes them; none of them is older than the others."""
    path = tmp_path / "people.db"
    with contextlib.closing(open_for_writing(path)) as connection:
        some = [("run", "door", i, NOON, 3.0, "with_mask", 0.9, 0, 1, None) for i in range(5000)]
        connection.executemany(f"INSERT INTO visits VALUES ({', '.join('?' * 10)})", some)
        steps = itertools.count()
        limits = Limits(max_bytes=used_bytes(connection) / 2)
        limits.enforce(connection, lambda: next(steps) > 20)
        assert next(steps) < 20 and used_bytes(connection) <= limits.max_bytes


def test_a_day_and_a_person_are_deleted_without_a_trace(tmp_path: Path):
    path = tmp_path / "people.db"
    filled_store(path, days=3, each=5, now=NOON)
    with contextlib.closing(open_for_writing(path)) as connection:
        assert delete_person(connection, "run", "door", 12) == 3
        assert delete_between(connection, NOON - 2 * 86_400, NOON - 86_400) > 15
        assert used_bytes(connection) == path.stat().st_size
    left = {row[0] for row in rows(path, "visits", "track_id")}
    assert left == {1, 2, 3, 4, 5, 11, 13, 14, 15}
    for table in ("crossings", "stays"):
        assert {row[0] for row in rows(path, table, "track_id")} == left


def test_what_sqlite_rolls_back_itself_is_reported_by_its_own_reason(tmp_path: Path):
    """As on a disk that is full, after which there is no transaction to roll back any more."""
    with contextlib.closing(open_for_writing(tmp_path / "people.db")) as connection:
        connection.execute("INSERT INTO runs VALUES ('1', 0, 1, '')")
        connection.execute(
            "CREATE TRIGGER full BEFORE DELETE ON runs BEGIN SELECT RAISE(ROLLBACK, 'no room'); END"
        )
        with pytest.raises(sqlite3.Error, match="no room"):
            delete_before(connection, 2.0)
        assert connection.execute("SELECT count(*) FROM runs").fetchone() == (1,)
        assert not connection.in_transaction


def test_the_monitor_keeps_its_cameras_and_a_second_run_adds_to_the_first(
    tmp_path: Path, start_monitor: StartMonitor
):
    path = tmp_path / "people.db"
    options = ["sources=[demo, {source: demo, name: second}]", "headless=true", "max_frames=20"]
    for _ in range(2):
        process = start_monitor(*options, f"store={path}")
        _, reported = process.communicate(timeout=60)
        assert process.returncode == 0, reported
        assert f"kept people and totals in {path}" in reported
    assert len(rows(path, "runs")) == 2
    assert {row[0] for row in rows(path, "cameras", "camera")} == {"demo", "second"}
    assert sum(row[0] for row in rows(path, "minutes", "frames")) == 40  # type: ignore[misc]


def test_a_disk_that_hangs_holds_up_neither_detection_nor_the_end(
    stalling_disk: StallingDisk, store_at
):
    path = stalling_disk.folder / "people.db"
    store = store_at(path)
    store.watch(["door"])
    wait_until(lambda: store.rows)
    stalling_disk.hang()
    try:
        for observation in a_visit(1, NOON):
            store.write(observation)
        time.sleep(0.2)  # it is writing, or about to
        with pytest.raises(SinkError, match="the disk does not answer"):
            store.close()
    finally:
        stalling_disk.answer()
    wait_until(lambda: visits_or_none(path) == 1)
