"""Live sources: webcams and network streams, each read in a child process that can be killed."""

from __future__ import annotations

import itertools
import json
import os
import random
import sys
from collections.abc import Iterator, Mapping

import numpy as np

from maskdet.errors import SourceError
from maskdet.frame import Frame
from maskdet.live.capture import ANSWER, BACKENDS, HEADER, webcam_backends
from maskdet.live.workers import Child, Event
from maskdet.privacy import mask_password


class LiveSource:
    """What webcams and streams share: reading, and opening again for ever once lost.

    `read` waits while the camera is away; `close`, from any thread, ends the wait at once.

    Attributes:
        name: see `maskdet.contracts.Source`.
        is_live: False only for a stream that states its length: a recording behind a URL.
        fps: as stated by the camera.
        reconnects: how often it was opened again.
    """

    def __init__(self, name: str, request: Mapping[str, object]) -> None:
        self.name = mask_password(name)
        self.is_live = True
        self.fps: float | None = None
        self.reconnects = 0
        self._request = request
        self._closing = Event()
        self._pauses = back_off()
        self._index = 0
        self._child: Child | None = None
        try:
            failure = self._connect()
            if failure:
                raise SourceError(self._explain(failure))
        except BaseException:  # Ctrl-C, too: no child is left behind
            self.close()
            raise

    def read(self) -> Frame | None:
        """The next frame; None once closed, or at the end of a recording."""
        while not self._closing.is_set():
            frame = self._receive()
            if frame is not None:
                self._pauses = back_off()
                return frame
            if not self.is_live or self._closing.wait(next(self._pauses)):
                return None
            if self._connect() is None:
                self.reconnects += 1
        return None

    def close(self) -> None:
        """Kills the child, and with it whatever `read` waits for."""
        self._closing.set()
        if self._child is not None:
            self._child.kill()

    def _connect(self) -> str | None:
        """Starts a new child; what went wrong if the camera did not open."""
        if self._child is not None:
            self._child.kill()
        try:
            child = self._child = Child("maskdet.live.capture", "serve", self._request)
        except OSError as error:
            return f"no process could be started for it: {error.strerror}"
        if self._closing.is_set():  # `close` may have seen the old one only
            child.kill()
        answer = _read_answer(child)
        if answer is None:
            return _cause_of_death(child.wait())
        if "error" in answer:
            return str(answer["error"])
        fps = answer["fps"]
        self.fps = float(fps) if isinstance(fps, float | int) and 0 < fps < 1000 else None
        self.is_live = not answer["finite"]
        return None

    def _receive(self) -> Frame | None:
        header = bytearray(HEADER.size)
        if self._child is None or not self._child.read_into(memoryview(header)):
            return None
        width, height, stamp, captured = HEADER.unpack(header)
        image = np.empty((height, width, 3), np.uint8)
        if not self._child.read_into(image.data.cast("B")):
            return None
        frame = Frame(image, self._index, stamp, captured, self.name)
        self._index += 1
        return frame

    def _explain(self, failure: str) -> str:
        raise NotImplementedError


class Webcam(LiveSource):
    """A camera of this computer."""

    def __init__(
        self,
        spec: str,
        name: str,
        *,
        width: int | None = None,
        height: int | None = None,
        fps: float | None = None,
        backend: str = "auto",
        open_timeout: float = 10.0,
        read_timeout: float = 5.0,
    ) -> None:
        """Opens ``0``, ``1`` … or a device file; see `maskdet.live.sources.open_source`."""
        if backend not in ("auto", *BACKENDS):
            known = ", ".join(("auto", *BACKENDS))
            raise SourceError(f"unknown camera back-end '{backend}': choose one of {known}")
        self._spec = spec
        self._backend = backend
        device: int | str = int(spec) if spec.isdecimal() else spec
        self._device_file = f"/dev/video{spec}" if spec.isdecimal() else spec
        if sys.platform == "linux" and backend in ("auto", "v4l2"):
            self._check_device_file()
        super().__init__(
            name,
            dict(device=device, width=width, height=height, fps=fps, backend=backend)
            | dict(open_timeout=open_timeout, read_timeout=read_timeout),
        )

    def _check_device_file(self) -> None:
        path = self._device_file
        if not os.path.exists(path):
            others = sorted(f"/dev/{n}" for n in os.listdir("/dev") if n.startswith("video"))
            hint = f"choose one of {', '.join(others)}" if others else "plug one in"
            raise SourceError(
                f"camera {self._spec}: {path} does not exist (V4L2); {hint}, "
                "or try --source demo, which needs no camera"
            )
        if not os.access(path, os.R_OK | os.W_OK):
            raise SourceError(
                f"camera {self._spec}: no permission to use {path} (V4L2); "
                "run 'sudo usermod -aG video $USER' and log in again"
            )

    def _explain(self, failure: str) -> str:
        tried = " and ".join(BACKENDS[key][1] for key in webcam_backends(self._backend))
        hint = {
            "linux": "see whether another program uses it (fuser -v /dev/video*)",
            "darwin": "allow your terminal to use it in System Settings > Privacy > Camera",
            "win32": "close programs that use it, and allow desktop apps to in Settings > "
            "Privacy > Camera; or try another back-end (dshow, msmf)",
        }.get(sys.platform, "see whether another program uses it")
        return f"camera {self._spec}: {failure} (tried {tried}); {hint}"


class Stream(LiveSource):
    """A network camera or stream: RTSP, MJPEG or HLS."""

    def __init__(
        self,
        url: str,
        name: str,
        *,
        rtsp_transport: str = "tcp",
        open_timeout: float = 10.0,
        read_timeout: float = 5.0,
    ) -> None:
        """Opens a URL; see `maskdet.live.sources.open_source`."""
        if rtsp_transport not in ("tcp", "udp"):
            raise SourceError(f"unknown RTSP transport '{rtsp_transport}': choose tcp or udp")
        self._url = url
        super().__init__(
            name,
            dict(url=url, rtsp_transport=rtsp_transport)
            | dict(open_timeout=open_timeout, read_timeout=read_timeout),
        )

    def _explain(self, failure: str) -> str:
        from maskdet.live import network  # http and ssl: only needed when something failed

        reason = network.diagnose(self._url) or failure
        return f"stream {mask_password(self._url)}: {reason} (tried FFmpeg)"


def back_off(first: float = 0.5, longest: float = 30.0) -> Iterator[float]:
    """Seconds to wait before each new try: doubling, and spread so that cameras do not queue."""
    for attempt in itertools.count():
        yield min(longest, first * 2 ** min(attempt, 16)) * random.uniform(0.5, 1.0)


def _read_answer(child: Child) -> dict[str, object] | None:
    size = bytearray(ANSWER.size)
    if not child.read_into(memoryview(size)):
        return None
    text = bytearray(ANSWER.unpack(size)[0])
    return json.loads(text) if child.read_into(memoryview(text)) else None


def _cause_of_death(status: int) -> str:
    if status == 1:  # the watchdog's
        return "gave no answer in time"
    return f"its driver or decoder crashed (status {status})" if status else "ended at once"
