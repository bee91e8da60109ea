"""Streams of which only key frames are decoded, from a real server."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from maskdet.live.pipeline import Pipeline
from maskdet.sources.child import frame_sender, key_frames
from maskdet.sources.child.key_frames import KeyFrames, codec_of
from maskdet.sources.opencv_capture import open_camera
from maskdet.sources.opening import open_source
from maskdet.sources.options import SourceOptions
from tests.doubles import CollectingSink, ScriptedDetector
from tests.sources.rtsp import clock_of, needs_rtsp, rtsp_camera
from tests.sources.test_camera_process import REQUEST, widths

KEYS = SourceOptions(decode="key_frames")


@needs_rtsp
@pytest.mark.timeout(120)
@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_each_key_frame_is_whole_and_new_and_the_others_are_counted(codec: str):
    """The camera has one in a second."""
    skipped: list[int] = []
    with rtsp_camera("--fps", "20", "--codec", codec) as camera:
        source: Any = open_source(camera.url(), "door", KEYS)
        source.thin(None, skipped.append)
        try:
            frames = [source.read() for _ in range(4)]
            total = sum(skipped)
        finally:
            source.close()
    clocks = [clock_of(frame.image) for frame in frames]
    ages = [frame.captured - clock for frame, clock in zip(frames, clocks, strict=True) if clock]
    assert len(ages) == len(frames), "a damaged image"
    assert sorted(ages)[1] < 0.8
    assert clocks[-1] - clocks[0] == pytest.approx(3, abs=1.2)
    assert frames[-1].index + 1 == total + len(frames) and total >= 3 * 15
    assert all(np.ptp(frame.image[100:]) < 40 for frame in frames), "not gray below the clock"


@needs_rtsp
@pytest.mark.timeout(120)
def test_a_run_with_key_frames_alone_has_a_signal_all_along():
    sink = CollectingSink()
    with rtsp_camera("--fps", "20") as camera:
        source = open_source(camera.url(), "door", KEYS)
        with Pipeline([source], ScriptedDetector(), [sink]) as pipeline:
            assert pipeline.next(30) is not None and pipeline.next(30) is not None
            stats = pipeline.stats.of(0)
    assert stats.outages == 0 and stats.skipped > 10
    assert stats.captured == stats.processed + stats.skipped + stats.dropped + stats.pending


@needs_rtsp
@pytest.mark.timeout(120)
def test_a_stream_without_key_frames_is_decoded_whole(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(key_frames, "MAX_INTERVAL_S", 0.3)  # of one that has them every second
    opened: list[str] = []

    def opening(request: Any) -> Any:
        opened.append(request["decode"])
        return open_camera(request)

    monkeypatch.setattr(frame_sender, "open_camera", opening)
    with rtsp_camera("--fps", "20") as camera:
        request = {**REQUEST, "url": camera.url(), "decode": "key_frames"}
        capture = open_camera(request)
        assert isinstance(capture, KeyFrames)
        output = Frames(30)
        with pytest.raises(BrokenPipeError):
            frame_sender.send_frames(capture, request, output)  # type: ignore[arg-type]
    assert opened == ["all"] and output.images >= 10


class Frames:
    """Takes what the child sends, for as long as so many frames with an image have come."""

    def __init__(self, frames: int) -> None:
        self.images = self.skipped = 0
        self._frames = frames

    def write(self, data: memoryview) -> int:
        if len(data) == frame_sender.HEADER.size:
            width, _, skipped, *_ = frame_sender.HEADER.unpack(data)
            self.images += width > 0
            self.skipped += skipped
            if self.images == self._frames:
                raise BrokenPipeError
        return len(data)


def test_other_codecs_are_decoded_whole(camera: Any, monkeypatch: pytest.MonkeyPatch):
    """The test camera sends MJPEG: each image is a key frame."""
    request = {**REQUEST, "url": camera.url("live"), "decode": "key_frames"}
    capture = open_camera(request)
    try:
        assert isinstance(capture, cv2.VideoCapture) and codec_of(capture) is None
        assert capture.grab() and capture.retrieve()[1].ndim == 3
    finally:
        capture.release()
    assert set(widths(camera.url("live"), 5)) == {64}


def test_a_choice_that_does_not_exist_is_named():
    with pytest.raises(ValueError, match='decode is \'odd\'; it must be "all" or "key_frames"'):
        open_source("rtsp://192.0.2.1/1", options=SourceOptions(decode="odd"), wait=False)
