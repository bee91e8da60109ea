"""The main loop without a window: what it reports while it runs, and when it ends."""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from maskdet.detections import Detections
from maskdet.frame import Frame
from maskdet.live import headless
from maskdet.live.headless import ClockWatch, Watch
from maskdet.live.pipeline import Pipeline
from maskdet.live.status import status_reporter
from maskdet.live.status.progress_bar import ProgressBars
from maskdet.live.status.status_reporter import StatusReporter
from maskdet.observation import Observation, PeopleCounts
from tests.doubles import CollectingSink, ScriptedDetector, SyntheticSource, SyntheticVideo
from tests.helpers.monitors import StartMonitor


def face(state: int) -> Callable[[np.ndarray], Detections]:
    return lambda image: Detections([[1, 2, 30, 40]], [0.9], [state])


@pytest.mark.parametrize("is_live", [True, False])
def test_what_is_seen_is_reported_every_ten_seconds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], is_live: bool
):
    """Not a terminal: plain lines, as in a service's journal."""
    monkeypatch.setattr(status_reporter, "FIRST_LINE_S", 0.0)
    monkeypatch.setattr(status_reporter, "LINE_INTERVAL_S", 0.0)
    source = SyntheticSource(4, is_live=True, rate=50) if is_live else SyntheticVideo(4)
    if isinstance(source, SyntheticVideo):
        source.length = 0.2
    with Pipeline([source], ScriptedDetector(face(1))) as pipeline:
        Watch(pipeline, lambda: False).run()
    reported = [line for line in capsys.readouterr().err.splitlines() if " fps" in line]
    assert reported and all("mask 0, no mask 1, incorrect 0, unsure 0" in line for line in reported)
    if is_live:
        assert re.match(
            r"synthetic: mask 0, .*; camera [\d.]+ fps, detect .* fps, \d frames", reported[0]
        )
    else:
        assert re.match(r"synthetic: 0:00 of 0:00 \(\d+ %\), about .* left; mask 0", reported[1])


def test_a_clock_that_is_set_is_a_line_for_each_jump(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    wrong, real = [0.0], time.time
    monkeypatch.setattr(headless.time, "time", lambda: real() + wrong[0])
    clock = ClockWatch()
    for wrong[0] in (0.0, 2.0, -7200.0, -7200.0, 0.0):  # the first step is a time service's
        clock.check()
    back, forward = capsys.readouterr().err.splitlines()
    assert "the clock went back by 2 h 0 min; people and totals go on" in back
    assert "the clock went forward by 2 h 0 min" in forward


def test_the_first_line_comes_within_a_second_and_the_next_ten_seconds_later(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    now = [100.0]
    monkeypatch.setattr(status_reporter.time, "monotonic", lambda: now[0])
    sources = [SyntheticSource(1, name=f"cam {i}", is_live=True) for i in (1, 2)]
    pipeline = Pipeline(sources, ScriptedDetector())
    status = StatusReporter(pipeline)
    moments = []

    def see(*states: int) -> None:
        count = len(states)
        found = Detections([[1, 2, 30, 40]] * count, [0.9] * count, states)
        image = np.zeros((9, 9, 3), np.uint8)
        status.add(Observation(Frame(image, 0, 0.0, 0.0, "cam 1"), found, found.counts()))

    see(0)
    for tick in range(250):
        now[0] = 100 + tick / 10
        if tick == 50:
            see(0, 0, 2)
            see(1)
        status.poll()
        if reported := capsys.readouterr().err.splitlines():
            moments.append((tick / 10, reported))
    assert [moment for moment, _ in moments] == pytest.approx([0.5, 10.5, 20.5], abs=0.11)
    (_, first), (_, second), (_, third) = moments
    assert first[0].startswith("cam 1: mask 1, no mask 0, ") and first[1] == "cam 2: no frame yet"
    assert (
        "cam 1: mask 0, no mask 1, incorrect 0, unsure 0; at most mask 2, no mask 1, incorrect 1"
        in second[0]
    )
    assert "at most" not in third[0]


def test_many_sources_share_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(status_reporter, "FIRST_LINE_S", 0.0)
    sources = [SyntheticSource(1, name=f"cam {i}", is_live=True) for i in range(5)]
    pipeline = Pipeline(sources, ScriptedDetector())
    status = StatusReporter(pipeline)
    found = Detections([[1, 2, 30, 40]], [0.9], [0])
    for i in (1, 3):
        frame = Frame(np.zeros((9, 9, 3), np.uint8), 0, 0.0, 0.0, f"cam {i}")
        status.add(Observation(frame, found, found.counts()))
    status.poll()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("5 sources: mask 2, no mask 0, incorrect 0, unsure 0; 3 of them without")


@pytest.mark.parametrize("cameras", [1, 4])
def test_a_file_that_has_ended_beside_a_camera_has_no_faces_and_no_time_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], cameras: int
):
    monkeypatch.setattr(status_reporter, "FIRST_LINE_S", 0.0)
    film = SyntheticVideo(3, name="door.mp4")
    film.length = 0.2
    names = [f"cam {i}" for i in range(cameras)]
    sources = [film, *(SyntheticSource(50, name=one, is_live=True, rate=50) for one in names)]
    with Pipeline(sources, ScriptedDetector(face(1))) as pipeline:
        status = StatusReporter(pipeline)
        while not pipeline.stats.has_ended(0):
            if (observation := pipeline.next(0.1)) is not None:
                day = {"without_mask": 1}
                status.add(
                    replace(observation, people_counts=PeopleCounts(now=day, day=day, run=day))
                )
        status.poll()
    first, *_ = capsys.readouterr().err.splitlines()
    if cameras == 1:
        assert first == "door.mp4: has ended; people: 0 now, 1 since the start"
    else:
        assert "; 1 ended" in first and " now, " in first


