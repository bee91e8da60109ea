"""Parts that tests of several rooms share: real videos and a real network camera on loopback."""

from __future__ import annotations

import fractions
import threading
from collections.abc import Callable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import maskdet  # noqa: F401  (before cv2: it sets OpenCV's limits)  # isort: skip
import cv2
import hypothesis
import numpy as np
import pytest

from tests.helpers.monitors import (  # noqa: F401  (fixtures)
    hears_hangups,
    small_disk,
    stalling_disk,
    start_monitor,
)
from tests.helpers.ports import refusing_port as refusing
from tests.helpers.running_server import running
from tests.helpers.xserver import screen  # noqa: F401  (a fixture)
from tests.whole_run import (  # noqa: F401  (hooks)
    made_once,
    pytest_addoption,
    pytest_cmdline_main,
    pytest_collection_modifyitems,
    pytest_make_collect_report,
    pytest_report_header,
    pytest_runtest_makereport,
    pytest_runtest_teardown,
    pytest_xdist_auto_num_workers,
    pytest_xdist_make_scheduler,
)

# How long an example takes is the machine's load, not a test's result.
hypothesis.settings.register_profile("any speed", hypothesis.settings.default, deadline=None)
hypothesis.settings.load_profile("any speed")

MakeVideo = Callable[..., Path]


@pytest.fixture
def refusing_port() -> Iterator[int]:
    """A port that refuses connections for as long as the test runs."""
    with refusing() as port:
        yield port


def gray(level: int, width: int = 64, height: int = 48) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


@pytest.fixture
def make_video(tmp_path: Path) -> MakeVideo:
    """Writes an H.264 file whose frame i is gray of level 20 + 8·(i mod 25)."""

    def make(
        name: str = "clip.mp4",
        *,
        frames: int = 30,
        stamps_ms: Sequence[int] | None = None,
        aspect: str = "1",
        **muxer: str,
    ) -> Path:
        import av

        stamps = stamps_ms or [round(i * 1000 / 25) for i in range(frames)]
        path = tmp_path / name
        with av.open(str(path), "w", options=muxer) as container:
            stream = container.add_stream("libx264", rate=25, options={"g": "5", "bf": "0"})
            stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
            stream.codec_context.sample_aspect_ratio = fractions.Fraction(aspect)
            stream.time_base = stream.codec_context.time_base = fractions.Fraction(1, 1000)
            for number, stamp in enumerate(stamps):
                frame = av.VideoFrame.from_ndarray(gray(20 + 8 * (number % 25)), format="bgr24")
                frame.pts, frame.time_base = stamp, fractions.Fraction(1, 1000)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        return path

    return make


class Camera(ThreadingHTTPServer):
    """An MJPEG camera. The path of the address decides what it does:

    /live never ends; /drop ends each connection after five frames and comes back in another
    size; /stall sends five frames, then nothing; /mute accepts and never answers; /status/N
    answers so.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.over = threading.Event()
        self.stalled = threading.Event()
        self.connections = 0

    def url(self, path: str, login: str = "") -> str:
        return f"http://{login}127.0.0.1:{self.server_port}/{path}"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that has gone is no error here."""


class _Handler(BaseHTTPRequestHandler):
    server: Camera

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        what, _, number = self.path.strip("/").partition("/")
        if what == "status":
            self.send_error(int(number))
            return
        if what == "mute":
            self.server.stalled.set()
            self.server.over.wait()
            return
        self.server.connections += 1
        width = 64 if self.server.connections % 2 else 80
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=next")
        self.end_headers()
        sent = 0
        while not self.server.over.wait(0.02):
            if sent >= 5 and what == "drop":
                return
            if sent >= 5 and what == "stall":
                self.server.stalled.set()
                self.server.over.wait()
                return
            jpeg = cv2.imencode(".jpg", gray(20 + 8 * (sent % 25), width))[1].tobytes()
            head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
            self.wfile.write(head.encode() + jpeg + b"\r\n")
            sent += 1


@pytest.fixture
def camera() -> Iterator[Camera]:
    """A network camera that runs as long as the test."""
    server = Camera()
    with running(server):
        yield server
        server.over.set()


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder with Keras weights and both LiteRT files; not to be changed."""
    pytest.importorskip("tensorflow")

    def make(folder: Path) -> None:
        from maskdet import export
        from tests.helpers.tiny import make_tiny_model, pictures

        make_tiny_model(folder)
        export.run(folder)
        export.run(folder, int8=True, calibrate=pictures(tmp_path_factory.mktemp("calibration")))

    return made_once(tmp_path_factory, "tiny", make)


def _exported(factory: pytest.TempPathFactory, kind: str) -> Path:
    pytest.importorskip("tf2onnx")

    def make(folder: Path) -> None:
        from maskdet import export
        from tests.helpers.tiny import make_lively_model

        make_lively_model(folder, kind)
        export.run(folder, "onnx")
        export.run(folder, "saved_model")

    return made_once(factory, kind, make)


@pytest.fixture(scope="session")
def exported_retinanet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder of a RetinaNet in every format but LiteRT; not to be changed."""
    return _exported(tmp_path_factory, "retinanet")


@pytest.fixture(scope="session")
def exported_faster_rcnn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder of a Faster R-CNN in every format but LiteRT; not to be changed."""
    return _exported(tmp_path_factory, "faster_rcnn")


@pytest.fixture(scope="session")
def exported(exported_retinanet: Path, exported_faster_rcnn: Path) -> dict[str, Path]:
    """A model folder of each kind of network, in every format but LiteRT; not to be changed."""
    return {"retinanet": exported_retinanet, "faster_rcnn": exported_faster_rcnn}
