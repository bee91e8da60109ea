"""A real network camera for tests, what it shows, and a line to it that can be spoiled."""

from __future__ import annotations

import random
import select
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest

from tests.helpers.xserver import XServer

SYSTEM_PYTHON = "/usr/bin/python3"
BLOCK, COLUMNS, ROWS = 16, 16, 4  # as in rtsp_server.py


def _has_server() -> bool:
    code = (
        "import gi; gi.require_version('GstRtspServer', '1.0'); "
        "from gi.repository import Gst, GstRtspServer; Gst.init(None); "
        "assert all(map(Gst.ElementFactory.find, ('x264enc', 'x265enc', 'rtph265pay')))"
    )
    if shutil.which(SYSTEM_PYTHON) is None:
        return False
    done = subprocess.run([SYSTEM_PYTHON, "-c", code], stderr=subprocess.DEVNULL, check=False)
    return done.returncode == 0


HAS_SERVER = _has_server()
needs_rtsp = pytest.mark.skipif(
    not HAS_SERVER, reason="GStreamer's RTSP server is not installed (packages: .ci/run)"
)


def clock_of(picture: np.ndarray, x: int = 0, y: int = 0) -> float | None:
    """When a picture was drawn, seconds of the monotonic clock; None where no clock is at x, y."""
    cells = picture[y + BLOCK // 2 : y + BLOCK * ROWS : BLOCK, x + BLOCK // 2 :: BLOCK, 1]
    bits = (cells[:ROWS, :COLUMNS] > 127).ravel()
    if len(bits) < ROWS * COLUMNS:
        return None
    value = int("".join("01"[int(bit)] for bit in bits), 2)
    milliseconds = value >> 16
    check = (milliseconds * 40503 ^ milliseconds >> 16 ^ 0x5A5A) & 0xFFFF
    return milliseconds / 1000 if value & 0xFFFF == check and milliseconds else None


class RtspCamera:
    """The server in `tests/sources/rtsp_server.py` as a process, always on the same port.

    Attributes:
        port: where it answers.
    """

    def __init__(self, *options: str, prefix: tuple[str, ...] = ()) -> None:
        self._options = options
        self._prefix = prefix
        self.port = 0
        self.start()

    def start(self, *options: str) -> None:
        """Switches it on; options replace those it was made with."""
        self._options = options or self._options
        script = str(Path(__file__).with_name("rtsp_server.py"))
        self.process = subprocess.Popen(
            [*self._prefix, SYSTEM_PYTHON, script, "--port", str(self.port), *self._options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("ready "), "the RTSP server did not start"
        self.port = int(line.split()[1])

    def url(self, login: str = "", port: int | None = None, host: str = "127.0.0.1") -> str:
        """Its address, or that of a line to it."""
        return f"rtsp://{login}{host}:{port or self.port}/1"

    def tell(self, line: str) -> None:
        """Sends it a command."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        """Switches it off like a power cut."""
        self.process.kill()
        self.process.communicate()


@contextmanager
def rtsp_camera(*options: str, prefix: tuple[str, ...] = ()) -> Iterator[RtspCamera]:
    """A camera that runs as long as the block."""
    camera = RtspCamera(*options, prefix=prefix)
    try:
        yield camera
    finally:
        camera.kill()


class Line:
    """A TCP line to a server, which can be spoiled.

    Attributes:
        port: where it takes connections.
        connections: how many it took.
        flip: share of the chunks from the server in which a byte is turned over.
        bytes_per_second: how fast it carries what the server sends; None for all at once.
        frozen: carries nothing in either direction and closes nothing.
    """

    def __init__(self, server_port: int) -> None:
        self.server_port = server_port
        self.connections = self.flipped = 0
        self.flip = 0.0
        self.bytes_per_second: float | None = None
        self.frozen = False
        self._random = random.Random(5)
        self._over = threading.Event()
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def cut(self) -> None:
        """Ends all connections."""
        for pair in list(self._pairs):
            for end in pair:
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Ends it."""
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        with self._listener:
            while not self._over.is_set():
                if self.frozen:
                    time.sleep(0.02)
                    continue
                ends = [end for pair in self._pairs for end in pair]
                ready, _, _ = select.select([self._listener, *ends], [], [], 0.05)
                if self._listener in ready:
                    self._connect()
                for pair in list(self._pairs):
                    self._carry(pair, ready)
        self._end(list(self._pairs))

    def _connect(self) -> None:
        client, _ = self._listener.accept()
        self.connections += 1
        try:
            server = socket.create_connection(("127.0.0.1", self.server_port), 5)
        except OSError:
            client.close()
            return
        self._pairs.append((client, server))

    def _carry(self, pair: tuple[socket.socket, socket.socket], ready: list[socket.socket]) -> None:
        client, server = pair
        try:
            for source, sink in ((client, server), (server, client)):
                if source not in ready:
                    continue
                limit = 65536
                if self.bytes_per_second and source is server:
                    limit = max(1, int(self.bytes_per_second * 0.05))
                    time.sleep(0.05)
                data = source.recv(limit)
                if not data:
                    raise ConnectionError
                sink.sendall(self._spoil(data) if source is server else data)
        except OSError:
            self._end([pair])

    def _spoil(self, data: bytes) -> bytes:
        if self._random.random() >= self.flip or data.startswith(b"RTSP/"):
            return data
        self.flipped += 1
        at = self._random.randrange(len(data))
        return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]

    def _end(self, pairs: list[tuple[socket.socket, socket.socket]]) -> None:
        for pair in pairs:
            self._pairs.remove(pair)
            for end in pair:
                end.close()


@contextmanager
def line_to(camera: RtspCamera) -> Iterator[Line]:
    """A line to a camera for as long as the block lasts."""
    line = Line(camera.port)
    try:
        yield line
    finally:
        line.close()


def ages_on(screen: XServer, seconds: float) -> list[float]:
    """The age of each picture of a camera when it was first seen on the screen, in seconds.

    The first is left out: nobody saw when it came.
    """
    ages: list[float] = []
    place, last = None, 0.0
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        picture, now = screen.screenshot(), time.monotonic()
        place = place or _find_clock(picture)
        clock = clock_of(picture, *place) if place else None
        if clock is not None and clock > last:
            last = clock
            ages.append(now - clock)
        time.sleep(0.005)
    return ages[1:]


def _find_clock(picture: np.ndarray) -> tuple[int, int] | None:
    places = ((x, y) for y in range(140) for x in range(40))
    return next((place for place in places if clock_of(picture, *place)), None)
