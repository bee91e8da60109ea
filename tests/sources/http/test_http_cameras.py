"""HTTP cameras with the habits of real ones: each on loopback, read as the monitor reads it."""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import threading
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskdet.live.meters import SourceMeter
from maskdet.sources import silence
from maskdet.sources.address import parse
from maskdet.sources.child.stream_diagnosis import Fault
from maskdet.sources.http.image_camera import HttpImages, open_http
from maskdet.sources.http.jpeg_stream import JpegStream
from maskdet.sources.opening import open_source
from maskdet.sources.options import SourceOptions
from tests.images.pictures import panned, torn

pytestmark = pytest.mark.timeout(60)
PASSWORD = "p@ss/#1%ä"


def jpeg(number: int) -> bytes:
    image = np.full((48, 64, 3), 20 + 8 * (number % 25), np.uint8)
    image[::2, ::3, number % 3] ^= 37  # so that compressed data holds what looks like markers
    return cv2.imencode(".jpg", image)[1].tobytes()


JPEGS = [jpeg(number) for number in range(25)]


def number(image: np.ndarray) -> int:
    return min(range(25), key=lambda n: abs(float(image.mean()) - AVERAGES[n]))


AVERAGES = [float(cv2.imdecode(np.frombuffer(one, np.uint8), 1).mean()) for one in JPEGS]


def head(kind: str, *more: str, status: str = "HTTP/1.1 200 OK") -> bytes:
    lines = (status, *([f"Content-Type: {kind}"] if kind else []), *more, "Connection: close")
    return "\r\n".join((*lines, "", "")).encode()


Send = Callable[[bytes], None]


