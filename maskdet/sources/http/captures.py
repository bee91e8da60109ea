"""Images of an HTTP camera, one after the other, read as `cv2.VideoCapture` is."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

import numpy as np
import requests

from maskdet.images.decoding import ImageError, decode_image
from maskdet.sources.http.client import HttpClient, more
from maskdet.sources.http.jpeg_stream import MAX_BYTES, JpegStream


class HttpImages:
    """Images one after the other, read as `cv2.VideoCapture` is.

    Attributes:
        fps: images a second, as far as that is set.
        interval: seconds that it waits between two on its own.
        is_unverified: whether the server's certificate is not to be trusted.
        is_wanted: whether the next image has to be decoded; the others are counted alone.
    """

    fps = 0.0
    interval = 0.0

    def __init__(self, client: HttpClient) -> None:
        """Takes the connection over, to close it in the end."""
        self.is_unverified = client.is_unverified
        self._client = client
        self._image: np.ndarray | None = None
        self.is_wanted: Callable[[], bool] = lambda: True

    @property
    def has_image(self) -> bool:
        """Whether the image that was grabbed is decoded."""
        return self._image is not None

    def grab(self) -> bool:
        """Waits for the next image; False where the connection is over."""
        raise NotImplementedError

    def retrieve(self) -> tuple[bool, np.ndarray | None]:
        """The image that was grabbed, BGR uint8 (height, width, 3), if it is one."""
        return self._image is not None, self._image

    def release(self) -> None:
        """Ends the connection."""
        self._client.close()

    def _decode(self, image: bytes) -> bool:
        """Whether it is an image; a spoiled one is left out."""
        try:
            self._image = decode_image(image)
        except ImageError:
            self._image = None
        return self._image is not None


class MotionJpeg(HttpImages):
    """An endless answer with one JPEG after the other in it."""

    _SOON = 0.002  # seconds: an image that came sooner had waited for us
    _MAX_BEHIND, _MAX_SKIPPED = 15, 100

    def __init__(
        self,
        client: HttpClient,
        response: requests.Response,
        stream: JpegStream,
        images: list[bytes],
    ) -> None:
        """Goes on with an answer whose first images are there."""
        super().__init__(client)
        self._response, self._stream, self._waiting = response, stream, deque(images)
        self._waited = 0.0
        self._behind = 0

    def grab(self) -> bool:
        """See `HttpImages`; where decoding is slower than the camera, images are left out."""
        while True:
            if not self._waiting and not self._read():
                return False
            image = self._waiting.popleft()
            self._behind = self._behind + 1 if self._waited < self._SOON else 0
            self._waited = 0.0
            if self._behind > self._MAX_BEHIND + self._MAX_SKIPPED:
                self._behind = 0
            if not self.is_wanted():
                self._image = None
                return True
            if self._behind <= self._MAX_BEHIND and self._decode(image):
                return True

    def _read(self) -> bool:
        while not self._waiting:
            began = time.monotonic()
            try:
                data = more(self._response)
            except OSError:
                return False
            if not data:
                return False
            self._waited += time.monotonic() - began
            self._waiting.extend(self._stream.feed(data))
        return True


class Snapshots(HttpImages):
    """An address that gives one image, fetched again and again."""

    def __init__(self, client: HttpClient, first: bytes, fps: float, read_timeout: float) -> None:
        """Goes on from the first image.

        Args:
            client: asks for the next ones.
            first: an image, encoded.
            fps: how many are fetched a second.
            read_timeout: seconds that fetching may fail before the camera counts as lost.
        """
        super().__init__(client)
        self.fps, self.interval = fps, 1 / fps
        self._first: bytes | None = first
        self._due = self._last = time.monotonic()
        self._read_timeout = read_timeout

    def grab(self) -> bool:
        """See `HttpImages`."""
        while True:
            image, self._first = self._first or self._fetch(), None
            now = time.monotonic()
            if image and self._decode(image):
                self._last = now
                return True
            if image is None or now - self._last > self._read_timeout + self.interval:
                return False

    def _fetch(self) -> bytes | None:
        """The next image when it is due; empty where that failed, None where it is no use."""
        self._due = max(self._due + self.interval, time.monotonic())
        time.sleep(max(0.0, self._due - time.monotonic()))
        try:
            response = self._client.get()
            if response.status_code in (401, 403, 404):
                return None
            return read_all(response) if response.ok else b""
        except (OSError, ValueError):
            time.sleep(min(0.2, self.interval))
            return b""


def read_all(response: requests.Response, head: bytes = b"") -> bytes:
    """The rest of an answer after its head; empty where it is cut short or too long."""
    data = bytearray(head)
    while piece := more(response):
        data += piece
        if len(data) > MAX_BYTES:
            return b""
    return bytes(data)
