"""Frames of an opened camera, sent to the process that asked for them until the camera ends."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol, runtime_checkable

import cv2
import numpy as np

from maskdet.images.combing import CombRemover
from maskdet.images.decoding import MAX_PIXELS, as_bgr
from maskdet.sources.child.stream_pace import Busy, Queued
from maskdet.sources.child.thinning import Thinning
from maskdet.sources.child.watchdog import watchdog
from maskdet.sources.files.video_geometry import square_size, turned
from maskdet.sources.opencv_capture import open_camera
from maskdet.system.processes.child_process import send

if TYPE_CHECKING:  # requests is imported only where a camera is read over HTTP
    from maskdet.sources.http.captures import HttpImages

HEADER = struct.Struct("<IIIddd")

_ALL_THREADS = {"low_delay": False}
"""Decoding by as many threads as there are cores."""
_ALL_IMAGES = {"decode": "all"}


@runtime_checkable
class KeyFrameCapture(Protocol):
    """A capture that has images at key frames alone: see `maskdet.sources.child.key_frames`."""

    has_image: bool

    @property
    def lacks_key_frames(self) -> bool:
        """Whether none has come for so long that none is expected."""


class _Reader:
    """An opened camera, image by image.

    Attributes:
        pause: seconds that it waits between two images on its own.
        is_finite: whether it is a video on a server, not a stream.
        position: seconds since the beginning of such a video; 0 for what is live.
    """

    pause = 0.0
    is_finite = False
    position = 0.0

    def __init__(self, capture: Any) -> None:
        self._capture = capture
        self._combs = CombRemover()

    def decode_only_if(self, is_wanted: Callable[[], bool]) -> None:
        """Leaves undecoded what comes while it is not wanted, where no later image needs it."""

    def adapt(self) -> None:
        """Goes on in another way, where this one is too slow or gives no images."""

    def grab(self) -> bool:
        """Waits for the next image; False at the end."""
        grabbed: bool = self._capture.grab()
        return grabbed

    def is_old(self, now: float) -> bool:
        """Whether the image grabbed just now had waited before anybody wanted it."""
        return False

    @property
    def has_image(self) -> bool:
        """Whether what was grabbed can be decoded, or is."""
        return True

    def retrieve(self) -> np.ndarray | None:
        """The grabbed image, BGR, not torn; None where there is none, or one that is too large."""
        okay, image = self._capture.retrieve()
        if not okay or image is None or image.shape[0] * image.shape[1] > MAX_PIXELS:
            return None
        return self._combs.repaired(as_bgr(image))


class HttpReader(_Reader):
    """Images that a camera sends over HTTP."""

    def __init__(self, capture: HttpImages) -> None:
        """Reads an opened camera."""
        super().__init__(capture)
        self.pause = capture.interval

    def decode_only_if(self, is_wanted: Callable[[], bool]) -> None:
        """Images that are not wanted are not decoded, but counted."""
        self._capture.is_wanted = is_wanted

    @property
    def has_image(self) -> bool:
        """Whether what was grabbed was wanted, and is an image."""
        return bool(self._capture.has_image)


class OpenCvReader(_Reader):
    """A webcam or stream, which is opened again where it has to be read in another way."""

    def __init__(self, capture: cv2.VideoCapture, request: Mapping[str, Any]) -> None:
        """Reads an opened camera.

        Args:
            capture: the camera.
            request: by which it was opened.
        """
        super().__init__(capture)
        self._key_frames = _as_key_frames(capture)
        self._request = request
        self.is_finite = is_finite(capture, request)
        self._busy = Busy() if request.get("low_delay") else None
        if self.is_finite and (self._busy is not None or request.get("decode") == "key_frames"):
            self._open_again(_ALL_THREADS | _ALL_IMAGES)
        self._queued = self._new_queue()

    def adapt(self) -> None:
        """Takes all threads where one is too few, and all images where key frames are lacking."""
        if self._busy is not None and self._busy.all_the_time:
            self._open_again(_ALL_THREADS)
            self._queued = self._new_queue()
        if self._key_frames is not None and self._key_frames.lacks_key_frames:
            self._open_again(_ALL_IMAGES)

    @property
    def has_image(self) -> bool:
        """Whether it is a key frame, where those alone are decoded."""
        return self._key_frames is None or self._key_frames.has_image

    def is_old(self, now: float) -> bool:
        """Whether the image grabbed just now comes from a queue, faster than it was filmed."""
        if self._queued is not None and not self._queued.has(now):
            self._queued = None
        return self._queued is not None

    def retrieve(self) -> np.ndarray | None:
        """The grabbed image in its true shape."""
        image = super().retrieve()
        return None if image is None else _with_square_pixels(image, self._capture)

    @property
    def position(self) -> float:  # type: ignore[override]
        """Seconds since the beginning of a video; 0 for what is live."""
        if not self.is_finite:
            return 0.0
        return max(0.0, self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)

    def _open_again(self, changes: Mapping[str, Any]) -> None:
        self._request = {**self._request, **changes}
        if not self._request.get("low_delay"):
            self._busy = None
        with watchdog(self._request["open_timeout"] + 1):
            self._capture.release()
            self._capture = open_camera(self._request)
        self._key_frames = _as_key_frames(self._capture)

    def _new_queue(self) -> Queued | None:
        url = self._request.get("url", "file:")
        return None if url.startswith(("http", "file:")) else Queued(self._capture)


def _as_key_frames(capture: Any) -> KeyFrameCapture | None:
    return capture if isinstance(capture, KeyFrameCapture) else None


def is_http(capture: Any) -> bool:
    """Whether images come from our own reader of HTTP cameras, not from OpenCV."""
    return not isinstance(capture, cv2.VideoCapture | KeyFrameCapture)


def is_finite(capture: cv2.VideoCapture, request: Mapping[str, Any]) -> bool:
    """Whether it is a video on a server, not a stream."""
    return "url" in request and capture.get(cv2.CAP_PROP_FRAME_COUNT) > 0


def send_frames(
    capture: Any, request: Mapping[str, Any], output: BinaryIO, send_fps: float | None = None
) -> None:
    """Sends the frames of a camera until it ends: see `maskdet.sources.camera_process`.

    Args:
        capture: an opened camera.
        request: by which it was opened.
        output: takes headers and images.
        send_fps: images that are wanted a second; None: all.
    """
    reader = HttpReader(capture) if is_http(capture) else OpenCvReader(capture, request)
    thinning = Thinning(None if reader.is_finite else send_fps)
    reader.decode_only_if(lambda: thinning.is_due(time.monotonic()))
    while True:
        reader.adapt()
        with watchdog(request["read_timeout"] + 1 + 2 * reader.pause):
            grabbed = reader.grab()
            stamps = time.time(), time.monotonic()
            if grabbed and reader.is_old(stamps[1]):
                continue
            is_taken = grabbed and thinning.takes(stamps[1], reader.has_image)
            image = reader.retrieve() if is_taken else None
        if grabbed and not is_taken:
            if thinning.is_report_due(stamps[1]):
                send(output, HEADER.pack(0, 0, thinning.report(stamps[1]), *stamps, 0.0))
            continue
        if image is None:
            return
        image = np.ascontiguousarray(turned(image, request.get("rotate", 0)))
        height, width = image.shape[:2]
        skipped = thinning.report(stamps[1])
        send(output, HEADER.pack(width, height, skipped, *stamps, reader.position))
        send(output, image.data.cast("B"))


def _with_square_pixels(image: np.ndarray, capture: cv2.VideoCapture) -> np.ndarray:
    """The image in its true shape: many CCTV and PAL streams have pixels that are not square."""
    across, down = capture.get(cv2.CAP_PROP_SAR_NUM), capture.get(cv2.CAP_PROP_SAR_DEN)
    height, width = image.shape[:2]
    size = square_size(width, height, across / down if across > 0 and down > 0 else None)
    return image if size == (width, height) else cv2.resize(image, size)