class HttpCamera:
    """Answers each path with the function of that name: a server that keeps to no rule."""

    def __init__(self) -> None:
        self.over = threading.Event()
        self.requests: list[str] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._run)]
        self._threads[0].start()

    def url(self, path: str, login: str = "") -> str:
        return f"http://{login}127.0.0.1:{self.port}/{path}"

    def close(self) -> None:
        self.over.set()
        socket.create_connection(("127.0.0.1", self.port)).close()
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _run(self) -> None:
        while not self.over.is_set():
            link, _ = self._listener.accept()
            self._threads.append(threading.Thread(target=self._serve, args=(link,)))
            self._threads[-1].start()

    def _serve(self, link: socket.socket) -> None:
        link.settimeout(10)
        with link:
            try:
                asked = b""
                while b"\r\n\r\n" not in asked:
                    piece = link.recv(4096)
                    if not piece:
                        return
                    asked += piece
                self.requests.append(asked.decode())
                getattr(self, asked.split()[1].decode().strip("/").split(".")[0])(link.sendall)
            except OSError:
                return  # the viewer has gone

    def _pictures(self) -> Iterator[bytes]:
        count = 0
        while not self.over.wait(0.02):
            yield JPEGS[count % 25]
            count += 1

    def _parts(self, send: Send, kind: str, before: bytes, line: bytes = b"\r\n") -> None:
        send(head(kind))
        for one in self._pictures():
            length = b"Content-Length: %d" % len(one)
            send(line.join((before, b"Content-Type: image/jpeg", length, b"", one, b"")))

    def dashes(self, send: Send) -> None:
        self._parts(send, 'multipart/x-mixed-replace; boundary="--next"', b"--next")

    def torn(self, send: Send) -> None:
        one = cv2.imencode(".jpg", torn(3))[1].tobytes()
        send(head("multipart/x-mixed-replace; boundary=next"))
        while not self.over.wait(0.02):
            send(b"--next\r\nContent-Type: image/jpeg\r\n\r\n" + one + b"\r\n")

    def nodash(self, send: Send) -> None:
        self._parts(send, "multipart/x-mixed-replace; boundary=next", b"next")

    def wrong(self, send: Send) -> None:
        self._parts(send, "multipart/x-mixed-replace; boundary=next", b"--other")

    def noboundary(self, send: Send) -> None:
        self._parts(send, "multipart/x-mixed-replace", b"--next", b"\n")

    def untyped(self, send: Send) -> None:
        self._parts(send, "", b"--next")

    def nofirst(self, send: Send) -> None:
        send(head("multipart/x-mixed-replace; boundary=next"))
        for one in self._pictures():
            send(b"Content-Type: image/jpeg\r\n\r\n" + one + b"\r\n--next\r\n")

    def wronglength(self, send: Send) -> None:
        send(head("multipart/x-mixed-replace; boundary=next"))
        for one in self._pictures():
            send(b"--next\r\nContent-length:7\r\n\r\n" + one + b"some text\r\n")

    def http10(self, send: Send) -> None:
        send(b"HTTP/1.0 200 OK\r\nContent-type: multipart/x-mixed-replace;boundary=x\r\n\r\n")
        for one in self._pictures():
            send(b"--x\r\nContent-type:image/jpeg\r\n\r\n" + one)

    def raw(self, send: Send) -> None:
        send(head("image/jpeg"))
        for one in self._pictures():
            send(one)

    def octet(self, send: Send) -> None:
        send(head("application/octet-stream"))
        for one in self._pictures():
            send(one)

    def chunked(self, send: Send) -> None:
        send(head("multipart/x-mixed-replace;boundary=x", "Transfer-Encoding: chunked"))
        for one in self._pictures():
            for piece in (b"\r\n--x\r\n\r\n", one[:100], one[100:]):
                send(b"%x\r\n" % len(piece) + piece + b"\r\n")

    def moved(self, send: Send) -> None:
        send(head("", f"Location: {self.url('nodash')}", status="HTTP/1.1 302 Found"))

    def _refuse(self, send: Send, way: str) -> None:
        more = (f"WWW-Authenticate: {way}", "Content-Length: 0")
        send(head("", *more, status="HTTP/1.1 401 Unauthorized"))

    def basic(self, send: Send) -> None:
        login = base64.b64encode(f"ann:{PASSWORD}".encode()).decode()
        if f"Authorization: Basic {login}" in self.requests[-1]:
            self.nodash(send)
        else:
            self._refuse(send, 'Basic realm="cam"')

    def digest(self, send: Send) -> None:
        def md5(text: str) -> str:
            return hashlib.md5(text.encode()).hexdigest()

        given = dict(re.findall(r'(\w+)="?([^",]+)', self.requests[-1].partition("Digest ")[2]))
        secret, asked = md5(f"ann:cam:{PASSWORD}"), md5("GET:/digest.jpg")
        middle = ":".join(given.get(key, "").strip() for key in ("nonce", "nc", "cnonce", "qop"))
        if given.get("response") == md5(f"{secret}:{middle}:{asked}"):
            self.snapshot(send)
        else:
            self._refuse(send, 'Digest realm="cam", nonce="n1", qop="auth"')

    def snapshot(self, send: Send) -> None:
        one = JPEGS[len(self.requests) % 25]
        send(head("image/jpeg", f"Content-Length: {len(one)}") + one)

    def endless(self, send: Send) -> None:
        """One picture, its length not stated."""
        send(head("text/plain") + JPEGS[len(self.requests) % 25])

    def png(self, send: Send) -> None:
        send(head("") + cv2.imencode(".png", np.full((48, 64, 3), 100, np.uint8))[1].tobytes())

    def busy(self, send: Send) -> None:
        """Every other request is too much for it."""
        if len(self.requests) % 2:
            self.snapshot(send)
        else:
            send(head("", "Content-Length: 0", status="HTTP/1.1 503 Busy"))

    def page(self, send: Send) -> None:
        send(head("text/html") + b"<html><body><img alt=x src='/live/1.mjpg'></body></html>")

    def plainpage(self, send: Send) -> None:
        send(head("") + b"  <!DOCTYPE html><p>Log in" + b" " * 600)

    def json(self, send: Send) -> None:
        send(head("application/json") + b'{"error": "no channel"}')

    def nothing(self, send: Send) -> None:
        send(head("image/jpeg", "Content-Length: 0"))

    def sound(self, send: Send) -> None:
        send(head("multipart/x-mixed-replace;boundary=x") + b"--x\r\n\r\nno picture\r\n--x--")


@pytest.fixture(scope="module")
def http_camera() -> Iterator[HttpCamera]:
    server = HttpCamera()
    yield server
    server.close()


STREAMS = (
    *("dashes", "nodash", "nofirst", "wrong", "noboundary", "untyped", "wronglength"),
    *("http10", "raw", "octet", "chunked", "moved", "basic"),
)


REQUEST = {"open_timeout": 10.0, "read_timeout": 5.0, "again": False, "fps": 20}


def images(opened: HttpImages | Fault | None, count: int) -> list[np.ndarray]:
    assert isinstance(opened, HttpImages), opened
    found = []
    for _ in range(count):
        assert opened.grab()
        found.append(opened.retrieve()[1])
    opened.release()
    return found


@pytest.mark.parametrize("path", STREAMS)
def test_a_stream_is_opened_whatever_its_habits(http_camera: HttpCamera, path: str) -> None:
    """In this process; the next test goes all the way."""
    url = http_camera.url(path, f"ann:{PASSWORD}@" if path == "basic" else "")
    seen = images(open_http(parse(url), REQUEST), 6)
    first = number(seen[0])
    assert [number(image) for image in seen] == [(first + i) % 25 for i in range(6)]


