"""The whole monitor, killed and at a full disk: what it leaves, and how it goes on."""

from __future__ import annotations

import json
import os
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.helpers.monitors import MONITOR, ROOT, StartMonitor, fill
from tests.sinks.recording.test_recorder import images_in, probe
from tests.whole_run import slow

pytestmark = pytest.mark.timeout(180)


def lines_in(path: Path) -> list[dict[str, Any]]:
    """Every line of an event log, each of them whole."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def recordings_in(status: Path) -> list[str | None]:
    """The state of each source's recording, as a status file has it."""
    return [source["recording"] for source in json.loads(status.read_text())["sources"]]


def wait_until(done: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
def test_kill_9_costs_a_second_and_the_next_start_goes_on(
    tmp_path: Path, start_monitor: StartMonitor
):
    events = tmp_path / "e.jsonl"
    options = ["sources=[demo]", "headless=true", f"events={events}", "events.append=true"]
    options += [f"record={tmp_path}/door.mp4", "recording.segment_seconds=1.5"]
    process = start_monitor(*options)
    wait_until(lambda: list(tmp_path.glob("*.mp4")) and list(tmp_path.glob("*.part")))
    time.sleep(1.0)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    seen = lines_in(events)
    with events.open("a") as file:  # as when the machine, not only the process, had died
        file.write('{"frame":99,"time":17')

    process = start_monitor(*options, "max_frames=5")
    _, reported = process.communicate(timeout=60)
    assert process.returncode == 0, reported
    assert (
        reported.count("recovered ") == 1
        and "was taken out" in reported
        and "Traceback" not in reported
    )
    assert not list(tmp_path.glob("*.part"))
    *earlier, _ = sorted(tmp_path.glob("*.mp4"))
    assert len(earlier) >= 2
    missing = len(seen) - sum(images_in(path) for path in earlier)
    assert missing <= 25 + 2  # a second of the demo
    assert [line["frame"] for line in lines_in(events)[len(seen) :]] == [0, 1, 2, 3, 4]


def test_a_full_disk_is_reported_and_outlived(
    small_disk: Path,
    tmp_path: Path,
    start_monitor: StartMonitor,
):
    events = small_disk / "e.jsonl"
    filler = fill(small_disk, 300_000)
    process = start_monitor(
        "sources=[demo, {source: demo, name: second}]",
        *("headless=true", f"events={events}", f"summary={small_disk}/s.json"),
        *(f"record={small_disk}/door.mp4", "recording.segment_seconds=2"),
        f"status={tmp_path}/status.json",
    )
    assert process.stderr is not None
    reported = [next(line for line in process.stderr if "fps" not in line)]
    assert "No space left on device" in reported[0]
    time.sleep(1.0)
    assert process.poll() is None
    wait_until(lambda: "failing" in recordings_in(tmp_path / "status.json"))
    filler.unlink()
    wait_until(lambda: recordings_in(tmp_path / "status.json") == ["running", "running"])
    while sum(" goes on after " in line for line in reported) < sum(
        "stopped:" in line for line in reported
    ):
        reported.append(process.stderr.readline())
        assert reported[-1], reported
    process.send_signal(signal.SIGTERM)
    rest = process.communicate(timeout=60)[1]
    reported += rest.splitlines()
    assert lines_in(events)
    assert process.returncode == 0, reported
    assert not any("Traceback" in line or "internal error" in line for line in reported)
    for output in ("recording to ", "writing events to "):
        stopped = [line for line in reported if line.startswith(f"monitor.py: {output}")]
        assert len(stopped) <= 2 * 2, (
            reported
        )  # of each source: that it stopped, and that it goes on
    assert json.loads((small_disk / "s.json").read_text())["frames"]["processed"] > 100
    for path in small_disk.glob("*.mp4"):
        assert len(probe(path)[0]) > 0


@pytest.mark.parametrize("fault", ["full", "gone"])
def test_a_summary_that_cannot_be_written_is_a_line(
    tmp_path: Path,
    small_disk: Path,
    start_monitor: StartMonitor,
    fault: str,
):
    process = start_monitor(
        "sources=[demo]", "headless=true", f"summary={small_disk}/s.json", "max_seconds=1"
    )
    if fault == "full":
        fill(small_disk, 0)
    else:
        subprocess.run(["umount", small_disk], check=True)
        small_disk.rmdir()
        small_disk.write_text("")  # a folder that is missing would be made
    _, reported = process.communicate(timeout=60)
    assert process.returncode == 2 and "Traceback" not in reported
    assert f"{small_disk}/s.json" in reported.splitlines()[-1] or "cannot write" in reported
    if fault == "gone":
        small_disk.unlink()
        small_disk.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", small_disk], check=True)


@pytest.mark.parametrize("stderr", ["2> /dev/full", slow("2> >(exit)"), slow("2>&-")])
def test_messages_that_nobody_takes_end_no_run(tmp_path: Path, stderr: str):
    """A full disk, a closed pipe, none at all; a picture that is broken makes a message."""
    folder, summary = tmp_path / "pictures", tmp_path / "s.json"
    folder.mkdir()
    for name in "abc":
        (folder / f"{name}.png").write_bytes(b"no picture")
    settings = f"sources=[{folder}, demo]", "headless=true", "max_seconds=2", f"summary={summary}"
    done = subprocess.run(
        ["bash", "-c", f'"$0" -c "$1" 0 "${{@:2}}" {stderr}', sys.executable, MONITOR, *settings],
        cwd=ROOT,
        timeout=60,
        stdout=subprocess.PIPE,
    )
    assert done.returncode == 3  # the folder's, as ever
    assert done.stdout == b""
    assert json.loads(summary.read_text())["frames"]["processed"] > 3


def test_a_detector_that_hangs_keeps_nobody_from_quitting(
    tmp_path: Path, start_monitor: StartMonitor
):
    events, summary = tmp_path / "e.jsonl", tmp_path / "s.json"
    process = start_monitor(
        "sources=[demo]",
        *("headless=true", f"events={events}", f"summary={summary}", f"record={tmp_path}/r.mp4"),
        delay=600,
    )
    wait_until(events.exists)
    time.sleep(2)  # by now it looks at the first frame
    asked = time.monotonic()
    process.send_signal(signal.SIGTERM)
    _, reported = process.communicate(timeout=60)
    assert time.monotonic() - asked < 5  # strictly 1; it was ten minutes
    assert process.returncode == 0, reported
    assert reported.count("detector did not end in time and was left") == 1
    assert "processed 0 of " in reported and "Traceback" not in reported
    assert json.loads(summary.read_text())["frames"]["captured"] > 0


@pytest.mark.skipif(sys.platform == "win32", reason="named pipes")
def test_an_event_log_that_nobody_reads_keeps_nobody_from_quitting(
    tmp_path: Path, start_monitor: StartMonitor
):
    """A pipe that is full: a write to it hangs, as one to a network drive that is away."""
    import fcntl

    pipe, summary = tmp_path / "pipe", tmp_path / "s.json"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)
        process = start_monitor(
            "sources=[demo]",
            *("headless=true", f"events={pipe}", f"summary={summary}", f"record={tmp_path}/r.mkv"),
        )
        wait_until(lambda: unread(reader) > 3000)
        time.sleep(2)  # by now it is full
        asked = time.monotonic()
        process.send_signal(signal.SIGTERM)
        _, reported = process.communicate(timeout=60)
    finally:
        os.close(reader)
    assert time.monotonic() - asked < 5  # strictly 1; it never ended
    assert reported.count("did not end in time and was left") == 1 and "Traceback" not in reported
    assert process.returncode == 2 and f"{pipe} does not answer; lines may be missing" in reported
    frames = json.loads(summary.read_text())["frames"]["processed"]
    assert 0 <= frames - images_in(tmp_path / "r.mkv") <= 1  # the one whose line is stuck


def unread(pipe: int) -> int:
    import fcntl
    import termios

    return int(struct.unpack("i", fcntl.ioctl(pipe, termios.FIONREAD, b"\0" * 4))[0])
