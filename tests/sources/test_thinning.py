"""Frames left out where a camera is decoded: which are sent, what is counted, when it is silent."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Any

import pytest

from maskdet.images.decoding import decode_image
from maskdet.live.cameras.source_state import SourceParts
from maskdet.live.meters import SourceMeter
from maskdet.live.pipeline import Pipeline
from maskdet.sources import camera_process
from maskdet.sources.child import frame_sender
from maskdet.sources.child.thinning import Thinning
from maskdet.sources.http import captures
from maskdet.sources.opening import open_source
from maskdet.sources.reconnecting import LiveSource
from tests.doubles import CollectingSink, ScriptedDetector
from tests.sources.rtsp import clock_of, needs_rtsp, rtsp_camera
from tests.sources.test_camera_process import REQUEST
from tests.sources.test_key_frames import Frames


def test_images_are_chosen_evenly_and_the_others_counted():
    thinning, sent = Thinning(5.0), []
    for number in range(30):
        if thinning.takes(100 + number / 30):
            sent.append((number, thinning.report(100 + number / 30)))
    assert [number for number, _ in sent] == [0, 5, 11, 17, 23, 29]
    assert sum(skipped + 1 for _, skipped in sent) == 30


def test_without_a_rate_nothing_is_left_out():
    thinning = Thinning(None)
    assert all(thinning.takes(number / 30) for number in range(30)) and thinning.skipped == 0


def test_what_is_left_out_is_reported_twice_a_second_without_an_image():
    thinning, reports = Thinning(0.1), []
    for number in range(60):
        now = number / 30
        if not thinning.takes(now) and thinning.is_report_due(now):
            reports.append(thinning.report(now))
    assert reports == [15, 15, 15] and thinning.skipped == 14


def test_a_meter_counts_what_a_source_left_out():
    meter = SourceMeter()
    meter.begin()
    for _ in range(3):
        meter.capture()
        meter.process()
        meter.skip_unread(5)
        time.sleep(0.02)
    stats = meter.read(0, 0, is_live=True)
    assert (stats.captured, stats.skipped, stats.processed, stats.pending) == (18, 15, 3, 0)
    assert stats.capture_fps > 4 * stats.detect_fps


@needs_rtsp
@pytest.mark.timeout(120)
def test_a_thinned_camera_gives_its_newest_frames_with_their_times_and_numbers():
    skipped: list[int] = []
    with rtsp_camera("--fps", "30") as camera:
        source = open_source(camera.url(), "door")
        assert isinstance(source, LiveSource)
        source.thin(5.0, skipped.append)
        try:
            frames, ages = [], []
            for _ in range(20):
                frame = source.read()
                assert frame is not None
                clock = clock_of(frame.image)
                assert clock is not None
                frames.append((frame, clock))
                ages.append(frame.captured - clock)
            total = sum(skipped)
        finally:
            source.close()
    (first, began), (last, ended) = frames[0], frames[-1]
    assert last.index + 1 == total + len(frames) and total > 2 * len(frames)
    assert ended - began == pytest.approx(last.captured - first.captured, abs=1.0)
    assert (len(frames) - 1) / (ended - began) == pytest.approx(5, rel=0.4)
    assert sorted(ages)[len(ages) // 2] < 0.6, "not the newest"
    assert all(a.index < b.index for (a, _), (b, _) in zip(frames, frames[1:], strict=False))


@needs_rtsp
@pytest.mark.timeout(120)
def test_a_run_counts_every_frame_and_a_slow_rate_is_no_silence():
    """One frame in four seconds: meanwhile there is a signal, and the rates are true."""
    sink = CollectingSink()
    with rtsp_camera("--fps", "20", "--size", "320x240") as camera:
        source = open_source(camera.url(), "door")
        slowly = SourceParts(source, detect_fps=0.25)
        with Pipeline([slowly], ScriptedDetector(), [sink]) as pipeline:
            assert pipeline.next(30) is not None
            began = time.monotonic()
            while (stats := pipeline.stats.of(0)).captured <= 30:
                assert time.monotonic() < began + 60
                time.sleep(0.05)
            seconds = time.monotonic() - began
    assert stats.outages == 0 and stats.silent_s < 1
    assert stats.processed == 1 or 1 <= stats.processed <= 2 + seconds / 4  # a busy machine
    assert stats.captured == stats.processed + stats.skipped + stats.dropped + stats.pending


@needs_rtsp
@pytest.mark.timeout(120)
def test_without_a_rate_sinks_get_every_frame():
    sink = CollectingSink()
    with rtsp_camera("--fps", "20", "--size", "320x240") as camera:
        source = open_source(camera.url(), "door")
        with Pipeline([source], ScriptedDetector(), [sink]) as pipeline:
            assert pipeline.next(30) is not None
            began = time.monotonic()
            while (stats := pipeline.stats.of(0)).captured <= 25:
                assert time.monotonic() < began + 60
                time.sleep(0.05)
    indices = [observation.frame.index for observation in sink.observations]
    assert stats.skipped == 0
    assert len(indices) >= stats.captured - stats.dropped - stats.pending
    assert indices == sorted(set(indices)) and len(indices) >= indices[-1] + 1 - stats.dropped - 1


def test_a_watchdog_ends_its_process_and_only_then():
    code = (
        "import time; from maskdet.sources.child.watchdog import watchdog\n"
        "with watchdog(1): pass\n"
        "time.sleep(1.2)\n"
        "with watchdog({limit}): time.sleep({work})\n"
        "print('done')"
    )
    for limit, work, done in ((30, 0.0, True), (0.2, 30.0, False)):
        command = [sys.executable, "-c", code.format(limit=limit, work=work)]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=25, check=False)
        assert (ended.stdout == "done\n") is done
        assert ended.returncode == (0 if done else -14)


def test_images_of_an_http_camera_that_are_left_out_are_not_decoded(
    camera: Any, monkeypatch: pytest.MonkeyPatch
):
    """Motion JPEG, in this process: what is decoded can be counted."""
    decoded: list[int] = []

    def decode(data: bytes) -> Any:
        decoded.append(len(data))
        return decode_image(data)

    monkeypatch.setattr(captures, "decode_image", decode)
    found = camera_process._find({**REQUEST, "url": camera.url("live"), "fps": None})
    assert not isinstance(found, dict) and isinstance(found.capture, captures.MotionJpeg)
    output = Frames(5)
    with pytest.raises(BrokenPipeError):
        frame_sender.send_frames(found.capture, found.request, output, 4.0)  # type: ignore[arg-type]
    found.capture.release()
    assert len(decoded) <= output.images + 1 and output.skipped > 3 * output.images
