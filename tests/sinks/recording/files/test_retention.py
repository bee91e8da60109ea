"""Retention while a recording runs: what it makes room for, and what is reported of it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from maskdet.errors import SinkError
from maskdet.live.conclusion import report_recorded
from maskdet.sinks.recording.files.retention import Retention
from maskdet.sinks.recording.recorder import Recorder
from maskdet.sinks.recording.recording_switch import RecordingSwitch
from tests.helpers.monitors import fill
from tests.sinks.recording.test_faults import Feed
from tests.sinks.recording.test_recorder import noisy, observation

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="small disks are made on Unix")
MakeFeed = Callable[[Retention], Feed]


@pytest.fixture
def feed_on(small_disk: Path) -> Iterator[MakeFeed]:
    """Makes recordings on a small disk that are closed whatever happens."""
    made = []

    def make(retention: Retention) -> Feed:
        made.append(
            Recorder(
                small_disk / "door.mp4",
                segment_bytes=200_000,
                retention=retention,
                retry_seconds=0.3,
            )
        )
        return Feed(made[-1], noisy)

    yield make
    for recorder in made:
        with contextlib.suppress(SinkError):
            recorder.close()


def test_a_disk_that_fills_at_once_is_emptied_by_retention(
    feed_on: MakeFeed, small_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Another program is faster than the look at the disk every ten seconds."""
    old = small_disk / "door-20260101-120000.mp4"
    old.write_bytes(bytes(30_000_000))
    feed = feed_on(Retention(keep_free_bytes=1_000_000))
    feed(5)
    fill(small_disk, 0)
    feed.until(lambda: feed.recorder.failing)
    feed.until(lambda: not feed.recorder.failing)
    feed.recorder.close()
    assert not old.exists()
    stopped, goes_on = caplog.messages
    assert "No space left" in stopped and "goes on" in goes_on


def test_at_the_end_too_little_free_space_is_still_the_reason(
    feed_on: MakeFeed, small_disk: Path
) -> None:
    fill(small_disk, 3_000_000)
    feed = feed_on(Retention(keep_free_bytes=5e9))
    feed.until(lambda: feed.recorder.failing)
    feed(100)  # beyond the next attempt
    reason = r"only 0\.00\d+ GB are free, and recording\.keep_free_gb asks for 5 GB; check"
    with pytest.raises(SinkError, match=reason):
        feed.recorder.close()


@pytest.mark.parametrize("many", [False, True])
def test_what_retention_has_deleted_is_counted_and_not_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], many: bool
) -> None:
    def new_recorder() -> Recorder:
        return Recorder(tmp_path / "door.mp4", segment_seconds=1)

    recording = RecordingSwitch(new_recorder, on=True)
    for i in range(60 if many else 15):
        recording.write(observation(i, i / 5))
    recording.close()
    kept = list(recording.paths)
    report_recorded([("door", recording)])
    assert "no longer" not in (whole := capsys.readouterr().err) and "still" not in whole
    kept.pop(0).unlink()
    report_recorded([("door", recording)])
    if many:
        assert capsys.readouterr().err == (
            f"recorded 12 files, the last of them {kept[-1]}; 11 of them are still there\n"
        )
        return
    assert capsys.readouterr().err == (
        f"recorded {kept[0]}\nrecorded {kept[1]}\nrecorded 1 more file, which is no longer there\n"
    )
    for path in kept:
        path.unlink()
    report_recorded([("door", recording)])
    assert capsys.readouterr().err == "recorded 3 files, which are no longer there\n"