@pytest.mark.parametrize(("several", "paused"), [(False, -1), (True, -1), (True, 1)])
def test_people_come_first_and_faces_are_named_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], several: bool, paused: int
):
    monkeypatch.setattr(status_reporter, "FIRST_LINE_S", 0.0)
    names = [f"cam {i}" for i in range(5 if several else 1)]
    sources = [SyntheticSource(1, name=name, is_live=True) for name in names]
    pipeline = Pipeline(sources, ScriptedDetector())
    monkeypatch.setattr(pipeline.stats, "is_paused", lambda index: index == paused)
    status = StatusReporter(pipeline)
    found = Detections([[1, 2, 30, 40]], [0.9], [0])
    day = {"with_mask": 3, "without_mask": 1}
    counts = PeopleCounts(now={"with_mask": 1}, day=day, run=day, margin=3)
    for name in names[:2]:
        frame = Frame(np.zeros((9, 9, 3), np.uint8), 0, 0.0, 0.0, name)
        status.add(Observation(frame, found, found.counts(), people_counts=counts))
    status.poll()
    (line,) = capsys.readouterr().err.splitlines()
    faces = 1 + (several and paused < 0)  # of a paused camera nobody is there now
    people = f"{faces} now, 8 (± 5)" if several else "1 now, 4 (± 3)"
    whose = "5 sources" if several else "cam 0"
    printed = f"{whose}: people: {people} since the start; faces: mask {faces}, no mask 0, "
    assert line.startswith(printed)


@pytest.mark.parametrize("count", [1, 5])
def test_rules_with_an_open_alarm_are_in_the_status_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], count: int
):
    monkeypatch.setattr(status_reporter, "FIRST_LINE_S", 0.0)
    names = [f"cam {i}" for i in range(count)]
    sources = [SyntheticSource(1, name=one, is_live=True) for one in names]
    status = StatusReporter(Pipeline(sources, ScriptedDetector()))
    for name in names:
        frame = Frame(np.zeros((9, 9, 3), np.uint8), 0, 0.0, 0.0, name)
        status.add(Observation(frame, Detections.empty(), alerts=("no mask", "gone")))
    status.poll()
    (line,) = capsys.readouterr().err.splitlines()
    assert "; alarm: no mask, gone; camera " in line


