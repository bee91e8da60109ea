"""The event log's lines and the snapshots' files."""

from __future__ import annotations

import errno
import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from threading import Thread

import cv2
import numpy as np
import pytest

from maskdet.detections import Detections
from maskdet.errors import SinkError
from maskdet.frame import Frame
from maskdet.observation import Observation
from maskdet.sinks import event_log, log_rotation, output_pipes
from maskdet.sinks.event_log import EventLog
from maskdet.sinks.log_compression import Compressor
from maskdet.sinks.log_rotation import Rotation
from maskdet.sinks.snapshots import save_snapshot
from tests.sinks.channels.servers import wait_until

ROOT = Path(__file__).resolve().parents[2]
IMAGE = np.zeros((40, 60, 3), np.uint8)


def observation(index: int = 0, faces: Detections | None = None, **counts: int) -> Observation:
    frame = Frame(
        IMAGE,
        index,
        1_700_000_000.123456,
        1.0,
        "rtsp://admin:***@10.0.0.7/",
        position=12.5 + (index - 3) / 10,
        utc=1_700_000_000.5,
    )
    return Observation(frame, faces or Detections.empty(), counts)


def test_a_line_is_what_the_contract_says(tmp_path: Path) -> None:
    faces = Detections(
        [[1, 2, 30.333333, 40], [5, 6, 7, 8]], [0.97654321, 0.5], [1, 3], np.array([7, -1])
    )
    log = EventLog(tmp_path / "events.jsonl")
    log.write(observation(3, faces))
    log.write(observation(4, faces[:1], with_mask=5))
    log.close()
    log.close()
    first, second = map(json.loads, (tmp_path / "events.jsonl").read_text().splitlines())
    assert first == {
        "frame": 3,
        "time": 1_700_000_000.123456,
        "source": "rtsp://admin:***@10.0.0.7/",
        "detections": [
            {"box": [1, 2, 30.33, 40], "score": 0.9765, "state": "without_mask", "track_id": 7},
            {"box": [5, 6, 7, 8], "score": 0.5, "state": "unsure", "track_id": None},
        ],
        "counts": {"with_mask": 0, "without_mask": 1, "mask_weared_incorrect": 0, "unsure": 1},
        "version": 1,
        "utc": "2023-11-14T22:13:20.500Z",
        "position": 12.5,
        "width": 60,
        "height": 40,
        "file": None,
    }
    assert second["counts"] == {"with_mask": 5}  # as the observation states them, if it does


def test_faces_without_tracking_have_no_track_id(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "e")
    log.write(observation(0, Detections([[1, 2, 3, 4]], [0.9], [0])))
    log.close()
    assert json.loads((tmp_path / "e").read_text())["detections"][0]["track_id"] is None


