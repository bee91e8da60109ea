"""The page's video from the encoder that records: the whole way, with real encoders and viewers."""

from __future__ import annotations

import io
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from websockets.sync.client import connect

from maskdet.commands.live_page.shared_picture import SharedPicture
from maskdet.drawing.overlay import Overlay
from maskdet.live.recording.evidence import with_bar
from maskdet.sinks.recording.recorder import Recorder
from maskdet.sinks.recording.recording_switch import RecordingSwitch
from tests.web.chromium import Browser, needs_chromium
from tests.web.live.browsing import open_page, plays
from tests.web.live.pages import Page, serving_live

pytestmark = pytest.mark.timeout(120)


@dataclass
class Viewer:
    """A viewer of the first camera.

    Attributes:
        streams: the message before each head, and the bytes from there on.
    """

    url: str
    streams: list[tuple[dict[str, Any], list[bytes]]] = field(default_factory=list)

    def watch(self, over: threading.Event) -> None:
        with connect(self.url, proxy=None, compression=None) as socket:
            while not over.is_set():
                try:
                    data = socket.recv(0.1)
                except TimeoutError:
                    continue
                if isinstance(data, str):
                    self.streams.append((json.loads(data), []))
                else:
                    self.streams[-1][1].append(data)

    @property
    def heights(self) -> list[int]:
        return [answer["height"] for answer, _ in list(self.streams)]

    def frames(self) -> list[list[np.ndarray]]:
        """Decoded pictures of each stream, every fragment of it."""
        found = []
        for _, parts in self.streams:
            with av.open(io.BytesIO(b"".join(parts))) as container:
                pictures = [one.to_ndarray(format="bgr24") for one in container.decode(video=0)]
            assert len(pictures) == len(parts) - 1, "each fragment can be played"
            found.append(pictures)
        return found


@contextmanager
def watching(page: Page) -> Iterator[Viewer]:
    viewer, over = (
        Viewer(page.url.replace("http", "ws") + "/api/cameras/0/video"),
        threading.Event(),
    )
    thread = threading.Thread(target=viewer.watch, args=(over,))
    thread.start()
    try:
        yield viewer
    finally:
        over.set()
        thread.join()


@dataclass
class Scene:
    """A page, and the recording of its camera, whose picture is higher by its bar."""

    page: Page
    recording: RecordingSwitch
    is_recorded: bool = True

    @contextmanager
    def running(self, fps: float = 10.0) -> Iterator[None]:
        over = threading.Event()
        write = self.page.hub.write

        def both(observation: Any) -> None:
            write(observation)
            if self.is_recorded:
                self.recording.write(observation)

        self.page.hub.write = both  # type: ignore[method-assign]

        def run() -> None:
            while not over.wait(1 / fps):
                self.page.see()

        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def encoded_within(self, seconds: float) -> int:
        """Pictures that the page encoded for itself meanwhile."""
        feed = self.page.hub.cameras[0].feed
        before = feed.encoded
        time.sleep(seconds)
        return feed.encoded - before


@contextmanager
def scene(
    folder: Path, *, is_blurred: bool = False, width: int = 1280, fps: float = 15.0, **switch: Any
) -> Any:
    with serving_live(folder) as page:
        recording = RecordingSwitch(
            lambda: Recorder(folder / "a.mp4", draw=with_bar(Overlay())), on=True, **switch
        )
        SharedPicture(
            page.hub.cameras[0].feed, recording, is_blurred=is_blurred, width=width, fps=fps
        )
        try:
            yield Scene(page, recording)
        finally:
            recording.close()


def until(condition: Any, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_one_encoder_records_and_serves(tmp_path: Path):
    """Who comes first gets a picture at once, then the recording; off, on, and a second viewer."""
    with scene(tmp_path) as stage, stage.running():
        time.sleep(2.5)  # its rate is known
        with watching(stage.page) as first:
            until(lambda: first.heights and first.heights[-1] > 360)
            until(lambda: stage.encoded_within(0.7) == 0)
            with watching(stage.page) as second:
                until(lambda: second.streams and len(second.streams[-1][1]) > 3)
                until(lambda: second.heights[-1] == first.heights[-1] > 360)
            stage.recording.toggle()
            until(lambda: first.heights[-1] == 360)
            until(lambda: stage.encoded_within(0.5) > 0)
            stage.recording.toggle()
            until(lambda: first.heights[-1] > 360)
        for pictures in (*first.frames(), *second.frames()):
            assert pictures
    with av.open(str(tmp_path / "a.mp4")) as recorded:
        images = [one.to_ndarray(format="bgr24") for one in recorded.decode(video=0)]
    shown = second.frames()[-1][-1]
    assert min(float(np.abs(shown.astype(int) - one).mean()) for one in images) == 0, "the same"


def test_a_recorder_that_hangs_is_not_waited_for(tmp_path: Path):
    with scene(tmp_path) as stage, stage.running():
        time.sleep(2.5)
        with watching(stage.page) as viewer:
            until(lambda: viewer.heights and viewer.heights[-1] > 360)
            stage.is_recorded = False
            until(lambda: viewer.heights[-1] == 360)
            stage.is_recorded = True
            until(lambda: viewer.heights[-1] > 360)
            viewer_streams = len(viewer.streams)
        viewer.frames()
        assert viewer_streams >= 3


@needs_chromium
def test_a_browser_plays_on_where_the_encoder_changes(browser: Browser, folder: Path):
    """To the recording's picture, which has another codec and size, and back."""
    height = "return document.querySelector('.screen video')?.videoHeight"
    with scene(folder) as stage, stage.running():
        open_page(browser, stage.page)
        plays(browser)
        browser.until(lambda: browser.js(height) > 360)
        plays(browser)
        stage.recording.toggle()
        browser.until(lambda: browser.js(height) == 360)
        plays(browser)
        assert not browser.complaints()


@pytest.mark.parametrize(
    ("options", "fps"),
    [
        ({"is_blurred": True}, 10.0),
        ({"blur": True}, 10.0),
        ({"width": 320}, 10.0),
        ({"fps": 3.0}, 10.0),
        ({}, 1.0),
    ],
    ids=["page blurred", "recording blurred", "page smaller", "too fast", "too slow"],
)
def test_another_picture_is_not_shared(tmp_path: Path, options: dict[str, Any], fps: float):
    with scene(tmp_path, **options) as stage, stage.running(fps), watching(stage.page) as viewer:
        time.sleep(3.5)
        until(lambda: viewer.streams and len(viewer.streams[-1][1]) > (2 if fps < 2 else 10))
        assert set(viewer.heights) <= {360}
