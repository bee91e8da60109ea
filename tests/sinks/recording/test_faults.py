"""Faults of disks and people under a recording that runs: it goes on when it can."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maskdet.errors import SinkError
from maskdet.observation import Observation
from maskdet.sinks.recording.recorder import Recorder
from maskdet.sinks.recording.recording_switch import RecordingSwitch
from tests.helpers.monitors import fill
from tests.sinks.recording.test_recorder import noisy, observation, probe

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="faults are injected on Unix")
SEGMENTS = pytest.mark.parametrize("seconds", [None, 1], ids=["one file", "segments"])


class Feed:
    """Writes observations as a camera of 20 frames a second would, only faster."""

    def __init__(self, recorder: Recorder, make: Callable[..., Observation] = observation) -> None:
        self.recorder, self.make, self.count = recorder, make, 0

    def __call__(self, frames: int = 1) -> None:
        for _ in range(frames):
            self.recorder.write(self.make(self.count, self.count / 20))
            self.count += 1
            time.sleep(0.005)

    def until(self, done: Callable[[], bool], seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < deadline
            self()


MakeRecorder = Callable[..., Recorder]


@pytest.fixture
def recorder_in() -> Iterator[MakeRecorder]:
    """Makes recorders that are closed whatever happens."""
    made = []

    def make(folder: Path, seconds: float | None = None, **options: Any) -> Recorder:
        options = {"segment_seconds": seconds, "retry_seconds": 0.3, **options}
        made.append(Recorder(folder / "door.mp4", **options))
        return made[-1]

    yield make
    for recorder in made:
        with contextlib.suppress(SinkError):
            recorder.close()


def videos(folder: Path) -> list[Path]:
    assert not list(folder.glob("*.part"))
    return sorted(folder.glob("*.mp4"))


@SEGMENTS
def test_a_folder_that_is_deleted_is_made_again(
    recorder_in: MakeRecorder,
    tmp_path: Path,
    seconds: float | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    recorder = recorder_in(folder, seconds)
    feed = Feed(recorder)
    feed(15)
    shutil.rmtree(folder)
    feed.until(lambda: recorder.failing)
    feed.until(lambda: not recorder.failing)
    feed(30)
    recorder.close()
    stopped, goes_on = caplog.messages
    assert stopped.startswith(f"recording to {folder}/door.mp4 stopped: the file or its folder")
    assert goes_on.startswith(f"recording to {folder}/door.mp4 goes on after ")
    assert sum(len(probe(path)[0]) for path in videos(folder)) >= 30


def test_a_folder_that_moved_keeps_what_was_recorded(
    recorder_in: MakeRecorder, tmp_path: Path
) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    recorder = recorder_in(folder, None)
    feed = Feed(recorder)
    feed(40)
    folder.rename(tmp_path / "moved")
    feed.until(lambda: recorder.failing)
    feed.until(lambda: not recorder.failing)
    recorder.close()
    assert len(probe(tmp_path / "moved" / "door.mp4")[0]) >= 20


@SEGMENTS
def test_a_full_disk_is_reported_once_and_recorded_to_again_when_there_is_room(
    recorder_in: MakeRecorder,
    small_disk: Path,
    seconds: float | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    recorder = recorder_in(small_disk, seconds)
    feed = Feed(recorder, noisy)
    filler = fill(small_disk, 600_000)
    feed.until(lambda: recorder.failing)
    before = len(caplog.messages)
    feed(100)  # half a second at a full disk: not another word, not another file
    assert recorder.failing and len(caplog.messages) == before == 1
    assert "stopped: No space left on device; check disk space" in caplog.messages[0]
    for path in videos(small_disk):
        assert len(probe(path)[0]) > 0
    filler.unlink()
    feed.until(lambda: not recorder.failing)
    recorder.close()
    assert len(caplog.messages) == 2 and "pictures are missing" in caplog.messages[1]
    assert sum(len(probe(path)[0]) for path in videos(small_disk)) > 40
    assert set(videos(small_disk)) == set(recorder.paths)


def test_retention_keeps_a_small_disk_from_filling(
    recorder_in: MakeRecorder, small_disk: Path
) -> None:
    from maskdet.sinks.recording.files.retention import Retention

    fill(small_disk, 3_000_000)
    retention = Retention(keep_free_bytes=2_000_000)
    recorder = recorder_in(small_disk, segment_bytes=200_000, retention=retention)
    feed = Feed(recorder, noisy)
    feed.until(lambda: recorder.files >= 12, 60)
    recorder.close()
    assert not recorder.failing
    assert 1 <= len(videos(small_disk)) < 10
    assert shutil.disk_usage(small_disk).free > 1_500_000


def test_a_disk_that_becomes_read_only(
    recorder_in: MakeRecorder, small_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = recorder_in(small_disk, 1)
    feed = Feed(recorder)
    feed.until(lambda: recorder.files > 0)
    subprocess.run(["mount", "--bind", "-o", "ro", small_disk, small_disk], check=True)
    feed.until(lambda: recorder.failing)
    [part] = small_disk.glob("*.part")  # which cannot get its name
    subprocess.run(["umount", small_disk], check=True)
    feed.until(lambda: not recorder.failing)
    recorder.close()
    stopped, recovered, goes_on = caplog.messages
    assert "stopped: Read-only file system" in stopped and "goes on" in goes_on
    assert recovered.startswith(f"recovered {part.with_suffix('')}")
    assert len(probe(part.with_suffix(""))[0]) > 0 and not list(small_disk.glob("*.part"))


def test_a_read_only_folder_is_reported_at_the_start(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(SinkError, match=r"cannot record to .*door\.mp4: .*disk is read-only"):
        Recorder(small_disk / "door.mp4")


def test_a_run_that_ends_in_trouble_says_so(
    recorder_in: MakeRecorder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "a" / "videos"
    folder.mkdir(parents=True)
    recorder = recorder_in(folder, None)
    shutil.rmtree(folder.parent)  # nor can it be made again
    feed = Feed(recorder)
    feed(50)
    assert recorder.failing
    with pytest.raises(SinkError, match=r"failed for the last \d+ s: No such file") as raised:
        recorder.close()
    assert "\n" not in str(raised.value) and len(caplog.messages) == 1
    recorder.close()


def test_a_disk_that_hangs_holds_up_nobody(
    recorder_in: MakeRecorder,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The recorder's thread stands still, as it does in a write to a network drive that is away."""
    monkeypatch.setattr("maskdet.sinks.recording.recorder._WRITE_TIMEOUT_S", 0.3)
    answer = threading.Event()

    def draw(each: Observation) -> np.ndarray:
        answer.wait()
        return each.frame.image

    recorder = recorder_in(tmp_path, draw=draw)
    feed = Feed(recorder)
    began = time.monotonic()
    feed(200)
    assert time.monotonic() - began < 6 and recorder.failing
    answer.set()
    feed.until(lambda: not recorder.failing)
    recorder.close()
    assert "stopped: the disk does not answer" in caplog.messages[0]
    assert len(caplog.messages) == 2
    assert len(probe(tmp_path / "door.mp4")[0]) > 10


