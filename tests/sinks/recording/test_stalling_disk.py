"""A disk that really hangs, as a network drive that is away: each call to it waits, and waits."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest

from maskdet.sinks.recording.recorder import Recorder
from maskdet.sinks.recording.recording_switch import RecordingSwitch
from tests.helpers.monitors import StallingDisk, StartMonitor
from tests.helpers.xserver import XServer, needs_xvfb
from tests.live.test_unattended import lines_in, wait_until
from tests.sinks.recording.test_recorder import images_in, observation

pytestmark = pytest.mark.timeout(180)


@pytest.mark.slow
def test_recording_stops_and_goes_on_and_quitting_waits_for_no_disk(
    tmp_path: Path, stalling_disk: StallingDisk, start_monitor: StartMonitor
):
    events, summary = tmp_path / "e.jsonl", tmp_path / "s.json"
    options = ["sources=[demo]", "headless=true", f"events={events}", f"summary={summary}"]
    options += [f"record={stalling_disk.folder}/door.mp4", "recording.segment_seconds=2"]
    process = start_monitor(*options)
    assert process.stderr is not None
    wait_until(lambda: list(stalling_disk.folder.glob("*.mp4")))

    stalling_disk.hang()
    reported = (line for line in process.stderr if "fps" not in line)  # less the counts
    assert "stopped: the disk does not answer" in next(reported)
    seen = len(lines_in(events))
    wait_until(lambda: len(lines_in(events)) > seen + 50)  # the monitor goes on meanwhile
    stalling_disk.answer()
    assert " goes on after " in next(reported)
    finished = len(list(stalling_disk.folder.glob("*.mp4")))
    wait_until(lambda: len(list(stalling_disk.folder.glob("*.mp4"))) > finished)

    stalling_disk.hang()
    time.sleep(1)  # by now something waits for it
    asked = time.monotonic()
    process.send_signal(signal.SIGTERM)
    _, rest = process.communicate(timeout=60)
    assert time.monotonic() - asked < 5  # strictly 1
    assert "the disk does not answer; what it did not take is left" in rest
    assert process.returncode == 2 and "Traceback" not in rest
    assert json.loads(summary.read_text())["frames"]["processed"] >= len(lines_in(events)) > 50

    stalling_disk.answer()
    again = start_monitor(*options, "max_frames=5")
    _, reported = again.communicate(timeout=60)
    assert again.returncode == 0, reported
    assert not list(stalling_disk.folder.glob("*.part"))
    assert all(images_in(path) for path in stalling_disk.folder.glob("*.mp4"))


@pytest.mark.slow
def test_every_output_on_it_keeps_nobody_from_quitting(
    stalling_disk: StallingDisk, start_monitor: StartMonitor
):
    folder = stalling_disk.folder
    process = start_monitor(
        *("sources=[demo]", "headless=true", f"record={folder}/door.mp4"),
        *(f"events={folder}/e.jsonl", f"summary={folder}/s.json"),
    )
    wait_until(lambda: (folder / "e.jsonl").exists() and lines_in(folder / "e.jsonl"))
    stalling_disk.hang()
    time.sleep(2)
    asked = time.monotonic()
    process.send_signal(signal.SIGTERM)
    _, reported = process.communicate(timeout=60)
    assert time.monotonic() - asked < 5  # strictly 1
    assert process.returncode == 2 and "Traceback" not in reported
    assert f"{folder}/s.json" in reported and f"{folder}/e.jsonl does not answer" in reported


def test_one_that_hangs_at_the_start_keeps_nobody_from_quitting(
    stalling_disk: StallingDisk, start_monitor: StartMonitor
):
    stalling_disk.hang()
    time.sleep(3)  # until then the system remembers the folder
    process = start_monitor(
        "sources=[demo]", "headless=true", f"record={stalling_disk.folder}/a.mp4"
    )
    time.sleep(4)  # by now it asks the disk whether it can be written to
    asked = time.monotonic()
    process.send_signal(signal.SIGTERM)
    _, reported = process.communicate(timeout=60)
    assert time.monotonic() - asked < 5  # strictly 1; it never ended
    assert process.returncode == 0 and "Traceback" not in reported


@pytest.mark.slow
def test_a_recording_begun_by_key_holds_up_detection_for_a_moment_only(
    stalling_disk: StallingDisk, caplog: pytest.LogCaptureFixture
):
    switch = RecordingSwitch(lambda: Recorder(stalling_disk.folder / "a.mp4"))
    stalling_disk.hang()
    time.sleep(3)  # until then the system remembers the folder
    switch.toggle()
    began = time.monotonic()
    switch.write(observation(0, 0.0))
    taken, on = time.monotonic() - began, switch.on
    switch.close()
    assert taken < 10 and not on
    assert caplog.messages == ["cannot record: the disk does not answer"]
    stalling_disk.answer()
    switch.toggle()
    switch.write(observation(1, 0.1))
    switch.close()
    assert len(switch.paths) == 1 and images_in(switch.paths[0]) == 1


@needs_xvfb
def test_a_snapshot_holds_up_the_window_for_a_moment_only(
    screen: XServer, stalling_disk: StallingDisk, start_monitor: StartMonitor
):
    process = start_monitor(
        "sources=[demo]", f"snapshots={stalling_disk.folder}", DISPLAY=screen.display
    )
    window = screen.find("maskdet: demo")
    time.sleep(2)  # by now a picture is shown
    stalling_disk.hang()
    screen.press(window, "s")
    assert process.stderr is not None
    assert "the disk does not answer" in process.stderr.readline()
    asked = time.monotonic()
    screen.press(window, "q")
    _, reported = process.communicate(timeout=60)
    assert time.monotonic() - asked < 5
    assert process.returncode == 0 and "Traceback" not in reported
