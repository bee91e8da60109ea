"""The child process that reads one camera or stream, and how it speaks.

It is asked by a JSON line on stdin and sends

    one answer    `ANSWER` with the length of a JSON text, then the text: {"fps", "finite",
                  "hardware"}, or {"error", "login"} if it could not be opened: then it can be
                  asked again, which costs little
    after another line
    each frame    `HEADER` with width, height, Unix time, monotonic time, seconds since the
                  beginning of a video on a server (0 for what is live); then the BGR bytes

and ends when the stream does. No call in it can hang: a watchdog ends the process.
"""

from __future__ import annotations

import faulthandler
import json
import os
import signal
import struct
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO

import cv2
import numpy as np

from maskdet.live.capture import MAX_PIXELS, as_bgr, open_camera, too_large

ANSWER = struct.Struct("<I")
HEADER = struct.Struct("<IIddd")


def serve() -> None:
    """The child: opens what a JSON line on stdin asks for and sends its frames to stdout."""
    os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "16"  # errors, for `_try`; nobody else hears them
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's; it then kills us
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb", buffering=0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # drivers that print
    try:
        for line in iter(sys.stdin.readline, ""):
            request = json.loads(line)
            capture = _open(request, output)
            if capture is not None:
                sys.stdin.readline()
                _send(capture, request, output)
                return
    except BrokenPipeError:
        os._exit(0)  # the parent has gone


def _open(request: Mapping[str, Any], output: BinaryIO) -> cv2.VideoCapture | None:
    """Opens and answers; None if there is nothing to read."""
    with _watchdog(request["open_timeout"] + 1):
        fault = _unreachable(request)
        capture, said = (None, "") if fault else _try(request)
    if capture is None or not capture.isOpened():
        with _watchdog(10):
            _answer(output, fault or _diagnose(request, said))
        return None
    if too_large(capture):
        _answer(output, {"error": "its pictures are too large", "login": False})
        return None
    facts = {
        "fps": capture.get(cv2.CAP_PROP_FPS),
        "finite": _is_finite(capture, request),
        "hardware": capture.get(cv2.CAP_PROP_HW_ACCELERATION) > 0,
    }
    _answer(output, facts)
    return capture


def _is_finite(capture: cv2.VideoCapture, request: Mapping[str, Any]) -> bool:
    """Whether it is a video on a server, not a stream."""
    return "url" in request and capture.get(cv2.CAP_PROP_FRAME_COUNT) > 0


def _unreachable(request: Mapping[str, Any]) -> dict[str, object] | None:
    """Why a stream that is opened again cannot be: known sooner than FFmpeg gives up."""
    if not (request["again"] and "url" in request):
        return None
    from maskdet.live import network  # late: http and ssl are needed only when something failed

    fault = network.reach(request["url"])
    return fault and {"error": fault.reason, "login": fault.login}


def _try(request: Mapping[str, Any]) -> tuple[cv2.VideoCapture, str]:
    """Opens, and listens to what FFmpeg says on stderr meanwhile: the server's status."""
    with open(os.devnull, "w") as nowhere, tempfile.TemporaryFile() as said:
        os.dup2(said.fileno(), 2)
        try:
            capture = open_camera(request)
        finally:
            os.dup2(nowhere.fileno(), 2)
        said.seek(0)
        return capture, said.read(100_000).decode(errors="replace")


def _diagnose(request: Mapping[str, Any], said: str) -> dict[str, object]:
    if "url" not in request:
        path = request["device_file"]
        is_gone = path and not os.path.exists(path)
        return {"error": f"{path} is gone" if is_gone else "could not be opened", "login": False}
    from maskdet.live import network

    fault = network.diagnose(request["url"], said)
    return {"error": fault.reason, "login": fault.login}


def _send(capture: cv2.VideoCapture, request: Mapping[str, Any], output: BinaryIO) -> None:
    busy = _Busy() if request.get("low_delay") else None
    is_finite = _is_finite(capture, request)
    if busy is not None and is_finite:
        capture, busy = _with_all_threads(capture, request), None
    queued = _queue_of(capture, request)
    while True:
        if busy is not None and busy.all_the_time:
            capture, busy = _with_all_threads(capture, request), None
            queued = _queue_of(capture, request)
        with _watchdog(request["read_timeout"] + 1):
            grabbed = capture.grab()
            stamps = time.time(), time.monotonic()
            if grabbed and queued is not None:
                if queued.has(stamps[1]):
                    continue
                queued = None
            okay, image = capture.retrieve() if grabbed else (False, None)
        if not okay or image is None or image.shape[0] * image.shape[1] > MAX_PIXELS:
            return
        image = np.ascontiguousarray(as_bgr(image))
        position = max(0.0, capture.get(cv2.CAP_PROP_POS_MSEC) / 1000) if is_finite else 0.0
        _write(output, HEADER.pack(image.shape[1], image.shape[0], *stamps, position))
        _write(output, image.data.cast("B"))


def _with_all_threads(capture: cv2.VideoCapture, request: Mapping[str, Any]) -> cv2.VideoCapture:
    """Opened again, to be decoded by as many threads as there are cores."""
    with _watchdog(request["open_timeout"] + 1):
        capture.release()
        return open_camera({**request, "low_delay": False})


def _queue_of(capture: cv2.VideoCapture, request: Mapping[str, Any]) -> _Queued | None:
    return _Queued(capture) if request.get("url", "").lower().startswith("rtsp") else None


class _Busy:
    """Tells whether one thread, which holds no picture back, is too few for a stream.

    Then it never waits for a picture, and they would come later and later.
    """

    _WINDOW = 3.0  # seconds
    _MOST = 0.9

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._began, self._used = time.monotonic(), time.thread_time()

    @property
    def all_the_time(self) -> bool:
        """Whether this thread computed nearly all the time of the window that ends now, if any."""
        elapsed = time.monotonic() - self._began
        if elapsed < self._WINDOW:
            return False
        share = (time.thread_time() - self._used) / elapsed
        self._begin()
        return share > self._MOST


class _Queued:
    """Tells pictures that queued up before anybody wanted them, which are old, from new ones.

    They come faster than they were filmed.
    """

    _LONGEST = 3.0  # seconds

    def __init__(self, capture: cv2.VideoCapture) -> None:
        self._capture = capture
        self._until = time.monotonic() + self._LONGEST
        self._is_slow = not capture.get(cv2.CAP_PROP_FPS) >= 5  # its next picture may be far off
        self._last: tuple[float, float] | None = None

    def has(self, now: float) -> bool:
        """Whether the picture grabbed just now is one of them."""
        position = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
        last, self._last = self._last, (now, position)
        if self._is_slow or now > self._until:
            return False
        return last is None or now - last[0] < (position - last[1]) / 2


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
