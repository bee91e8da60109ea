"""A script of scenes that two cameras play, and the alarms that each scene has to raise once."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).resolve().parents[2]
SIZE = (640, 480)
FPS = 10
CELL, BITS = 20, 24
RULES = (
    "alarms.rules=["
    "{name: bare, for_seconds: 1, clear_seconds: 2, max_per_hour: 1000},"
    "{name: gone, when: camera_gone, for_seconds: 5, clear_seconds: 2, max_per_hour: 1000},"
    "{name: dark, when: camera_covered, for_seconds: 3, clear_seconds: 2, max_per_hour: 1000},"
    "{name: moved, when: camera_moved, for_seconds: 3, clear_seconds: 2, max_per_hour: 1000},"
    "{name: full, when: disk_full, for_seconds: 2, clear_seconds: 2, free_gb: 0.01,"
    " max_per_hour: 1000}]"
)
_CYCLE_S = 150.0
"""Longer than a quarter of the five minutes in which an alarm that begins often is flapping."""
_CYCLE = {
    "door": ((5, 17, "bare"), (29, 44, "gone"), (56, 68, "bare"), (80, 92, "bare"),
             (104, 119, "dark"), (130, 142, "bare")),
    "hall": ((12, 24, "bare"), (36, 51, "moved"), (62, 74, "bare"), (86, 98, "bare"),
             (110, 125, "gone"), (136, 147, "bare")),
}  # fmt: skip
CAMERAS = tuple(_CYCLE)


@dataclass(frozen=True)
class Scene:
    """Scene of a camera from one second to another; its name is that of the rule it is for."""

    camera: str
    begin: float
    end: float
    rule: str


def script(seconds: float) -> list[Scene]:
    """All scenes that are over by then, in order of their beginning."""
    scenes = [
        Scene(camera, at + begin, at + end, rule)
        for at in itertools.takewhile(lambda at: at < seconds, itertools.count(0.0, _CYCLE_S))
        for camera, cycle in _CYCLE.items()
        for begin, end, rule in cycle
        if at + end <= seconds
    ]
    return sorted(scenes, key=lambda scene: scene.begin)


def stamp(image: np.ndarray, code: int) -> None:
    """Writes a number along the top of the picture, a cell for each bit."""
    for bit in range(BITS):
        value = 255 * (code >> (BITS - 1 - bit) & 1)
        image[: CELL - 6, bit * CELL : (bit + 1) * CELL] = value


def stamped(gray: np.ndarray) -> int:
    """The number that was written into a picture."""
    code = 0
    for bit in range(BITS):
        code = code * 2 + int(gray[CELL // 2, bit * CELL + CELL // 2] > 128)
    return code


def age_ms(code: int, now: float) -> float:
    """Milliseconds since a picture with that stamp was taken."""
    return (now * 1000 - code) % 2**BITS


class Stage:
    """The cameras, over HTTP as MJPEG; their time begins with `raise_curtain`.

    Attributes:
        port: of all.
        began: Unix time of the script's beginning; None before it.
        seconds: of the script; after it the cameras show an empty room.
    """

    def __init__(self) -> None:
        self.began: float | None = None
        self.seconds = 0.0
        self.over = threading.Event()
        clip = cv2.VideoCapture(str(ROOT / "maskdet/sources/clip.mp4")).read()[1]
        self._person = cv2.resize(clip[150:480, 380:620], (144, 198))  # no mask on
        random = np.random.default_rng(7)
        walls = [random.integers(0, 255, (*shape, 3), np.uint8) for shape in ((12, 16), (7, 11))]
        self._rooms = [cv2.resize(wall, SIZE, interpolation=cv2.INTER_NEAREST) for wall in walls]
        stage = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # noqa: N802
                stage.play(self, self.path.strip("/"))

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign,assignment]
        self.port = self._server.server_port

    @contextmanager
    def serving(self) -> Iterator[None]:
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield
        finally:
            self.over.set()
            self._server.shutdown()
            thread.join()
            self._server.server_close()

    def raise_curtain(self, seconds: float) -> list[Scene]:
        """Begins the script."""
        self.seconds, self.began = seconds, time.time()
        return script(seconds)

    def scene(self, camera: str) -> tuple[str, float]:
        """The scene of this moment, and for how many seconds it has been shown."""
        at = -1.0 if self.began is None else time.time() - self.began
        if not 0 <= at < self.seconds:
            return "", 0.0
        within = at % _CYCLE_S
        for begin, end, rule in _CYCLE[camera]:
            if begin <= within < end and at - within + end <= self.seconds:
                return rule, within - begin
        return "", 0.0

    def image(self, camera: str) -> np.ndarray:
        """The picture of this moment."""
        rule, seconds = self.scene(camera)
        image = self._rooms[rule == "moved"].copy()
        if rule == "bare":
            height, width = self._person.shape[:2]
            left = 60 + int(25 * seconds)  # faces that stand still for long are posters
            image[-height:, left : left + width] = self._person
        if rule == "dark":
            image[:] = 90
        stamp(image, int(time.time() * 1000) % 2**BITS)
        return image

    def play(self, request: BaseHTTPRequestHandler, camera: str) -> None:
        """Answers a request until the camera is gone."""
        if self.scene(camera)[0] == "gone":
            return
        request.send_response(200)
        request.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        request.end_headers()
        due = time.monotonic()
        while not self.over.is_set() and self.scene(camera)[0] != "gone":
            due = max(due + 1 / FPS, time.monotonic() - 0.5)
            time.sleep(max(0.0, due - time.monotonic()))
            data = cv2.imencode(".jpg", self.image(camera))[1].tobytes()
            head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(data)}\r\n\r\n"
            try:
                request.wfile.write(head.encode() + data + b"\r\n")
            except OSError:
                return
