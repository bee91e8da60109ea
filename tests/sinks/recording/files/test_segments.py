"""Segments of a recording: whole under their names, recovered after a kill, kept so long."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from maskdet.sinks.recording.files.fragment_recovery import playable_bytes
from maskdet.sinks.recording.files.retention import Retention
from maskdet.sinks.recording.files.segments import PART, Segments
from maskdet.sinks.recording.recorder import Recorder
from tests.sinks.recording.test_recorder import images_in, noisy, observation, probe

ROOT = Path(__file__).resolve().parents[4]
NAME = re.compile(r"door-\d{8}-\d{6}(-\d+)?\.(mp4|mkv)")
SUFFIXES = pytest.mark.parametrize("suffix", [".mp4", ".mkv"])


@SUFFIXES
def test_segments_by_time_hold_every_picture_in_order(tmp_path: Path, suffix: str) -> None:
    recorder = Recorder(tmp_path / f"door{suffix}", segment_seconds=1)
    for i in range(70):
        recorder.write(observation(i, i / 25))
    recorder.close()
    assert sorted(recorder.paths) == sorted(tmp_path.iterdir())
    assert recorder.files == 3 and all(NAME.fullmatch(path.name) for path in recorder.paths)
    counts = [len(probe(path)[0]) for path in recorder.paths]
    assert counts == [25, 25, 20]
    for path, count in zip(recorder.paths, counts, strict=True):
        times, _, seconds = probe(path)
        assert times[0] == 0  # each plays alone, from its own key frame on
        assert seconds == pytest.approx(count / 25, abs=0.1)


def test_segments_by_size(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "door.mp4", segment_bytes=60_000)
    for i in range(60):
        recorder.write(noisy(i, i / 20))
    recorder.close()
    sizes = [path.stat().st_size for path in recorder.paths]
    assert len(sizes) > 2
    assert all(60_000 <= size < 250_000 for size in sizes[:-1])  # and half a second's fragment


@SUFFIXES
def test_what_is_read_along_is_whole_under_its_name(tmp_path: Path, suffix: str) -> None:
    """A reader lists the folder all the time while segments come."""
    recorder = Recorder(tmp_path / f"door{suffix}", segment_seconds=1)
    seen: dict[str, int] = {}
    for i in range(80):
        recorder.write(observation(i, i / 20))
        for path in tmp_path.glob(f"*{suffix}"):
            size = path.stat().st_size
            assert seen.setdefault(path.name, size) == size  # it never grows under that name
            assert playable_bytes(path, suffix) > 0
    assert list(tmp_path.glob(f"*{suffix}{PART}"))
    recorder.close()
    assert seen and not list(tmp_path.glob(f"*{PART}"))
    assert sum(len(probe(path)[0]) for path in recorder.paths) == 80


def test_two_recordings_into_one_folder_in_the_same_second(tmp_path: Path) -> None:
    both = [Recorder(tmp_path / "door.mp4", segment_seconds=1) for _ in range(2)]
    for i in range(30):
        for recorder in both:
            recorder.write(observation(i, i / 25))
    for recorder in both:
        recorder.close()
    paths = [path for recorder in both for path in recorder.paths]
    assert len(set(paths)) == len(paths) == 4
    assert [len(probe(path)[0]) for path in paths] == [25, 5] * 2


KILLED = """
import itertools, sys, time
from maskdet.sinks.recording.recorder import Recorder
from tests.sinks.recording.test_recorder import noisy

recorder = Recorder(sys.argv[1], segment_seconds=1)
for i in itertools.count():
    recorder.write(noisy(i, i / 25))
    print(i, flush=True)
    time.sleep(0.04)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is Unix")
@SUFFIXES
def test_a_killed_run_is_recovered_at_the_next_start(
    tmp_path: Path, suffix: str, caplog: pytest.LogCaptureFixture
) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path / f"door{suffix}")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) == 20:  # its files are its own while it lives
                Recorder(tmp_path / f"door{suffix}", segment_seconds=1).close()
            if int(line) == 74:
                process.send_signal(signal.SIGKILL)
                break
    assert caplog.messages == []
    finished = set(tmp_path.glob(f"*{suffix}"))
    [part] = tmp_path.glob(f"*{PART}")
    with part.open("ab") as file:
        file.write(b"\0\0\1\0moof torn off" if suffix == ".mp4" else b"\x1f\x43\xb6\x75\x41\x00to")
    Recorder(tmp_path / f"door{suffix}", segment_seconds=1).close()
    [recovered] = set(tmp_path.iterdir()) - finished
    assert recovered.name == part.name.removesuffix(PART)
    assert caplog.messages == [f"recovered {recovered}, which was cut off while it was written"]
    assert (
        sum(images_in(path) for path in (*finished, recovered)) > 74 - 25
    )  # a second holds at most 25 of them