def test_a_file_has_a_bar_on_a_terminal_and_messages_stand_above_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(status_reporter, "FIRST_LINE_S", 0.0)
    monkeypatch.setattr(status_reporter, "has_terminal", lambda: True)
    terminal = io.StringIO()
    console = Console(file=terminal, force_terminal=True, width=120)
    monkeypatch.setattr(status_reporter, "_bars", lambda: ProgressBars(console))
    source = SyntheticVideo(3, name="/films/door.mp4")
    source.length = 0.12
    sources = [source, SyntheticSource(2, name="b", error="rtsp://h is gone")]
    with Pipeline(sources, ScriptedDetector(face(0))) as pipeline:
        Watch(pipeline, lambda: False).run()
    shown = terminal.getvalue()
    last = shown.rpartition("\r")[2]
    assert "door.mp4" in shown and "mask 1, no mask 0, incorrect 0, unsure 0" in shown
    assert " fps" not in shown + capsys.readouterr().err
    assert "/films" not in shown.replace("/films/door.mp4: no frame yet", "")  # where it was late
    assert last.endswith("\n") or "\x1b[?25h" in last  # the bar is left, the cursor is back


@pytest.mark.parametrize(("width", "bar"), [(80, 4), (120, 12)])
def test_a_files_name_and_bar_stay_whole_in_a_narrow_terminal(width: int, bar: int):
    """Of 80 columns nothing had been left of the bar, and ``doo…`` of the name."""
    terminal = io.StringIO()
    console = Console(file=terminal, force_terminal=True, width=width, color_system=None)
    bars = ProgressBars(console)
    text = "0:00 of 0:12 (0 %), about 1 min 53 s left  mask 2, no mask 1, incorrect 1, unsure 0"
    bars.show("door.mp4", 1.0, text)
    bars.close()
    lines = [line for line in re.split(r"[\r\n]", terminal.getvalue()) if "door" in line]
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", lines[-1])
    assert shown.startswith(f"door.mp4 {bar * '━'} 0:00 of 0:12 (0 %), about 1 min 53 s left")
    assert len(shown.rstrip()) <= width and ("…" in shown) is (width == 80)


def test_each_failure_is_reported_once_and_as_it_happens(capsys: pytest.CaptureFixture[str]):
    sources = [SyntheticSource(4), SyntheticSource(2, name="b", error="rtsp://u:geheim@h is gone")]
    with Pipeline(sources, ScriptedDetector(), [CollectingSink(fails_at=1)]) as pipeline:
        loop = Watch(pipeline, lambda: False)
        loop.run()
        assert not loop()
    reported = sorted(capsys.readouterr().err.splitlines())
    assert reported == ["maskdet: disk full; free some room", "maskdet: rtsp://u:***@h is gone"]
    assert pipeline.stats.total().shown == 0 and pipeline.stats.total().processed == 6


def test_it_ends_when_somebody_asks():
    asked = iter([False, False, True])
    with Pipeline([SyntheticSource(None, rate=50, is_live=True)], ScriptedDetector()) as pipeline:
        Watch(pipeline, lambda: next(asked)).run()
    assert next(asked, None) is None


def test_the_status_file_has_each_source_and_is_always_whole(
    tmp_path: Path, start_monitor: StartMonitor
):
    status = tmp_path / "status.json"
    process = start_monitor(
        *("sources=[demo, {source: 'rtsp://u:secret@127.0.0.1:1/1'}]", "headless=true"),
        *(f"status={status}", "max_seconds=4"),
    )
    found = []
    while process.poll() is None:
        if status.exists():
            found.append(json.loads(status.read_text()))
        time.sleep(0.05)
    demo, lost = found[-1]["sources"]
    assert demo["name"] == "demo" and demo["captured"] >= demo["processed"] > 0
    assert 0 <= demo["silent_s"] < 2
    assert sum(demo["people"].values()) > 0 and lost["people"] is None
    assert lost["captured"] == 0 and lost["silent_s"] is None
    assert "secret" not in status.read_text()
    assert found[-1]["pid"] == process.pid
    assert len({one["time"] for one in found}) >= 3
    assert list(tmp_path.iterdir()) == [status]


def test_each_recording_of_several_cameras_is_named_with_its_camera(
    tmp_path: Path, start_monitor: StartMonitor
):
    process = start_monitor(
        *("sources=[{source: demo, name: door}, {source: demo, name: yard}]", "headless=true"),
        *(f"record={tmp_path / 'seen.mp4'}", "max_seconds=2"),
    )
    reported = process.communicate(timeout=60)[1].splitlines()
    assert f"door: recorded {tmp_path / 'seen-1.mp4'}" in reported
    assert f"yard: recorded {tmp_path / 'seen-2.mp4'}" in reported