def test_a_stream_of_an_odd_camera_is_a_live_source(http_camera: HttpCamera) -> None:
    source = open_source(http_camera.url("nodash"))
    seen = [source.read() for _ in range(6)]
    source.close()
    assert source.is_live and all(frame.image.shape == (48, 64, 3) for frame in seen)


def test_torn_images_of_a_camera_are_repaired(http_camera: HttpCamera) -> None:
    """As those of an analog camera behind an encoder are."""
    source = open_source(http_camera.url("torn"))
    seen = [source.read() for _ in range(3)]
    source.close()
    assert all(np.abs(frame.image.astype(int) - panned(3, 480)).mean() < 6 for frame in seen)


@pytest.mark.parametrize("path", ["snapshot.jpg", "endless.cgi", "png", "digest.jpg", "busy"])
def test_an_address_that_gives_one_picture_is_fetched_again(
    http_camera: HttpCamera, path: str
) -> None:
    login = f"ann:{PASSWORD}@" if path.startswith("digest") else ""
    if path == "busy":
        http_camera.requests.clear()
    asked = len(http_camera.requests)
    seen = images(open_http(parse(http_camera.url(path, login)), REQUEST), 4)
    assert len(http_camera.requests) - asked >= 4
    assert path == "png" or len({number(image) for image in seen}) == 4


def test_a_snapshot_address_is_a_live_source(http_camera: HttpCamera) -> None:
    source = open_source(http_camera.url("snapshot.jpg"), options=SourceOptions(fps=20))
    seen = [source.read() for _ in range(4)]
    source.close()
    assert source.is_live and source.fps == 20 and source.reconnects == 0
    assert source.pause == 0.05  # which is not a loss of signal, however long
    assert len({number(frame.image) for frame in seen}) == 4


def test_a_pause_between_two_snapshots_is_no_loss_of_signal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = [100.0]
    monkeypatch.setattr(silence.time, "monotonic", lambda: now[0])
    for pause in (0.0, 10.0):
        meter = SourceMeter()
        meter.begin()
        meter.capture(pause)
        now[0] += 10
        assert meter.read(0, 0, is_live=True, is_held=False).no_signal == (not pause)


@pytest.mark.parametrize(
    ("path", "login", "says"),
    [
        ("page", "", "'/page' is a web page, no video; it shows http://127.0.0.1:{port}/live/1.m"),
        ("plainpage", "", "'/plainpage' is a web page, no video; the camera's manual"),
        ("json", "", "'/json' sends application/json, no picture or video"),
        ("nothing", "", "'/nothing' sends nothing"),
        ("sound", "", "'/sound' sends no JPEG pictures"),
        ("basic", "ann:geheim@", "user name or password refused"),
        ("digest.jpg", "ann:geheim@", "user name or password refused"),
        ("basic", "", "asks for a password; write http://<user>:<password>@<host>/path"),
    ],
)
def test_what_is_no_picture_is_named(
    http_camera: HttpCamera, path: str, login: str, says: str
) -> None:
    fault = open_http(parse(http_camera.url(path, login)), REQUEST)
    assert isinstance(fault, Fault) and says.format(port=http_camera.port) in fault.reason
    assert fault.login == ("password" in says)
    assert "geheim" not in fault.reason and "\n" not in fault.reason


@given(st.lists(st.integers(1, 400), min_size=1), st.binary(max_size=20))
def test_pictures_are_found_however_they_are_cut(sizes: list[int], between: bytes) -> None:
    between = between.replace(b"\xff", b"")
    data = b"".join(between + one for one in JPEGS[:5]) + between
    stream, found, at = JpegStream(), [], 0
    while at < len(data):
        size = sizes[at % len(sizes)]
        found += stream.feed(data[at : at + size])
        at += size
    assert found == JPEGS[:5]


@given(st.binary(max_size=300))
def test_noise_between_pictures_costs_two_at_most(noise: bytes) -> None:
    found = JpegStream().feed(JPEGS[0] + noise + b"".join(JPEGS[1:8]) + JPEGS[8] * 2)
    assert JPEGS[0] == found[0] and len(found) >= 1


def test_a_picture_that_breaks_off_is_left_out_and_a_camera_without_ends_is_read() -> None:
    cut = [one[: len(one) // 2] for one in JPEGS]
    stream = JpegStream()
    assert stream.feed(cut[0] + JPEGS[1]) == [JPEGS[1]] and stream.broken == 1
    endless = [one[:-2] for one in JPEGS]
    assert JpegStream().feed(b"".join(endless[:8]))[-1] == JPEGS[6]
