"""The child that reads a camera: how many threads decode, how images are turned."""

from __future__ import annotations

import time
from io import BytesIO
from typing import Any

import numpy as np
import pytest

from maskdet.sources.child import frame_sender
from maskdet.sources.child.frame_sender import HEADER
from maskdet.sources.child.stream_pace import Busy
from maskdet.sources.opencv_capture import open_camera
from maskdet.sources.opening import open_source
from maskdet.sources.options import SourceOptions

REQUEST = {
    **{"rtsp_transport": "tcp", "low_delay": True, "hardware_decoding": False, "ffmpeg": {}},
    **{"open_timeout": 10.0, "read_timeout": 5.0, "again": False},
}


class Widths:
    """Takes what the child sends; after so many frames its reader has gone."""

    def __init__(self, frames: int) -> None:
        self.seen: list[int] = []
        self._frames = frames

    def write(self, data: memoryview) -> int:
        if len(data) == HEADER.size:
            self.seen.append(HEADER.unpack(data)[0])
            if len(self.seen) == self._frames:
                raise BrokenPipeError
        return len(data)


def widths(url: str, frames: int) -> list[int]:
    """Of the frames that the child sends; a test camera has another with each connection."""
    output, request = Widths(frames), {**REQUEST, "url": url}
    with pytest.raises(BrokenPipeError):
        frame_sender.send_frames(open_camera(request), request, output)  # type: ignore[arg-type]
    return output.seen


class OneImage:
    """A camera that gives one image."""

    interval = 0.0
    has_image = True

    def __init__(self, image: np.ndarray) -> None:
        self._images = [image]

    def grab(self) -> bool:
        return bool(self._images)

    def retrieve(self) -> tuple[bool, np.ndarray]:
        return True, self._images.pop()


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_images_are_turned_clockwise(degrees: int):
    image = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3)
    output = BytesIO()
    frame_sender.send_frames(OneImage(image), {**REQUEST, "rotate": degrees}, output)
    width, height = HEADER.unpack(output.getvalue()[: HEADER.size])[:2]
    seen = np.frombuffer(output.getvalue()[HEADER.size :], np.uint8).reshape(height, width, 3)
    np.testing.assert_array_equal(seen, np.rot90(image, -degrees // 90))


def test_a_camera_on_its_side_is_set_upright(camera: Any):
    source = open_source(camera.url("live"), options=SourceOptions(rotate=90))
    frame = source.read()
    source.close()
    assert frame is not None and (frame.width, frame.height) == (48, 64)


def test_a_stream_that_one_thread_keeps_up_with_stays_with_it(camera: Any):
    assert set(widths(camera.url("live"), 100)) == {64} and camera.connections == 1


@pytest.mark.slow
def test_one_that_needs_more_threads_is_opened_again_once(
    camera: Any, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Busy, "_WINDOW", 0.5)
    monkeypatch.setattr(Busy, "_MAX_BUSY_SHARE", -1.0)
    seen = widths(camera.url("live"), 150)
    assert seen[0] == 64 and seen[-1] == 80 and camera.connections == 2


class NoKeyFrames:
    """A stream in which no key frame has come for long."""

    has_image, lacks_key_frames = False, True

    def get(self, _: int) -> float:
        return 0.0

    def release(self) -> None:
        pass


def test_a_stream_that_is_opened_again_twice_keeps_what_was_changed_first(
    monkeypatch: pytest.MonkeyPatch,
):
    """Without key frames it is decoded whole, and, as that is too much for one thread, by all."""
    opened: list[tuple[str, bool]] = []

    def opening(request: Any) -> Any:
        opened.append((request["decode"], request["low_delay"]))
        return open_camera({**request, "url": "file:/nowhere"})

    monkeypatch.setattr(frame_sender, "open_camera", opening)
    request = {**REQUEST, "url": "rtsp://camera", "decode": "key_frames"}
    reader = frame_sender.OpenCvReader(NoKeyFrames(), request)  # type: ignore[arg-type]
    reader.adapt()
    monkeypatch.setattr(Busy, "all_the_time", True)
    reader.adapt()
    reader.adapt()
    assert opened == [("all", True), ("all", False)]


def test_a_thread_is_busy_that_computes_and_not_one_that_waits(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Busy, "_WINDOW", 0.5)
    monkeypatch.setattr(Busy, "_MAX_BUSY_SHARE", 0.2)  # others may want this core, too
    busy = Busy()
    assert not busy.all_the_time  # too soon to know
    time.sleep(0.6)
    assert not busy.all_the_time
    until = time.monotonic() + 0.6
    while time.monotonic() < until:
        pass
    assert busy.all_the_time
