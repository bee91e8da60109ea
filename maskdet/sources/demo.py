"""The demo clip that ships, as a camera."""

from __future__ import annotations

import time

import cv2
import numpy as np

from maskdet.errors import SourceError
from maskdet.frame import Frame
from maskdet.images.decoding import as_bgr
from maskdet.sources import CLIP, opencv_capture
from maskdet.system.threads import Event


class DemoClip:
    """The clip that ships, as a camera: at its own pace, indefinitely, in real time.

    Read by OpenCV, which is imported anyway: the demo starts 0.1 s sooner than by PyAV.
    """

    is_live = True

    def __init__(self, spec: str, name: str) -> None:
        """Opens the clip; `spec` is ``demo``.

        Raises:
            SourceError: it cannot be read.
        """
        self.name = name
        self._closing = Event()
        self._clip = _open_clip()
        fps = self._clip.get(cv2.CAP_PROP_FPS)
        self.fps: float | None = fps if 0 < fps < 1000 else None
        self._index = 0
        self._due = self._first = 0.0

    def read(self) -> Frame | None:
        """Waits for the next frame's moment; None once closed."""
        image = None if self._closing.is_set() else self._next_image()
        now = time.monotonic()
        self._due = max(self._due + 1 / (self.fps or 25.0), now)  # a late reader is not caught up
        if image is None or self._closing.wait(self._due - now):
            return None
        utc, captured = time.time(), time.monotonic()
        self._first = captured if self._index == 0 else self._first
        position = captured - self._first
        frame = Frame(image, self._index, utc, captured, self.name, position=position, utc=utc)
        self._index += 1
        return frame

    def close(self) -> None:
        """Ends a wait in `read`, too."""
        self._closing.set()

    def _next_image(self) -> np.ndarray | None:
        is_read, image = self._clip.read()
        if not is_read:
            self._clip = _open_clip()
            is_read, image = self._clip.read()
        return as_bgr(image) if is_read else None


def _open_clip() -> cv2.VideoCapture:
    clip = opencv_capture.open_file(str(CLIP))
    if not clip.isOpened():
        raise SourceError(f"{CLIP} cannot be read; install the project again")
    return clip