def test_leftovers_without_a_picture_go_and_what_is_not_ours_stays(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("door-20260101-000000.mp4.part", "x.mp4.part", "door-1.mp4", "door-x.mp4.part"):
        (tmp_path / name).write_bytes(b"\0\0\0\x08free")
    Recorder(tmp_path / "door.mp4", segment_seconds=1).close()
    assert caplog.messages == [
        f"{tmp_path}/door-20260101-000000.mp4.part held no whole picture and was removed"
    ]
    assert {path.name for path in tmp_path.iterdir()} == {
        "x.mp4.part", "door-1.mp4", "door-x.mp4.part",
    }  # fmt: skip


@SUFFIXES
def test_wherever_a_file_is_cut_off_the_rest_plays(tmp_path: Path, suffix: str) -> None:
    recorder = Recorder(tmp_path / f"a{suffix}")
    for i in range(40):
        recorder.write(observation(i, i / 10))
    recorder.close()
    whole = (tmp_path / f"a{suffix}").read_bytes()
    cut, last = tmp_path / "cut", 0
    for length in range(0, len(whole), 97):
        cut.write_bytes(whole[:length])
        playable = playable_bytes(cut, suffix)
        assert last <= playable <= length
        if playable > last:
            cut.write_bytes(whole[:playable])
            assert images_in(cut) > 0
        last = playable
    assert last > 0.8 * len(whole)


def kept(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def old_segments(tmp_path: Path) -> list[Path]:
    """Five segments of 1000 bytes, a day apart, the last of them of just now; and other files."""
    paths = [tmp_path / f"door-2026010{i}-120000.mp4" for i in range(1, 6)]
    for days, path in zip(range(4, -1, -1), paths, strict=True):
        path.write_bytes(bytes(1000))
        os.utime(path, (time.time() - days * 86400 - 60,) * 2)
    for name in ("door.mp4", "gate-20200101-120000.mp4", "door-20260101-120000.mkv"):
        (tmp_path / name).write_bytes(bytes(1000))
        os.utime(tmp_path / name, (1_600_000_000,) * 2)
    return paths


def tidy(folder: Path, **limits: float) -> None:
    Segments(folder / "door.mp4", Retention(**limits)).tidy()


@pytest.mark.parametrize(
    ("limits", "left"),
    [
        ({}, 5),
        ({"keep_seconds": 2.5 * 86400}, 3),
        ({"keep_bytes": 3500}, 3),
        ({"keep_bytes": 3500, "keep_seconds": 86000}, 1),
        ({"keep_bytes": 10}, 0),
        ({"keep_free_bytes": 1}, 5),
    ],
)
def test_the_oldest_go_and_nothing_but_segments(
    old_segments: list[Path], tmp_path: Path, limits: dict[str, float], left: int
) -> None:
    tidy(tmp_path, **limits)
    assert [path.exists() for path in old_segments] == [False] * (5 - left) + [True] * left
    assert len(kept(tmp_path)) == 3 + left


def test_a_part_counts_and_stays(old_segments: list[Path], tmp_path: Path) -> None:
    part = tmp_path / "door-20260106-120000.mp4.part"
    part.write_bytes(bytes(2000))
    tidy(tmp_path, keep_bytes=3500)
    assert part.exists() and [path.exists() for path in old_segments] == [False] * 4 + [True]


def test_more_free_than_the_disk_can_give_is_a_fault(
    old_segments: list[Path], tmp_path: Path
) -> None:
    with pytest.raises(OSError, match=r"only [0-9.e+]+ GB are free, and recording\.keep_free_gb"):
        tidy(tmp_path, keep_free_bytes=1e15)
    assert not any(path.exists() for path in old_segments)


def test_a_clock_that_leaps_deletes_nothing(
    old_segments: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A board without a battery starts in 1970 and learns the time of day minutes later."""
    os.utime(old_segments[0], (100, 100))
    segments = Segments(tmp_path / "door.mp4", Retention(keep_seconds=10 * 86400))
    segments.tidy()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 366 * 86400)
    segments.tidy()
    assert all(path.exists() for path in old_segments)


@pytest.mark.skipif(sys.platform == "win32", reason="ownership of folders is Unix")
def test_what_cannot_be_deleted_is_reported_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "door-20260101-000000.mp4").mkdir()  # made by another program: no file
    segments = Segments(tmp_path / "door.mp4", Retention(keep_bytes=1))
    segments.tidy()
    segments.tidy()
    assert len(caplog.messages) == 1 and "cannot: " in caplog.messages[0]
