"""One video file through PyAV; the one place that encodes.

H.264 in fragmented MP4 or in Matroska: a fragment is written twice a second, so that
`kill -9` costs less than a second and leaves a file that plays. (At a power cut goes what the
system had not yet written to the disk: with Linux's defaults up to half a minute.)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from fractions import Fraction
from io import RawIOBase
from typing import TYPE_CHECKING, Any, cast

import cv2
import numpy as np

from maskdet.sinks.output_files import Output
from maskdet.sinks.recording.packet_ring import EncodedPacket

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

TICKS = 90_000
"""A second in the time stamps of all videos that are written."""
FORMATS = {
    ".mp4": (
        "mp4",
        {
            "movflags": "frag_keyframe+empty_moov+default_base_moof",
            "frag_duration": "500000",  # microseconds
            "flush_packets": "1",
        },
    ),
    ".mkv": ("matroska", {"cluster_time_limit": "500", "flush_packets": "1"}),  # milliseconds
}
"""Names and options of FFmpeg's formats, by the endings of files."""
SUFFIXES = tuple(FORMATS)
"""The endings of files that can be written."""
_KEY_INTERVAL_S = 2.0
"""A player can jump to an image as often as this."""


def even(image: np.ndarray) -> np.ndarray:
    """The image, its last row and column doubled where H.264 needs even sides of 16 or more."""
    height, width = image.shape[:2]
    down, right = max(height % 2, 16 - height), max(width % 2, 16 - width)
    if down <= 0 and right <= 0:
        return image
    border = cv2.BORDER_REPLICATE
    return np.asarray(cv2.copyMakeBorder(image, 0, max(down, 0), 0, max(right, 0), border))


def encoding_errors() -> tuple[type[BaseException], ...]:
    """The errors of a `Video` that cannot write or encode."""
    from av import FFmpegError

    return (OSError, FFmpegError)


class Video:
    """One video file of images of one size.

    Attributes:
        shape: of its images.
        seconds: the position of the last image.
        on_packet: called with each packet; None: nobody wants them.
    """

    def __init__(self, file: RawIOBase, suffix: str, shape: tuple[int, ...]) -> None:
        """Begins it.

        Args:
            file: written to and, at the end, closed.
            suffix: one of `SUFFIXES`.
            shape: (height, width, 3), as `even` makes it.
        """
        import av  # late: needed only when something is recorded

        self.shape = shape
        self.seconds = 0.0
        self.on_packet: Callable[[EncodedPacket], None] | None = None
        self._file = Output(file)
        name, options = FORMATS[suffix]
        self._container: OutputContainer = av.open(
            self._file, "w", format=name, container_options=options
        )
        self._stream = self._new_stream(shape[1], shape[0])
        self._position = self._key_position = -1
        self._steps: deque[int] = deque(maxlen=4)

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._file.size

    def _new_stream(self, width: int, height: int) -> VideoStream:
        is_large = width * height > 1280 * 800
        options = {
            "preset": "ultrafast" if is_large else "veryfast",
            "tune": "zerolatency",
            "crf": "23",
            "threads": "2" if is_large else "1",  # the detector needs the cores
        }
        stream: Any = self._container.add_stream("libx264", rate=30, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        context = stream.codec_context
        context.time_base = stream.time_base = Fraction(1, TICKS)
        context.gop_size = 600  # key frames are asked for by time, below
        context.colorspace = context.color_primaries = context.color_trc = 1  # BT.709
        context.color_range = 1
        return cast("VideoStream", stream)

    def add(self, image: np.ndarray, seconds: float, *, key: bool = False) -> None:
        """Encodes one image at its position, which is after the last one's.

        Args:
            image: of the file's shape.
            seconds: its position.
            key: a player can begin with it, as it can with one every two seconds.
        """
        import av

        position = max(round(seconds * TICKS), self._position + 1)
        if self._position >= 0:
            self._steps.append(position - self._position)
        self._position, self.seconds = position, seconds
        frame = av.VideoFrame.from_ndarray(image, "bgr24")
        frame = frame.reformat(
            format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG", threads=1
        )
        frame.pts, frame.time_base = position, Fraction(1, TICKS)
        is_due = position - self._key_position >= _KEY_INTERVAL_S * TICKS
        if key or is_due or self._key_position < 0:
            frame.pict_type, self._key_position = 1, position
        with self._file.failures():
            self._encode(frame)

    def _encode(self, frame: VideoFrame | None) -> None:
        """Encodes a frame, or with None the end, and writes the packets that come of it."""
        for packet in self._stream.encode(frame):
            # The next one's time shows how long an image lasts. This is for the last of all: the
            # shortest of late, so that a gap just before it is not taken for the rate.
            packet.duration = min(self._steps, default=TICKS // 25)
            data = None if self.on_packet is None else bytes(packet)
            self._container.mux(packet)  # now the stream is a template, its parameter sets known
            if self.on_packet is not None and data is not None:
                taken = EncodedPacket(data, packet.is_keyframe, self._stream, self.shape)
                self.on_packet(taken)

    def close(self) -> None:
        """Finishes the file."""
        try:
            with self._file.failures():
                self._encode(None)
                self._container.close()
        finally:
            self._file.close()