@SEGMENTS
def test_a_disk_that_hangs_holds_up_no_end(
    recorder_in: MakeRecorder, tmp_path: Path, seconds: float | None
) -> None:
    answer = threading.Event()

    def draw(each: Observation) -> np.ndarray:
        if each.frame.index >= 20:
            answer.wait(20)
        return each.frame.image

    recorder = recorder_in(tmp_path, seconds, draw=draw)
    Feed(recorder)(26)
    began = time.monotonic()
    try:
        with pytest.raises(SinkError, match="the disk does not answer; what it did not take is"):
            recorder.close()
        assert time.monotonic() - began < 4  # strictly .5 after the last picture; it never ended
    finally:
        answer.set()
    recorder.close()  # nothing hangs any more
    assert sum(len(probe(path)[0]) for path in videos(tmp_path)) == 26


def test_a_slow_encoder_is_waited_for(recorder_in: MakeRecorder, tmp_path: Path) -> None:
    def draw(each: Observation) -> np.ndarray:
        time.sleep(0.2)
        return each.frame.image

    recorder = recorder_in(tmp_path, draw=draw)
    Feed(recorder)(8)
    recorder.close()
    assert len(probe(tmp_path / "door.mp4")[0]) == 8


def test_a_switch_that_cannot_begin_says_so_and_can_be_tried_again(
    recorder_in: MakeRecorder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "new").touch()  # a file in the folder's place
    switch = RecordingSwitch(lambda: Recorder(tmp_path / "new" / "a.mp4"))
    switch.toggle()
    switch.write(observation(0, 0.0))
    assert not switch.on and "cannot be made" in caplog.messages[0]
    (tmp_path / "new").unlink()
    switch.toggle()
    switch.write(observation(1, 0.1))
    assert switch.on and not switch.failing
    switch.close()
    assert switch.files == 1 and len(probe(switch.paths[0])[0]) == 1
    with contextlib.suppress(SinkError):
        switch.close()
