"""Cameras that send images over HTTP: motion JPEG, and an address that gives one at a time.

What an address gives is judged by what it sends, its type and first bytes, not by its ending.
Videos and playlists are FFmpeg's to open.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import requests

from maskdet.sources.address import Address
from maskdet.sources.child.stream_diagnosis import Answer, Fault, explain_error, rule, shown_path
from maskdet.sources.http.captures import HttpImages, MotionJpeg, Snapshots, read_all
from maskdet.sources.http.client import HttpClient, cause_of, more
from maskdet.sources.http.jpeg_stream import MAX_BYTES, JpegStream
from maskdet.sources.http.video_index import unplayable_video
from maskdet.system.redaction import mask_address

SNAPSHOT_FPS = 2.0
"""How often an address that gives one image is fetched a second, where nothing is set."""

_JPEG = b"\xff\xd8\xff"
_IMAGE = re.compile(rb"\x89PNG\r\n|GIF8|BM|RIFF....WEBP", re.DOTALL)  # an AVI is RIFF, too
_PAGE = re.compile(rb"\s*(?:<!doctype html|<html)", re.IGNORECASE)
_PARTS = re.compile(rb"\s*--|.*content-type:\s*image/", re.IGNORECASE | re.DOTALL)
_IN_PAGE = re.compile(
    rb"<(?:img|video|source|iframe)\b[^>]*?\bsrc\s*=\s*[\"']?([^\s\"'>]+)", re.IGNORECASE
)
_NO_VIDEO = re.compile(r"text/|application/(?:json|pdf|zip|javascript)")
_HEAD_BYTES, _PAGE_BYTES, _SEARCH_BYTES = 512, 65536, 8 << 20
_RECONNECT_TIMEOUT_S = 1.5  # seconds to a connection, where there has been one before


@dataclass(frozen=True)
class OtherContent:
    """Content that FFmpeg is to open: a video, a playlist.

    Attributes:
        is_unverified: whether the server's certificate is not to be trusted.
    """

    is_unverified: bool


def open_http(address: Address, request: Mapping[str, Any]) -> HttpImages | OtherContent | Fault:
    """Opens what an address gives, by what it sends.

    Args:
        address: of a camera or server, http or https.
        request: see `maskdet.sources.camera_process`.

    Returns:
        Images; or what FFmpeg is to open; or why there is neither.
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
    return found or OtherContent(client.is_unverified)


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
    if content.startswith("image/") or _IMAGE.match(head):
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
