"""Real servers on loopback: the command in a process of its own, and the app in a thread."""

from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import maskdet  # noqa: F401  (before cv2: it sets OpenCV's limits)  # isort: skip
import cv2
import httpx
import numpy as np
import pytest
import uvicorn
from PIL import Image

from maskdet.drawing.blur import blur_faces
from maskdet.drawing.overlay import annotate
from maskdet.model.decision import EVERYTHING, DecisionRule
from maskdet.web.app import About, create_app
from maskdet.web.batcher import Batcher
from maskdet.web.page_server import server
from maskdet.web.page_server.public_address import PublicAddress
from maskdet.web.processing import ImageProcessor
from maskdet.web.request_limits import Limits
from maskdet.web.server_metrics import ServerMetrics
from tests.doubles import ScriptedDetector

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "tools/demo_clip"
HOPPER, COLLINS = DEMO / "hopper.jpg", DEMO / "collins.jpg"


@dataclass
class Command:
    """``python -m maskdet serve …`` under way.

    Attributes:
        process: its own.
        printed: what it wrote to stderr before its address.
        url: its address, without the last slash.
    """

    process: subprocess.Popen[str]
    printed: list[str]
    url: str

    def client(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=60, trust_env=False)

    def end(self) -> tuple[int, str]:
        """Asks it to end; its exit status, and what else it printed."""
        self.process.send_signal(signal.SIGTERM)
        rest = self.process.stderr.read()  # type: ignore[union-attr]
        return self.process.wait(60), rest


@contextmanager
def serving(*options: str) -> Iterator[Command]:
    """The command on a free port; a file it wrote a byte to would be an error to it."""
    command = [sys.executable, "-m", "maskdet", "serve", "--port", "0", *options]
    process = subprocess.Popen(
        ["sh", "-c", 'ulimit -f 0; exec "$@"', "sh", *command],
        cwd=ROOT,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )
    printed: list[str] = []
    try:
        for line in process.stderr:  # type: ignore[union-attr]
            printed.append(line)
            if found := re.match(r"picture page: (http://\S+)/ ", line):
                yield Command(process, printed, found[1])
                return
        pytest.fail(f"it did not start: {printed}")
    finally:
        process.kill()
        process.wait()
        process.stderr.close()  # type: ignore[union-attr]


@contextmanager
def serving_app(
    detector: ScriptedDetector | None = None,
    limits: Limits | None = None,
    rule: DecisionRule = EVERYTHING,
    **address: Any,
) -> Iterator[httpx.Client]:
    """The app with another detector, limits or public address, served by uvicorn in a thread."""
    limits, metrics = limits or Limits(), ServerMetrics()
    detector = detector or ScriptedDetector()
    batcher = Batcher(detector, on_batch=metrics.batch)
    looker = ImageProcessor(batcher.detect, annotate, blur_faces, limits, rule)
    app = create_app(
        looker,
        batcher,
        metrics,
        about=About.of(detector, rule, limits),
        limits=limits,
        address=PublicAddress(**address),
    )
    with server.bind("127.0.0.1", 0) as listening:
        running = uvicorn.Server(server.configure(app))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            with httpx.Client(
                base_url=server.url_of(listening), timeout=30, trust_env=False
            ) as client:
                yield client
        finally:
            running.should_exit = True
            thread.join()
            batcher.close()


def decoded(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


def encoded(suffix: str, width: int = 64, height: int = 48) -> bytes:
    return cv2.imencode(suffix, np.full((height, width, 3), 128, np.uint8))[1].tobytes()


def of_phone(kind: str, width: int = 64, height: int = 48, **options: Any) -> bytes:
    """A picture as phones save it, ``heic`` or ``avif``: red, its left half blue."""
    image = Image.new("RGB", (width, height), (200, 30, 30))
    image.paste((30, 30, 200), (0, 0, width // 2, height))
    memory = io.BytesIO()
    image.save(memory, {"heic": "HEIF", "avif": "AVIF"}[kind], quality=90, **options)
    return memory.getvalue()
