"""Viewers of the live page that a soak switches on and off, and what they see of time."""

from __future__ import annotations

import contextlib
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import av
import numpy as np
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from tests.soak.scenes import age_ms, stamped
from tests.web.chromium import Browser
from tests.web.live.latency import READ

Took = Callable[[float], object]


class SocketViewer:
    """Watches a camera over a WebSocket, as the page's player does, and comes back when it ends.

    Attributes:
        fragments: got so far.
        on: whether it watches; for any thread.
    """

    def __init__(self, url: str, took: Took | None = None) -> None:
        """Begins to watch.

        Args:
            url: of the camera's video.
            took: called with the age of each picture, in milliseconds; None: nothing is decoded.
        """
        self.fragments = 0
        self.on = threading.Event()
        self.on.set()
        self._url, self._took = url, took
        self._over = False
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        self._over = True
        self.on.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over:
            self.on.wait()
            with contextlib.suppress(OSError, WebSocketException, TimeoutError):
                self._watch()
            time.sleep(0.2)

    def _watch(self) -> None:
        decoder = None
        with connect(self._url, proxy=None, compression=None, ping_interval=None) as socket:
            while self.on.is_set() and not self._over:
                try:
                    data = socket.recv(1)
                except TimeoutError:
                    continue
                now = time.time()
                if isinstance(data, str) or self._took is None:
                    self.fragments += isinstance(data, bytes)
                elif data[4:8] == b"ftyp":
                    decoder = decoder_of(data)
                elif decoder is not None:
                    self.fragments += 1
                    for frame in decoder.decode(av.Packet(sample_of(data))):
                        self._took(age_ms(stamped(luma(frame)), now))


def decoder_of(head: bytes) -> av.CodecContext:
    """A decoder of what follows the head of a fragmented MP4."""
    at = head.index(b"avcC")
    size = int.from_bytes(head[at - 4 : at], "big")
    decoder = av.CodecContext.create("h264", "r")
    decoder.extradata = head[at + 4 : at - 4 + size]
    decoder.thread_count = 1
    return decoder


def sample_of(fragment: bytes) -> bytes:
    """The one sample of a fragment."""
    return fragment[fragment.index(b"mdat") + 4 :]


def luma(frame: av.VideoFrame) -> np.ndarray:
    """The gray picture."""
    plane = frame.planes[0]
    return np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)[:, : frame.width]


@contextmanager
def browser_at(url: str) -> Iterator[Browser]:
    """Chromium with the page, opened again each time."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        browser = Browser(Path(folder), url, None)
        try:
            yield browser
        finally:
            browser.driver.quit()


def shown_ages(browser: Browser, seconds: float) -> list[float]:
    """Milliseconds from camera to screen, of each picture of the first camera that is shown."""
    return list(browser.driver.execute_async_script(READ, seconds))