def test_each_line_can_be_read_at_once(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    log = EventLog(path)
    for i in range(3):
        log.write(observation(i))
        lines = path.read_text().splitlines(keepends=True)
        assert [json.loads(line)["frame"] for line in lines] == list(range(i + 1))
        assert lines[-1].endswith("\n")
    log.close()


@pytest.mark.parametrize(
    ("left", "kept"),
    [
        ('{"frame":0}\n', ['{"frame":0}']),
        ('{"frame":0}', ['{"frame":0}']),
        ("", []),
        ('{"frame":0}\n{"frame":1,"ti', ['{"frame":0}']),  # torn by a kill
        ('{"frame":0}\n{"fr', ['{"frame":0}']),
        ('{"frame":1,"time":' + "1" * 3000, []),
        ("somebody's note", ["somebody's note"]),  # not ours to delete
    ],
)
def test_an_existing_log_is_repaired_and_continued(
    tmp_path: Path, left: str, kept: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "events.jsonl"
    path.write_text(left)
    log = EventLog(path, append=True)
    log.write(observation(1))
    log.close()
    *before, last = path.read_text().splitlines()
    assert before == kept and json.loads(last)["frame"] == 1
    torn = len(left.splitlines()) > len(kept)
    assert caplog.messages == [f"{path}: its last line, which was cut off, was taken out"] * torn


def test_a_log_that_is_moved_away_or_deleted_is_begun_again(tmp_path: Path) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    log = EventLog(folder / "events.jsonl")
    log.write(observation(0))

    def write_until_it_is_there() -> None:
        deadline = time.monotonic() + 60
        while not (folder / "events.jsonl").exists():
            assert time.monotonic() < deadline
            log.write(observation(1))
            time.sleep(0.05)

    (folder / "events.jsonl").rename(folder / "events.jsonl.1")
    write_until_it_is_there()
    shutil.rmtree(folder)
    write_until_it_is_there()
    log.close()
    assert json.loads((folder / "events.jsonl").read_text().splitlines()[0])["frame"] == 1


def test_standard_output(tmp_path: Path) -> None:
    script = (
        "from tests.sinks.test_event_log import *\n"
        "print('before')\nlog = EventLog('-')\nlog.write(observation(5))\nlog.close()\nprint('on')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True
    )
    before, line, after = done.stdout.splitlines()
    assert (before, json.loads(line)["frame"], after) == ("before", 5, "on")


def test_reader_that_went_away_is_one_line(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    log = EventLog(f"/proc/self/fd/{write}") if sys.platform == "linux" else None
    os.close(write)
    if log is None:
        pytest.skip("a pipe by name is Linux")
    with pytest.raises(SinkError, match="cannot write events to .*: Broken pipe"):
        log.write(observation())
    log.close()


@pytest.mark.skipif(sys.platform == "win32", reason="named pipes are POSIX")
def test_a_pipe_that_nobody_reads_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(output_pipes.open_named_pipe, "__kwdefaults__", {"timeout": 0.2})
    with pytest.raises(SinkError, match="pipe: nobody reads this pipe .*; start its reader first$"):
        EventLog(tmp_path / "pipe")


@pytest.mark.skipif(sys.platform == "win32", reason="named pipes are POSIX")
def test_a_pipe_waits_for_its_reader_and_names_one_that_stops_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(event_log, "_STALL_S", 0.1)
    opened: list[EventLog] = []
    opening = Thread(target=lambda: opened.append(EventLog(tmp_path / "pipe")))
    opening.start()
    reader = os.open(tmp_path / "pipe", os.O_RDONLY)  # waits for the writer, as `cat` does
    opening.join()
    log = opened[0]
    writing = Thread(target=lambda: [log.write(observation(index)) for index in range(400)])
    writing.start()
    wait_until(lambda: "pipe is full: its reader has taken nothing" in capsys.readouterr().err)
    data = b""
    while data.count(b"\n") < 400:
        data += os.read(reader, 1 << 16)
    writing.join()
    log.close()
    os.close(reader)
    assert [json.loads(line)["frame"] for line in data.splitlines()] == list(range(400))


@pytest.mark.skipif(sys.platform == "win32", reason="named pipes are POSIX")
def test_a_pipe_takes_more_than_it_holds_as_soon_as_it_is_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    pipe, written = output_pipes.open_named_pipe(tmp_path / "pipe"), []
    writing = Thread(target=lambda: written.append(pipe.write(b"x" * 1_000_000)))
    writing.start()
    os.set_blocking(reader, True)
    taken = 0
    while taken < 1_000_000 and (part := os.read(reader, 1 << 16)):
        taken += len(part)
        if written and written[0] != 1_000_000:
            break
    writing.join()
    pipe.close()
    os.close(reader)
    assert written == [1_000_000] and taken == 1_000_000


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_reported_once_and_again_at_the_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    log = EventLog("/dev/full")
    for i in range(5):
        log.write(observation(i))
    [line] = caplog.messages
    assert line.startswith("writing events to /dev/full stopped: No space left on device; check")
    with pytest.raises(SinkError, match=r"failed for the last 0 s: .*; 5 lines are missing"):
        log.close()
    log.close()


FULL = """
import logging, resource, signal, sys, time
from tests.sinks.test_event_log import *

logging.basicConfig(format="%(message)s", stream=sys.stdout)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
log = EventLog(sys.argv[1], retry_seconds=0.2)
written = 0

def write(seconds):
    global written
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        log.write(observation(written))
        written += 1
        time.sleep(0.005)

resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
write(0.5)
print(len(open(sys.argv[1]).read().splitlines()), open(sys.argv[1]).read()[-1] == "\\n")
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
write(2)
log.close()
print(written)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="file size limits are Unix")
def test_where_the_disk_fills_lines_are_whole_and_go_on_when_there_is_room(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path)], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    stopped, so_far, goes_on, written = done.stdout.splitlines()
    assert stopped.startswith(f"writing events to {path} stopped: File too large; ")
    found = re.search(r"goes on after \d+ s; (\d+) lines are missing", goes_on)
    frames = [json.loads(line)["frame"] for line in path.read_text().splitlines()]
    count, ends_whole = so_far.split()
    assert ends_whole == "True" and frames[: int(count)] == list(range(int(count)))
    assert frames[-1] == int(written) - 1
    assert found and len(frames) + int(found[1]) == int(written)


@pytest.mark.parametrize("where", ["file/events.jsonl", "."])
def test_a_log_that_cannot_be_opened_is_one_line(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SinkError, match="cannot write events to .*; check folder and rights$"):
        EventLog(tmp_path / where)


def test_snapshots_get_names_of_their_own(tmp_path: Path) -> None:
    image = np.full((40, 60, 3), (10, 200, 90), np.uint8)
    paths = [save_snapshot(image, tmp_path / "new") for _ in range(3)]
    assert len(set(paths)) == 3
    assert sorted((tmp_path / "new").iterdir()) == sorted(paths)  # and nothing else is left
    for path in paths:
        read = cv2.imread(str(path))
        assert read is not None
        assert (read == image).all()


def test_snapshot_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(SinkError, match=r"cannot save a snapshot in .*: No space left"):
        save_snapshot(IMAGE, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_snapshot_folder_that_is_a_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SinkError, match="cannot save a snapshot"):
        save_snapshot(IMAGE, tmp_path / "file")


def frames_in(path: Path) -> list[int]:
    return [json.loads(line)["frame"] for line in path.read_text().splitlines()]


def test_a_second_run_leaves_the_first_one_s_lines_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "seen.jsonl"
    path.touch()  # nothing is in it: it is taken
    for run in range(3):
        log = EventLog(path)
        log.write(observation(run))
        log.close()
    names = ["seen.jsonl", "seen-2.jsonl", "seen-3.jsonl"]
    assert [frames_in(tmp_path / name) for name in names] == [[0], [1], [2]]
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith(f"{path} is there already; events go to {tmp_path / names[1]} (")
    assert names[2] in second and log.name == str(tmp_path / names[2]) and log.lines == 1


def test_a_line_for_each_change_of_the_counts_of_a_source(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "e", every="change")
    faces = [0, 0, 1, 1, 2, 0, 0]
    for index, count in enumerate(faces):
        found = Detections([[1, 2, 30, 40]] * count, [0.9] * count, [0] * count)
        log.write(observation(index, found))
    log.close()
    assert frames_in(tmp_path / "e") == [0, 2, 4, 5] and log.lines == 4


def test_a_line_every_so_many_seconds_of_the_source(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "e", every="seconds", seconds=0.5)
    for index in range(30):  # ten a second, from 12.2 s on
        log.write(observation(index))
    log.close()
    assert frames_in(tmp_path / "e") == [0, 3, 8, 13, 18, 23, 28]


def test_a_log_is_rotated_by_size_and_the_oldest_go(tmp_path: Path) -> None:
    path, strange = tmp_path / "e.jsonl", tmp_path / "e-notes.jsonl"
    strange.write_text("mine")
    log = EventLog(path, rotation=Rotation(max_bytes=1000, keep=2))
    for index in range(40):
        log.write(observation(index))
    log.close()
    aside = sorted(tmp_path.glob("e-2*.jsonl"), key=lambda p: frames_in(p)[0])
    assert len(aside) == 2 and strange.read_text() == "mine"
    assert all(0 < p.stat().st_size <= 1000 for p in (*aside, path))
    kept = [frame for p in (*aside, path) for frame in frames_in(p)]
    assert kept == list(range(kept[0], 40))


def test_a_log_is_rotated_by_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = EventLog(tmp_path / "e", rotation=Rotation(seconds=60))
    log.write(observation(0))
    now = time.monotonic()
    monkeypatch.setattr(log_rotation.time, "monotonic", lambda: now + 61)
    log.write(observation(1))
    log.write(observation(2))
    log.close()
    (aside,) = tmp_path.glob("e-2*")
    assert frames_in(aside) == [0] and frames_in(tmp_path / "e") == [1, 2]


def frames_of_compressed(path: Path) -> list[int]:
    return [json.loads(line)["frame"] for line in gzip.decompress(path.read_bytes()).splitlines()]


def test_files_put_aside_are_compressed_and_lose_no_line(tmp_path: Path) -> None:
    path, left = tmp_path / "e.jsonl", tmp_path / "e-20260131-235959.jsonl"
    left.write_text('{"frame":0}\n')  # of a run that was killed before it was compressed
    (tmp_path / ".e-20260131-235959.jsonl.gz").write_bytes(b"cut off")
    log = EventLog(path, rotation=Rotation(max_bytes=1000, compress=True))
    for index in range(1, 40):
        log.write(observation(index))
        time.sleep(0.001)
    deadline = time.monotonic() + 60
    while list(tmp_path.glob("e-*.jsonl")) and time.monotonic() < deadline:
        time.sleep(0.01)
    log.close()
    aside = sorted(tmp_path.glob("e-*.gz"), key=frames_of_compressed)
    assert {p.name for p in tmp_path.iterdir()} == {path.name, *(p.name for p in aside)}
    assert aside[0].name == f"{left.name}.gz"
    kept = [frame for p in aside for frame in frames_of_compressed(p)] + frames_in(path)
    assert kept == list(range(40))


def test_compressed_files_count_among_those_kept(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    for run in range(3):
        log = EventLog(path, append=True, rotation=Rotation(max_bytes=1, keep=2, compress=True))
        for index in range(5):
            log.write(observation(5 * run + index))
        deadline = time.monotonic() + 60
        while list(tmp_path.glob("e-*.jsonl")) and time.monotonic() < deadline:
            time.sleep(0.01)
        log.close()
    aside = [p for p in tmp_path.iterdir() if p.name.startswith("e-")]
    assert {p.suffix for p in aside} == {".gz"}
    frames = [frames_of_compressed(p) if p.suffix == ".gz" else frames_in(p) for p in aside]
    assert sorted(frames) == [[12], [13]] and frames_in(path) == [14]


def test_no_name_is_used_twice_while_its_file_may_be_being_compressed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str] = []
    rename = Path.rename

    def renamed(path: Path, target: Path) -> Path:
        names.append(target.name)
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", renamed)
    log = EventLog(tmp_path / "e.jsonl", rotation=Rotation(max_bytes=1, keep=1, compress=True))
    for index in range(30):
        log.write(observation(index))
    log.close()
    assert len(names) == 29 and len(set(names)) == 29


def test_what_is_no_file_cannot_be_rotated() -> None:
    with pytest.raises(SinkError, match="/dev/null: only a file can be rotated"):
        EventLog("/dev/null", rotation=Rotation(max_bytes=9))


def test_a_file_that_cannot_be_compressed_stays_and_the_next_is(tmp_path: Path, caplog) -> None:
    (tmp_path / "e-1.jsonl").mkdir()  # cannot be read as a file, also by root
    (tmp_path / "e-2.jsonl").write_text('{"frame":0}\n')
    compressor = Compressor()
    for number in (1, 2):
        compressor.add(tmp_path / f"e-{number}.jsonl")
    wait_until(lambda: not (tmp_path / "e-2.jsonl").exists())
    compressor.close()
    assert "e-1.jsonl stays uncompressed: Is a directory" in caplog.text
    assert frames_of_compressed(tmp_path / "e-2.jsonl.gz") == [0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["e-1.jsonl", "e-2.jsonl.gz"]


def test_two_monitors_never_write_one_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "seen.jsonl"
    first, second = EventLog(path), EventLog(path)  # nothing is written yet: it looks unused
    for log, run in [(second, 1), (first, 0)]:
        log.write(observation(run))
    line = f"{path} is being written by another monitor; events go to {tmp_path / 'seen-2.jsonl'}"
    assert capsys.readouterr().err.splitlines() == [line]
    going_on = EventLog(path, append=True)  # its repair would cut a line that is being written
    going_on.write(observation(2))
    for log in (first, second, going_on):
        log.close()
    names = ["seen.jsonl", "seen-2.jsonl", "seen-3.jsonl"]
    assert [frames_in(tmp_path / name) for name in names] == [[0], [1], [2]]
    EventLog(path, append=True).close()
    assert capsys.readouterr().err.splitlines() == [line.replace("seen-2", "seen-3")]


def test_a_log_that_another_monitor_began_after_it_was_moved_away_is_left_to_that_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "seen.jsonl"
    first = EventLog(path)
    first.write(observation(0))
    path.rename(tmp_path / "seen.jsonl.1")
    second = EventLog(path)
    second.write(observation(1))

    def goes_on() -> bool:
        first.write(observation(2))
        return (tmp_path / "seen-2.jsonl").exists()

    wait_until(goes_on)
    first.close(), second.close()
    assert frames_in(path) == [1] and frames_in(tmp_path / "seen-2.jsonl") == [2]
    assert first.name == str(tmp_path / "seen-2.jsonl")
    assert "seen.jsonl is being written by another monitor" in capsys.readouterr().err


def test_of_many_monitors_begun_at_once_each_writes_a_log_of_its_own(tmp_path: Path) -> None:
    script = (
        "import sys\nfrom tests.sinks.test_event_log import *\nsys.stdin.readline()\n"
        f"log = EventLog({str(tmp_path / 'seen.jsonl')!r})\n"
        "for index in range(50): log.write(observation(index))\nlog.close()\n"
    )
    runs = [
        subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, cwd=ROOT)
        for _ in range(4)
    ]
    for run in runs:
        assert run.stdin is not None
        run.stdin.close()
    assert [run.wait(60) for run in runs] == [0] * 4
    written = sorted(tmp_path.iterdir())
    assert [frames_in(path) for path in written] == [list(range(50))] * 4
