"""Limits, failures, batches, start and end of the picture page's server."""

from __future__ import annotations

import re
import socket
import struct
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor

import httpx
import numpy as np
import psutil
import pytest

from maskdet.__main__ import main
from maskdet.detections import Detections
from maskdet.errors import MaskdetError
from maskdet.web.batcher import Batcher
from maskdet.web.page_server import server
from maskdet.web.request_limits import Limits
from tests.doubles import ScriptedDetector
from tests.web.servers import encoded, serving, serving_app

PNG = encoded(".png")


def claims(width: int, height: int) -> bytes:
    """A small PNG that claims to be large: of plain gray, properly compressed."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IEND", b"")


def test_limits_are_reported_with_413():
    limits = Limits(bytes=20_000, pixels=64 * 48, images=2)
    with serving_app(limits=limits) as client:
        assert client.post("/api/detect", content=PNG).status_code == 200
        for body, reported in (
            ({"content": PNG + bytes(20_000)}, "more than 0.02 MB in one request"),
            ({"content": iter([PNG, bytes(15_000), bytes(15_000)])}, "more than 0.02 MB"),
            ({"files": {"f": ("a.png", PNG + bytes(20_000))}}, "more than 0.02 MB"),
            ({"content": encoded(".png", 65, 48)}, "picture: more than 0.003072 million pixels"),
            ({"content": encoded(".webp", 65, 48)}, "million pixels"),
            ({"content": encoded(".jpg", 65, 48)}, "million pixels"),
            ({"files": [("f", ("a.png", PNG))] * 3}, "more than 2 pictures in one request"),
            ({"files": [("f", ("a.png", PNG))] * 30}, "more than 2 pictures in one request"),
        ):
            answer = client.post("/api/detect", **body)  # type: ignore[arg-type]
            assert answer.status_code == 413, answer.text
            assert reported in answer.json()["detail"]


def test_pictures_of_too_many_pixels_together_are_refused_in_one_line():
    with serving_app(limits=Limits(pixels=64 * 48)) as client:

        def send(*pictures: bytes) -> httpx.Response:
            files = [("f", (f"{i}.png", data)) for i, data in enumerate(pictures)]
            return client.post("/api/annotate", files=files)

        assert send(*[PNG] * 6).status_code == 200
        answer = send(*[PNG] * 7)
        assert answer.status_code == 413
        assert answer.json()["detail"] == (
            "more than 0.018432 million pixels in one request; send fewer pictures at a time"
        )
        assert send(PNG, claims(9000, 9000)).json()["detail"].startswith("1.png: more than")


def test_only_as_many_pixels_as_one_picture_may_have_are_in_work_at_once():
    first, going = threading.Event(), threading.Event()
    detector = ScriptedDetector(before=lambda: (first.set(), going.wait(20)))
    with serving_app(detector, limits=Limits(pixels=64 * 48)) as client, ThreadPoolExecutor(1) as p:
        files = [("f", (f"{index}.png", PNG)) for index in range(3)]
        answer = p.submit(client.post, "/api/detect", files=files)
        assert first.wait(20)
        time.sleep(0.3)  # the others come as far as they may
        going.set()
        assert len(answer.result().json()["images"]) == 3
    assert detector.batches == [1, 1, 1]


@pytest.mark.parametrize("size", [(8000, 8000), (12_000, 12_000), (60_000, 60_000)])
def test_a_bomb_is_refused_by_its_header(size: tuple[int, int]):
    with serving_app() as client:
        answer = client.post("/api/annotate", content=claims(*size))
        assert answer.status_code == 413
        assert "more than 50 million pixels" in answer.json()["detail"]


def test_a_request_that_does_not_come_is_given_up():
    with serving_app(limits=Limits(seconds=0.3, requests=1)) as client:

        def slowly():
            yield PNG[:20]
            time.sleep(1.5)
            yield PNG[20:]

        assert client.post("/api/detect", content=slowly()).status_code == 408
        assert client.post("/api/detect", content=PNG).status_code == 200


def test_a_client_that_leaves_leaves_no_trace(capfd: pytest.CaptureFixture[str]):
    with serving_app() as client:
        for _ in range(3):
            with socket.create_connection(
                (client.base_url.host, client.base_url.port or 0)
            ) as gone:
                gone.sendall(
                    b"POST /api/detect HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n"
                )
        assert client.post("/api/detect", content=PNG).status_code == 200
    assert capfd.readouterr().err == ""


def test_a_detector_that_fails_is_a_line_on_the_terminal(capfd: pytest.CaptureFixture[str]):
    with serving_app(ScriptedDetector(error=RuntimeError("no memory"))) as client:
        answer = client.post("/api/detect", content=PNG)
        assert answer.status_code == 500
        assert answer.json()["detail"] == "the detector failed; the terminal shows why"
        assert client.get("/healthz").json() == {"status": "ok"}
    (line,) = capfd.readouterr().err.splitlines()
    assert "RuntimeError: no memory" in line


def test_requests_that_come_together_go_together():
    going, together = threading.Event(), threading.Barrier(6)

    def script(image: np.ndarray) -> Detections:
        return Detections(np.array([[0, 0, image.shape[1], 1]]), np.ones(1), np.zeros(1))

    detector = ScriptedDetector(script, before=lambda: going.wait(20))
    with serving_app(detector) as client, ThreadPoolExecutor(6) as pool:

        def post(width: int) -> float:
            together.wait(20)
            answer = client.post("/api/detect", content=encoded(".png", width))
            return answer.json()["images"][0]["detections"][0]["box"][2]

        answers = [pool.submit(post, width) for width in range(60, 66)]
        while not detector.batches:
            time.sleep(0.01)
        time.sleep(1.0)  # the first is held by the detector; the others arrive behind it
        going.set()
        assert [answer.result() for answer in answers] == list(range(60, 66))  # each its own
        text = client.get("/metrics").text
    assert sum(detector.batches) == 6 and len(detector.batches) < 6
    assert f"maskdet_batch_pictures_count {len(detector.batches)}.0" in text


def test_the_pictures_of_a_request_go_together_in_its_order():
    def script(image: np.ndarray) -> Detections:
        return Detections(np.array([[0, 0, image.shape[1], 1]]), np.ones(1), np.zeros(1))

    detector = ScriptedDetector(script, delay=0.5)
    files = [("f", (f"{width}.png", encoded(".png", width))) for width in range(60, 66)]
    with serving_app(detector) as client:
        images = client.post("/api/detect", files=files).json()["images"]
        bad = client.post("/api/detect", files=[*files, ("f", ("1", b"?")), ("f", ("2", b"?"))])
    assert [image["file"] for image in images] == [f"{width}.png" for width in range(60, 66)]
    assert [image["detections"][0]["box"][2] for image in images] == list(range(60, 66))
    assert len(detector.batches) < 12
    assert bad.status_code == 415 and bad.json()["detail"].startswith("1: ")


def test_one_bad_picture_spoils_no_other():
    going = threading.Event()

    class Picky(ScriptedDetector):
        def detect(self, images):  # type: ignore[no-untyped-def]
            going.wait(20)
            if any(image.shape[1] == 13 for image in images):
                raise ValueError("thirteen")
            return super().detect(images)

    batcher = Batcher(Picky(), on_batch=lambda pictures, seconds: None)
    with ThreadPoolExecutor(4) as pool:
        asked = [
            pool.submit(batcher.detect, np.zeros((9, width, 3), np.uint8))
            for width in (12, 13, 14, 15)
        ]
        going.set()
        with pytest.raises(ValueError, match="thirteen"):
            asked[1].result()
        assert all(len(asked[i].result()) == 0 for i in (0, 2, 3))
    batcher.close()
    batcher.close()
    assert not batcher.is_alive


def test_a_dead_thread_leaves_nobody_waiting(caplog: pytest.LogCaptureFixture):
    going = threading.Event()

    class Slow(ScriptedDetector):
        def detect(self, images):  # type: ignore[no-untyped-def]
            going.wait(20)
            return super().detect(images)

    def fails(pictures: int, seconds: float) -> None:
        raise ValueError("no room")

    batcher = Batcher(Slow(), most=1, on_batch=fails)
    image = np.zeros((9, 12, 3), np.uint8)
    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(batcher.detect, image) for _ in range(3)]
        going.set()
        errors = [each.exception(timeout=20) for each in asked]
    assert sum(error is None for error in errors) == 1  # the picture that had been processed
    assert all("the detector has ended" in str(error) for error in errors if error)
    batcher.close()
    with pytest.raises(MaskdetError, match="start the picture page again"):
        batcher.detect(image)
    assert "ValueError: no room" in caplog.text


def test_it_listens_on_loopback_unless_set():
    with serving() as command:
        process = psutil.Process(command.process.pid)
        listening = [c for c in process.net_connections() if c.status == psutil.CONN_LISTEN]
        assert [connection.laddr.ip for connection in listening] == ["127.0.0.1"]
        (printed,) = command.printed  # no word of being open to the network
        assert printed.startswith("picture page: http://127.0.0.1:")


def test_sigterm_lets_a_request_under_way_finish():
    with serving("--host", "0.0.0.0", "--max-pictures", "1") as command:
        (open_line, _) = command.printed
        assert "open to the network" in open_line
        if found := re.search(r"at (http://\S+/):", open_line):  # no network, no such address
            assert httpx.get(f"{found[1]}healthz", trust_env=False).status_code == 200
        port = int(command.url.rpartition(":")[2])
        assert command.url == f"http://localhost:{port}"
        with socket.create_connection(("127.0.0.1", port), 60) as wire:
            head = f"POST /api/detect HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {len(PNG)}\r\n"
            wire.sendall(head.encode() + b"Connection: close\r\n\r\n" + PNG[:30])
            time.sleep(0.5)
            command.process.terminate()
            time.sleep(0.5)
            assert command.process.poll() is None
            wire.sendall(PNG[30:])
            answer = b"".join(iter(lambda: wire.recv(65536), b""))
        assert answer.startswith(b"HTTP/1.1 200 OK") and b'"width":64' in answer
        assert command.process.wait(60) == 0
        assert command.process.stderr.read() == ""  # type: ignore[union-attr]


def test_an_address_that_cannot_be_had_is_one_line(capsys: pytest.CaptureFixture[str]):
    with server.bind("127.0.0.1", 0) as taken:
        port = str(taken.getsockname()[1])
        for options, reported in (
            (["--port", port], f"cannot listen at 127.0.0.1 port {port}: Address already in use"),
            (["--host", "192.0.2.1"], "not an address of this machine; choose another with --host"),
            (["--host", "no.such.name.invalid"], "--host no.such.name.invalid: no such address"),
            (["--port", "70000"], "65535"),
            (["--port", "0", "--model", "no-such-model"], "no model 'no-such-model'"),
            (["--max-pictures", "0"], "greater than or equal to 1"),
        ):
            assert main(["serve", *options]) == 2
            (line,) = capsys.readouterr().err.splitlines()
            assert line.startswith("maskdet: ") and reported in line


@pytest.mark.parametrize(
    ("host", "is_open"), [("127.0.0.1", False), ("localhost", False), ("0.0.0.0", True)]
)
def test_it_knows_whether_others_can_reach_it(host: str, is_open: bool):
    with server.bind(host, 0) as listening:
        assert server.is_open(listening) == is_open
        assert httpx.URL(server.url_of(listening)).port == listening.getsockname()[1]
