"""Everything that touches `cv2.VideoCapture`: opening files here, cameras and streams in a child.

A camera or stream is read by `serve`, which runs in a `maskdet.live.workers.Child`. It sends

    one answer    `ANSWER` with the length of a JSON text, then the text: {"fps", "finite",
                  "backend"}, or {"error"} if it could not be opened
    each frame    `HEADER` with width, height, Unix time, monotonic time; then the BGR bytes

and ends when the stream does. No call in it can hang: a watchdog ends the process.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import struct
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO

os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # quiet; our own line says what is wrong
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", "200000000")  # as in maskdet/__init__.py

import cv2
import numpy as np

cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

MAX_PIXELS = int(os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"])
"""A larger picture is refused before it is decoded; OpenCV obeys the same variable."""

ANSWER = struct.Struct("<I")
HEADER = struct.Struct("<IIdd")

BACKENDS = {
    "v4l2": (cv2.CAP_V4L2, "V4L2"),
    "dshow": (cv2.CAP_DSHOW, "DirectShow"),
    "msmf": (cv2.CAP_MSMF, "Media Foundation"),
    "avfoundation": (cv2.CAP_AVFOUNDATION, "AVFoundation"),
    "any": (cv2.CAP_ANY, "any back-end"),
}
# DirectShow first: with Media Foundation many webcams take minutes to open.
_BY_SYSTEM = {"linux": ("v4l2",), "darwin": ("avfoundation",), "win32": ("dshow", "msmf")}


def webcam_backends(backend: str) -> tuple[str, ...]:
    """The names in `BACKENDS` to try for ``auto`` on this system, or just the one given."""
    return _BY_SYSTEM.get(sys.platform, ("any",)) if backend == "auto" else (backend,)


def open_file(path: str) -> cv2.VideoCapture:
    """A video file, opened or not."""
    return cv2.VideoCapture(os.path.abspath(path), cv2.CAP_FFMPEG)  # absolute: never "protocol:"


def too_large(capture: cv2.VideoCapture) -> bool:
    """Whether its pictures have more than `MAX_PIXELS`, by its header."""
    width = capture.get(cv2.CAP_PROP_FRAME_WIDTH)
    return width * capture.get(cv2.CAP_PROP_FRAME_HEIGHT) > MAX_PIXELS


def as_bgr(image: np.ndarray) -> np.ndarray:
    """Any picture that OpenCV decodes, as BGR uint8 (height, width, 3)."""
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    channels = 1 if image.ndim == 2 else image.shape[2]
    if channels == 3:
        return image
    return cv2.cvtColor(image, cv2.COLOR_GRAY2BGR if channels == 1 else cv2.COLOR_BGRA2BGR)


def serve() -> None:
    """The child: opens what the JSON line on stdin asks for and sends its frames to stdout."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's; it then kills us
    request = json.loads(sys.stdin.readline())
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # drivers that print
    try:
        _serve(request, output)
    except BrokenPipeError:
        os._exit(0)  # the parent has gone


def _serve(request: Mapping[str, Any], output: BinaryIO) -> None:
    with _watchdog(request["open_timeout"] + 1):
        capture, backend = _open(request)
    if not capture.isOpened() or too_large(capture):
        what = "its pictures are too large" if capture.isOpened() else "could not be opened"
        _answer(output, {"error": what, "backend": backend})
        return
    fps = capture.get(cv2.CAP_PROP_FPS)
    finite = "url" in request and capture.get(cv2.CAP_PROP_FRAME_COUNT) > 0
    _answer(output, {"fps": fps, "finite": finite, "backend": backend})
    while True:
        with _watchdog(request["read_timeout"] + 1):
            grabbed = capture.grab()
            stamps = time.time(), time.monotonic()
            okay, image = capture.retrieve() if grabbed else (False, None)
        if not okay or image is None:
            return
        image = np.ascontiguousarray(as_bgr(image))
        _write(output, HEADER.pack(image.shape[1], image.shape[0], *stamps))
        _write(output, image.data.cast("B"))


@contextmanager
def _watchdog(seconds: float) -> Iterator[None]:
    """Ends the process if the block takes longer, even where native code never comes back."""
    with open(os.devnull, "w") as nowhere:
        faulthandler.dump_traceback_later(seconds, exit=True, file=nowhere)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()


def _answer(output: BinaryIO, answer: Mapping[str, object]) -> None:
    text = json.dumps(answer).encode()
    _write(output, ANSWER.pack(len(text)) + text)


def _write(output: BinaryIO, data: bytes | memoryview) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[output.write(rest) :]


def _open(request: Mapping[str, Any]) -> tuple[cv2.VideoCapture, str]:
    return _open_stream(request) if "url" in request else _open_webcam(request)


def _open_stream(request: Mapping[str, Any]) -> tuple[cv2.VideoCapture, str]:
    if request["url"].lower().startswith("rtsp"):
        # Without "fflags;nobuffer": it throws away the first key frame, and grey pictures follow.
        options = f"rtsp_transport;{request['rtsp_transport']}|flags;low_delay"
        os.environ["OPENCV_FFMPEG_CAPTURE_OPTIONS"] = options
    parameters = [
        *(cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, int(request["open_timeout"] * 1000)),
        *(cv2.CAP_PROP_READ_TIMEOUT_MSEC, int(request["read_timeout"] * 1000)),
    ]
    return cv2.VideoCapture(request["url"], cv2.CAP_FFMPEG, parameters), "FFmpeg"


def _open_webcam(request: Mapping[str, Any]) -> tuple[cv2.VideoCapture, str]:
    capture, tried = cv2.VideoCapture(), []
    for key in webcam_backends(request["backend"]):
        number, title = BACKENDS[key]
        tried.append(title)
        if capture.open(request["device"], number):
            _ask(capture, request)
            return capture, title
    return capture, " and ".join(tried)


def _ask(capture: cv2.VideoCapture, request: Mapping[str, Any]) -> None:
    if (request["width"] or 0) > 640:  # USB 2 has no room for more pictures uncompressed
        capture.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
    wishes = {
        cv2.CAP_PROP_FRAME_WIDTH: request["width"],
        cv2.CAP_PROP_FRAME_HEIGHT: request["height"],
        cv2.CAP_PROP_FPS: request["fps"],
    }
    for key, value in wishes.items():
        if value:
            capture.set(key, value)
