"""Cameras that send images over HTTP: motion JPEG, and an address that gives one at a time.

What an address gives is judged by what it sends, its type and first bytes, not by its ending.
Videos and playlists are FFmpeg's to open.
"""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

import numpy as np
import requests

from maskdet.images.decoding import ImageError, decode_image
from maskdet.sources.address import Address
from maskdet.sources.http.client import HttpClient, cause_of, more
from maskdet.sources.http.jpeg_stream import MAX_BYTES, JpegStream
from maskdet.sources.http.video_index import unplayable_video
from maskdet.sources.stream_diagnosis import Answer, Fault, explain_error, rule, shown_path
from maskdet.system.redaction import mask_address

SNAPSHOT_FPS = 2.0
"""How often an address that gives one image is fetched a second, where nothing is set."""

_JPEG = b"\xff\xd8\xff"
_IMAGES = (b"\x89PNG\r\n", b"GIF8", b"BM", b"RIFF")
_PAGE = re.compile(rb"\s*(?:<!doctype html|<html)", re.IGNORECASE)
_PARTS = re.compile(rb"\s*--|.*content-type:\s*image/", re.IGNORECASE | re.DOTALL)
_IN_PAGE = re.compile(
    rb"<(?:img|video|source|iframe)\b[^>]*?\bsrc\s*=\s*[\"']?([^\s\"'>]+)", re.IGNORECASE
)
_NO_VIDEO = re.compile(r"text/|application/(?:json|pdf|zip|javascript)")
_HEAD_BYTES, _PAGE_BYTES, _SEARCH_BYTES = 512, 65536, 8 << 20
_RECONNECT_TIMEOUT_S = 1.5  # seconds to a connection, where there has been one before


class HttpImages:
    """Images one after the other, read as `cv2.VideoCapture` is.

    Attributes:
        fps: images a second, as far as that is set.
        interval: seconds that it waits between two on its own.
        is_unverified: whether the server's certificate is not to be trusted.
    """

    fps = 0.0
    interval = 0.0

    def __init__(self, client: HttpClient) -> None:
        """Takes the connection over, to close it in the end."""
        self.is_unverified = client.is_unverified
        self._client = client
        self._image: np.ndarray | None = None

    def grab(self) -> bool:
        """Waits for the next image; False where the connection is over."""
        raise NotImplementedError

    def retrieve(self) -> tuple[bool, np.ndarray | None]:
        """The image that was grabbed."""
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


def open_http(address: Address, request: Mapping[str, Any]) -> HttpImages | Fault | None:
    """Opens what an address gives, by what it sends.

    Args:
        address: of a camera or server, http or https.
        request: see `maskdet.sources.camera_process`.

    Returns:
        Images; or why there are none; or None where FFmpeg is to open it.
    """
    timeout = request["open_timeout"]
    connect = min(timeout, _RECONNECT_TIMEOUT_S) if request["again"] else timeout
    client = HttpClient(address, connect, timeout)
    found: HttpImages | Fault | None = None
    try:
        found = _open_content(client, client.get(), address, request)
    except (OSError, ValueError) as error:
        found = explain_error(cause_of(error), address)
    finally:
        if not isinstance(found, HttpImages):
            client.close()
    return found


def read_all(response: requests.Response, head: bytes = b"") -> bytes:
    """The rest of an answer after its head; empty where it is cut short or too long."""
    data = bytearray(head)
    while piece := more(response):
        data += piece
        if len(data) > MAX_BYTES:
            return b""
    return bytes(data)


def _open_content(
    client: HttpClient, response: requests.Response, address: Address, request: Mapping[str, Any]
) -> HttpImages | Fault | None:
    content = response.headers.get("Content-Type", "").lower()
    if not response.ok:
        return rule(Answer(response.status_code, content), address)
    if content.startswith("multipart/"):
        return _open_parts(client, response, b"", address)
    head = _read_head(response)
    if not head:
        return Fault(f"'{shown_path(address)}' sends nothing; look at the path")
    if fault := unplayable_video(head, response.headers, shown_path(address)):
        return fault
    if head.startswith(_JPEG):
        return _open_jpeg(client, response, head, request)
    if content.startswith("image/") or head.startswith(_IMAGES):
        return _open_snapshot(client, read_all(response, head), address, request)
    if head.startswith(b"#EXTM3U") or "mpegurl" in content:
        return None
    if "html" in content or _PAGE.match(head):
        return _explain_page(response, head, address)
    if _PARTS.match(head):
        return _open_parts(client, response, head, address)
    if _NO_VIDEO.match(content):
        what = content.split(";")[0]
        return Fault(
            f"'{shown_path(address)}' sends {what}, no picture or video; the camera's manual names "
            "its stream"
        )
    return None


def _read_head(response: requests.Response) -> bytes:
    head = bytearray()
    while len(head) < _HEAD_BYTES and (piece := more(response)):
        head += piece
    return bytes(head)


def _open_parts(
    client: HttpClient, response: requests.Response, head: bytes, address: Address
) -> HttpImages | Fault:
    stream, read = JpegStream(), len(head)
    images = stream.feed(head)
    while not images:
        data = more(response)
        read += len(data)
        if not data or read > _SEARCH_BYTES:
            return Fault(
                f"'{shown_path(address)}' sends no JPEG pictures; try another of its streams"
            )
        images = stream.feed(data)
    return MotionJpeg(client, response, stream, images)


def _open_jpeg(
    client: HttpClient, response: requests.Response, head: bytes, request: Mapping[str, Any]
) -> HttpImages:
    """One image; or, where more follow it, a stream of them without anything between."""
    if "Content-Length" in response.headers:
        return _snapshots(client, read_all(response, head), request)
    stream, data = JpegStream(), bytearray(head)
    images = stream.feed(head)
    while len(images) < 2 and len(data) < MAX_BYTES:
        piece = more(response)
        if not piece:
            return _snapshots(client, bytes(data), request)
        data += piece
        images += stream.feed(piece)
    return MotionJpeg(client, response, stream, images)


def _open_snapshot(
    client: HttpClient, image: bytes, address: Address, request: Mapping[str, Any]
) -> HttpImages | Fault:
    found = _snapshots(client, image, request)
    if found._decode(image):
        return found
    return Fault(f"'{shown_path(address)}' sends a picture that cannot be read; choose JPEG or PNG")


def _snapshots(client: HttpClient, image: bytes, request: Mapping[str, Any]) -> Snapshots:
    return Snapshots(client, image, request.get("fps") or SNAPSHOT_FPS, request["read_timeout"])


def _explain_page(response: requests.Response, head: bytes, address: Address) -> Fault:
    page = bytearray(head)
    while len(page) < _PAGE_BYTES and (piece := more(response)):
        page += piece
    what = f"'{shown_path(address)}' is a web page, no video"
    for found in _IN_PAGE.findall(page):
        there = urljoin(address.bare_url, found.decode(errors="replace"))
        if re.match(r"https?://[^\s@]+$", there) and not address.is_doubtful:
            return Fault(f"{what}; it shows {mask_address(there)}: try that address")
    return Fault(f"{what}; the camera's manual names its stream")
