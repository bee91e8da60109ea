"""Cameras by https, with a certificate that they made themselves: a real server on loopback."""

from __future__ import annotations

import http.server
import logging
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import requests

from maskdet.errors import SourceError
from maskdet.sources.address import parse
from maskdet.sources.http.client import HttpClient
from maskdet.sources.opening import open_source
from tests.helpers.running_server import running
from tests.sinks.channels.servers import make_certificate

pytestmark = pytest.mark.timeout(60)
LINE = "its certificate cannot be verified; going on without"
JPEG = cv2.imencode(".jpg", np.full((48, 64, 3), 90, np.uint8))[1].tobytes()


class Camera(http.server.SimpleHTTPRequestHandler):
    """Two addresses of pictures, the files of a folder, and 404 for all else."""

    def log_message(self, *args: Any) -> None:
        """Nothing."""

    def do_GET(self) -> None:
        if self.path == "/live":
            self._head("multipart/x-mixed-replace; boundary=b")
            for _ in range(200):
                self.wfile.write(b"--b\r\nContent-Type: image/jpeg\r\n\r\n" + JPEG + b"\r\n")
                time.sleep(0.02)
        elif self.path == "/picture":
            self._head("image/jpeg", str(len(JPEG)))
            self.wfile.write(JPEG)
        else:
            super().do_GET()

    def _head(self, kind: str, length: str = "") -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        if length:
            self.send_header("Content-Length", length)
        self.end_headers()


class Server(http.server.ThreadingHTTPServer):
    """Whose visitors may leave at any time."""

    def handle_error(self, *args: Any) -> None:
        """Nothing."""


@contextmanager
def serving(folder: Path, certificate: Path, key: Path) -> Iterator[str]:
    def handler(*args: Any) -> Camera:
        return Camera(*args, directory=str(folder))

    server = Server(("127.0.0.1", 0), handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with running(server):
        yield f"https://127.0.0.1:{server.server_port}"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("tls"), expired=False)


@pytest.fixture(scope="module")
def camera(
    tmp_path_factory: pytest.TempPathFactory, certificate: tuple[Path, Path]
) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("files")
    writer = cv2.VideoWriter(
        str(folder / "video.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48)
    )
    for level in range(10):
        writer.write(np.full((48, 64, 3), 20 * level, np.uint8))
    writer.release()
    with serving(folder, *certificate) as url:
        yield url


@pytest.mark.parametrize("path", ["live", "picture", "video.avi"])
def test_what_cannot_be_verified_is_opened_and_named(
    camera: str, path: str, caplog: pytest.LogCaptureFixture
):
    source = open_source(f"{camera}/{path}")
    frame = source.read()
    source.close()
    assert frame is not None and frame.image.shape == (48, 64, 3)
    assert [one.getMessage() for one in caplog.records] == [f"{camera}/{path}: {LINE}"]


@pytest.mark.parametrize("path", ["live", "video.avi"])
def test_what_is_verified_has_no_line(
    camera: str,
    certificate: tuple[Path, Path],
    path: str,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
    source = open_source(f"{camera}/{path}")
    assert source.read() is not None
    source.close()
    assert not [one for one in caplog.records if one.levelno >= logging.WARNING]


def test_an_address_that_is_not_there_is_named_as_that(camera: str):
    with pytest.raises(SourceError, match="the server knows no stream '/nothing'"):
        open_source(f"{camera}/nothing")


def test_a_camera_that_was_verified_is_never_trusted_blindly_later(
    camera: str, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
):
    """Only a new connection, which has its line, goes on without."""
    client = HttpClient(parse(f"{camera}/picture"), 5, 5)
    with monkeypatch.context() as trusting:
        trusting.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
        assert client.get().ok and not client.is_unverified
    with pytest.raises(requests.exceptions.SSLError):
        client.get()
    assert not client.is_unverified
    client.close()
