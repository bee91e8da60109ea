"""Streams of which only key frames are decoded: images that need no other, one in a second or two.

The packets come through OpenCV, as those of all streams do; the others are counted, no more.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import av
import av.error
import cv2
import numpy as np

CODECS = {"h264": "h264", "avc1": "h264", "hevc": "hevc", "hev1": "hevc", "hvc1": "hevc"}
"""Decoders by the stream's four letters, in small letters."""
MAX_INTERVAL_S = 20.0
"""Seconds without a key frame after which a stream is taken to have none."""


def codec_of(capture: cv2.VideoCapture) -> str | None:
    """The decoder of a stream's key frames; None of a codec where nothing is gained by them."""
    letters = int(capture.get(cv2.CAP_PROP_FOURCC)) & 0xFFFFFFFF
    return CODECS.get(letters.to_bytes(4, "little").decode("latin-1").lower())


class KeyFrames:
    """A capture that is read as `cv2.VideoCapture` is, but has an image only at key frames."""

    def __init__(self, capture: cv2.VideoCapture, codec: str) -> None:
        """Decodes nothing yet.

        Args:
            capture: opened for packets (``CAP_PROP_FORMAT`` is -1).
            codec: as of `codec_of`.
        """
        self._capture = capture
        self._decoder: Any = av.CodecContext.create(codec, "r")
        self._decoder.thread_count = 1
        place = int(capture.get(cv2.CAP_PROP_CODEC_EXTRADATA_INDEX))
        okay, parameters = capture.retrieve(flag=place) if place > 0 else (False, None)
        if okay and parameters is not None and parameters.size:
            self._decoder.extradata = parameters.tobytes()
        self._last = time.monotonic()
        self.has_image = False

    @property
    def lacks_key_frames(self) -> bool:
        """Whether none has come for so long that none is expected."""
        return time.monotonic() - self._last > MAX_INTERVAL_S

    def isOpened(self) -> bool:  # noqa: N802 (OpenCV's name)
        """Whether it is open."""
        return self._capture.isOpened()

    def get(self, key: int) -> float:
        """A property of the stream."""
        return self._capture.get(key)

    def grab(self) -> bool:
        """Waits for the next packet."""
        if not self._capture.grab():
            return False
        self.has_image = self._capture.get(cv2.CAP_PROP_LRF_HAS_KEY_FRAME) > 0
        if self.has_image:
            self._last = time.monotonic()
        return True

    def retrieve(self) -> tuple[bool, np.ndarray | None]:
        """The image of the key frame that was grabbed, BGR uint8; a damaged one is none."""
        okay, packet = self._capture.retrieve()
        if not okay or packet is None:
            return False, None
        try:
            frames = list(self._decoded(packet.tobytes()))
        except av.error.FFmpegError:
            return False, None
        finally:
            self._decoder.flush_buffers()
        return (True, frames[-1].to_ndarray(format="bgr24")) if frames else (False, None)

    def release(self) -> None:
        """Ends the connection."""
        self._capture.release()

    def _decoded(self, packet: bytes) -> Iterator[Any]:
        """The frame of a packet, which the decoder would hold until the next ones come."""
        yield from self._decoder.decode(av.Packet(packet))
        yield from self._decoder.decode(None)
