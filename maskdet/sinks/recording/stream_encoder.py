"""Images as H.264 in fragments of MP4, each sent on at once: for a live page.

A browser plays them by Media Source Extensions. A muxer that goes on from image to image gives
a fragment only when the next image is there, a whole interval late; so each packet goes through
a muxer of its own, which takes about .3 ms.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from maskdet.sinks.recording.video_encoder import TICKS, even

if TYPE_CHECKING:
    from av.packet import Packet

_KEY_S = 4.0
"""Seconds between key frames that nobody asked for: a player forgets old images by these."""
_HEAD = {b"ftyp", b"moov"}
_FRAGMENT = {b"moof", b"mdat"}
_OPTIONS = {
    # With frag_discont, the first fragment of a muxer has its packet's own time.
    "movflags": "empty_moov+default_base_moof+frag_keyframe+frag_discont",
    "use_editlist": "0",
    "avoid_negative_ts": "disabled",
}


class FragmentMuxer:
    """Makes a fragment of each packet of one encoder.

    Attributes:
        codec: as a browser names it: ``avc1.42c01f``; empty before the first packet.
        head: what a player needs before the first fragment; likewise.
    """

    def __init__(self, template: Any, fps: float) -> None:
        """Has made none.

        Args:
            template: the encoder's stream.
            fps: images a second, about: the first one is taken to last as long.
        """
        self.codec = ""
        self.head = b""
        self._template = template
        self._position = -1
        self._step = round(TICKS / fps)
        self._number = 0

    def place(self, seconds: float) -> int:
        """The position of the next image, in ticks: after that of the last one."""
        position = max(round(seconds * TICKS), self._position + 1)
        if self._position >= 0:  # an image is taken to last as long as the one before did
            self._step = min(position - self._position, TICKS)
        self._position = position
        return position

    def add_bytes(self, data: bytes, seconds: float, *, key: bool) -> bytes:
        """A packet that was taken from its encoder before, as a fragment."""
        import av

        packet = av.Packet(data)
        packet.pts = packet.dts = self.place(seconds)
        packet.time_base, packet.is_keyframe = Fraction(1, TICKS), key
        return self.add(packet)

    def add(self, packet: Packet[Any]) -> bytes:
        """A packet at its position, as a fragment."""
        import av

        self._number += 1
        memory = BytesIO()
        options = {**_OPTIONS, "fragment_index": str(self._number)}
        with av.open(memory, "w", format="mp4", container_options=options) as container:
            stream = container.add_stream_from_template(self._template)
            stream.time_base = Fraction(1, TICKS)
            packet.duration = self._step
            packet.stream = stream
            container.mux(packet)
        data = memory.getvalue()
        if not self.head:
            self.head = b"".join(box for kind, box in _boxes(data) if kind in _HEAD)
            at = data.index(b"avcC") + 5  # profile, constraints, level
            self.codec = f"avc1.{data[at : at + 3].hex()}"
        return b"".join(box for kind, box in _boxes(data) if kind in _FRAGMENT)


class StreamEncoder:
    """Encodes images of one size."""

    def __init__(self, shape: tuple[int, ...], fps: float = 15.0) -> None:
        """Opens the encoder.

        Args:
            shape: (height, width, 3) of the images.
            fps: images a second, about.
        """
        import av  # late: needed only when somebody watches

        height, width = even(np.zeros(shape, np.uint8)).shape[:2]
        is_large = width * height > 1280 * 800
        options = {
            "preset": "ultrafast" if is_large else "superfast",
            "tune": "zerolatency",
            "profile": "baseline",
            "crf": "25",
            "threads": "1",  # the detector needs the cores
        }
        container: Any = av.open(BytesIO(), "w", format="mp4", container_options=_OPTIONS)
        stream = container.add_stream("libx264", rate=max(1, round(fps)), options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        context = stream.codec_context
        context.time_base = stream.time_base = Fraction(1, TICKS)
        context.gop_size = 600  # key frames are asked for
        context.colorspace = context.color_primaries = context.color_trc = 1  # BT.709
        context.color_range = 1
        self.shape = shape
        container.start_encoding()  # only then is the stream a template with its parameter sets
        self._container, self._stream = container, stream
        self._muxer = FragmentMuxer(stream, fps)
        self._key_position: int | None = None

    @property
    def codec(self) -> str:
        """As a browser names it: ``avc1.42c01f``; empty before the first image."""
        return self._muxer.codec

    @property
    def head(self) -> bytes:
        """Header that a player needs before the first fragment; likewise."""
        return self._muxer.head

    def encode(self, image: np.ndarray, seconds: float, *, key: bool = False) -> bytes:
        """One image as a fragment.

        Args:
            image: BGR uint8, of the encoder's shape.
            seconds: its position, after that of the last one.
            key: a player can begin with it; the first one always is.
        """
        import av

        position = self._muxer.place(seconds)
        frame = av.VideoFrame.from_ndarray(even(image), "bgr24").reformat(
            format="yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG", threads=1
        )
        frame.pts, frame.time_base = position, Fraction(1, TICKS)
        last_key = self._key_position
        if key or last_key is None or position - last_key >= _KEY_S * TICKS:
            frame.pict_type, self._key_position = 1, position
        return b"".join(self._muxer.add(packet) for packet in self._stream.encode(frame))

    def close(self) -> None:
        """Frees the encoder."""
        self._container.close()


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The boxes of an MP4 file's top level: kind and content with its header."""
    at = 0
    while at + 8 <= len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        yield data[at + 4 : at + 8], data[at : at + length]
        at += max(length, 8)
