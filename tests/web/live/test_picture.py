"""A camera's picture as viewers get it: still, as MJPEG, as video; many viewers, and slow ones."""

from __future__ import annotations

import asyncio
import io
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import av
import cv2
import httpx
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from maskdet.sinks.recording.stream_encoder import StreamEncoder
from maskdet.web.live import server, viewers
from maskdet.web.live.api import picture_api
from maskdet.web.live.feed import Feed
from maskdet.web.live.viewers import Message
from tests.web.live.pages import Page, scene, serving_live


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    with serving_live(tmp_path) as page:
        yield page


def video(page: Page, **options: object) -> ClientConnection:
    url = page.url.replace("http", "ws") + "/api/cameras/0/video"
    quiet = {"proxy": None, "compression": None, "ping_interval": None, "max_queue": None}
    options = {"open_timeout": 60, **options}
    return connect(url, **quiet, **options)  # type: ignore[arg-type]


def decoded(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


def until(condition, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def frames_of(data: bytes) -> list[av.VideoFrame]:
    with av.open(io.BytesIO(data)) as container:
        return list(container.decode(video=0))


def test_a_snapshot_is_the_newest_picture_with_its_boxes(
    page: Page, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(picture_api, "_FIRST_S", 0.3)
    with page.client() as client:
        refused = client.get("/api/cameras/0/snapshot", timeout=10)
        assert refused.status_code == 503 and "no picture yet" in refused.json()["detail"]
        page.see(image=np.zeros((360, 640, 3), np.uint8))
        answer = client.get("/api/cameras/0/snapshot")
        assert answer.headers["content-type"] == "image/jpeg"
        assert answer.headers["cache-control"] == "no-store"
        picture = decoded(answer.content)
        assert picture.shape == (360, 640, 3) and picture[60:140, 100:160].max() > 150  # the box
        assert client.get("/api/cameras/1/snapshot").status_code == 404
    until(lambda: page.hub.viewers == 0)


def test_mjpeg_is_what_every_program_reads(page: Page):
    with page.running():
        capture = cv2.VideoCapture(f"{page.url}/api/cameras/0/mjpeg?frames=5", cv2.CAP_FFMPEG)
        seen = [capture.read()[1] for _ in range(4)]
        capture.release()
    assert all(picture.shape == (360, 640, 3) for picture in seen)
    until(lambda: page.hub.viewers == 0)


def test_video_begins_with_what_a_player_needs_and_plays(page: Page):
    with page.running(), video(page) as socket_:
        about = json.loads(socket_.recv())
        assert about["codec"].startswith("avc1.42") and (about["width"], about["height"]) == (
            640,
            360,
        )
        data = b"".join(socket_.recv() for _ in range(12))
    frames = frames_of(data)
    assert len(frames) == 11 and frames[0].key_frame
    times = [frame.time for frame in frames]
    assert times == sorted(times) and 0.3 < times[-1] - times[0] < 5
    until(lambda: page.hub.viewers == 0)


def test_each_fragment_comes_with_its_frame_not_with_the_next(page: Page):
    """A muxer that waits for the next picture would be late by a whole interval."""
    page.see()
    with video(page) as socket_:
        for _ in range(3):
            socket_.recv(30)  # head and first picture
        for index in range(3):
            page.see(image=scene(index))
            assert b"moof" in socket_.recv(30)[:16]


def test_only_so_many_watch_at_once(page: Page, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(picture_api, "MAX_VIEWERS", 1)
    with page.running(), page.client() as client:
        with video(page) as first:
            first.recv(30)
            with pytest.raises(ConnectionClosed, match="too many viewers"), video(page) as second:
                second.recv(30)
            for kind in ("mjpeg?frames=1", "snapshot"):
                refused = client.get(f"/api/cameras/0/{kind}")
                assert refused.status_code == 503 and "1 pictures" in refused.json()["detail"]
            first.recv(30)
        until(lambda: page.hub.viewers == 0)
        with video(page) as next_one:
            next_one.recv(30)


def test_nothing_is_drawn_or_encoded_while_nobody_watches(page: Page):
    feed = page.hub.cameras[0].feed
    for _ in range(20):
        page.see()
    time.sleep(0.3)
    assert feed.encoded == 0
    with page.running(), video(page) as socket_:
        socket_.recv(30)
    until(lambda: page.hub.viewers == 0)
    done = feed.encoded
    for _ in range(20):
        page.see()
    time.sleep(0.3)
    assert feed.encoded <= done + 1


def test_another_picture_size_is_reported(page: Page):
    page.see()
    with video(page) as socket_:
        first = json.loads(socket_.recv(30))
        socket_.recv(30), socket_.recv(30)
        page.see(image=np.zeros((240, 320, 3), np.uint8))
        second = json.loads(socket_.recv(30))
        head, fragment = socket_.recv(30), socket_.recv(30)
    assert (first["width"], second["width"]) == (640, 320)
    (frame,) = frames_of(head + fragment)
    assert (frame.width, frame.height) == (320, 240)


def test_ten_viewers_share_one_encoding(page: Page):
    feed = page.hub.cameras[0].feed
    with ExitStack() as all_of_them, page.running(fps=15):
        sockets = [all_of_them.enter_context(video(page)) for _ in range(10)]
        for socket_ in sockets:
            for _ in range(4):
                socket_.recv(30)
        before = feed.encoded
        for socket_ in sockets:
            for _ in range(10):
                socket_.recv(30)
        assert feed.encoded - before <= 40  # not ten times as many
    until(lambda: page.hub.viewers == 0)


def test_who_comes_while_a_key_frame_is_made_gets_the_next(
    page: Page, monkeypatch: pytest.MonkeyPatch
):
    """The second viewer comes in the middle of the first one's key frame, which it does not get."""
    feed, encode = page.hub.cameras[0].feed, Feed._encode
    come = threading.Event()

    def slowly(self: Feed, picture: np.ndarray, key: bool) -> Message:
        if key:
            come.set()
            until(lambda: feed.viewers == 2)
        return encode(self, picture, key)

    monkeypatch.setattr(Feed, "_encode", slowly)
    with page.running(), video(page) as first:
        assert come.wait(30)
        with video(page) as second:
            for socket_ in (first, second):
                for _ in range(3):
                    assert socket_.recv(30)


NOISE = np.random.default_rng(0).integers(0, 255, (360, 640, 3), np.uint8)


@contextmanager
def stuck_viewer(page: Page) -> Iterator[None]:
    """A viewer of MJPEG that reads nothing."""
    host, port = page.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as stuck:
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        stuck.sendall(f"GET /api/cameras/0/mjpeg HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        until(lambda: page.hub.viewers == 1)
        yield


@pytest.mark.timeout(120)
def test_a_viewer_that_takes_nothing_slows_nobody(page: Page, monkeypatch: pytest.MonkeyPatch):
    """It is connected and never reads; others and the pipeline go on while it is still stuck."""
    monkeypatch.setattr(viewers, "STUCK_S", 3600.0)
    with stuck_viewer(page):
        slow = page.hub.cameras[0].feed._viewers[0]
        deadline = time.monotonic() + 20
        while slow.dropped < 3:  # until its buffers are full
            page.see(image=NOISE)
            time.sleep(0.07)
            assert time.monotonic() < deadline
        with video(page) as quick:
            for _ in range(3):
                quick.recv(30)
            for index in range(8):
                page.see(image=scene(index))
                quick.recv(30)
                time.sleep(0.07)
        for _ in range(200):
            page.see()
        assert not slow.ended and slow in page.hub.cameras[0].feed._viewers


def test_a_viewer_that_is_stuck_gives_its_place_away(page: Page, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(viewers, "STUCK_S", 0.5)
    with stuck_viewer(page):

        def has_gone() -> bool:
            page.see(image=NOISE)
            time.sleep(0.07)
            return page.hub.viewers == 0

        until(has_gone, 20)


def test_the_picture_below_a_path_behind_a_proxy(page: Page):
    page.see()
    prefix = {"X-Forwarded-Prefix": "/mask"}
    with page.client(headers=prefix) as client:
        assert client.get("/mask/api/state").status_code == 200
        assert client.get("/mask/live/main.js").status_code == 200
    url = page.url.replace("http", "ws") + "/mask/api/cameras/0/video"
    with connect(url, proxy=None, additional_headers=prefix) as socket_:
        assert "codec" in json.loads(socket_.recv(30))


def test_a_slow_viewer_of_video_goes_on_with_a_key_frame(page: Page):
    import asyncio

    from maskdet.web.live.viewers import MAX_WAITING, Message, ViewerQueue

    async def run() -> tuple[list[int], int, int]:
        asked = []
        viewer = ViewerQueue("video", lambda: asked.append(1))
        for number in range(MAX_WAITING + 5):
            viewer.offer(Message(bytes([number]), is_key=number == 0))
        await asyncio.sleep(0.05)
        viewer.offer(Message(b"\xfe", is_key=True))
        viewer.offer(Message(b"\xff", is_key=False))
        got = []
        while (message := await viewer.next(0.05)) is not None:
            got.append(message.data[0])
        return got, len(asked), viewer.dropped

    got, asked, dropped = asyncio.run(run())
    assert got == [0xFE, 0xFF] and asked == 1 and dropped == MAX_WAITING + 5


def test_the_end_of_the_run_ends_every_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(server, "_STOP_S", 60.0)
    with serving_live(tmp_path) as page, page.client() as client:
        page.see()
        with video(page) as socket_, client.stream("GET", "/api/cameras/0/mjpeg") as stream:
            socket_.recv(30)
            began = time.monotonic()
            page.hub.close()
            page.server.stop()
            assert time.monotonic() - began < 20  # one, where nothing else runs
            with pytest.raises((httpx.HTTPError, StopIteration)):  # noqa: PT012
                for _ in stream.iter_raw():
                    pass
                raise StopIteration


def test_who_comes_to_a_camera_that_was_removed_is_not_kept_waiting():
    feed = Feed("door", lambda seen: seen.frame.image, StreamEncoder, 10)
    feed.close()

    async def watch() -> tuple[object, bool]:
        viewer = feed.open("jpeg")
        return await viewer.next(20), viewer.ended

    assert asyncio.run(watch()) == (None, True) and feed.viewers == 0
