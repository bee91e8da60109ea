"""One video file of packets that are encoded already: a camera's own, or those of a recording."""

from __future__ import annotations

from fractions import Fraction
from io import BytesIO, RawIOBase
from typing import Any

from maskdet.sinks.output_files import Output
from maskdet.sinks.recording.packet_ring import EncodedPacket
from maskdet.sinks.recording.video_encoder import FORMATS, TICKS

_BROWSERS_TAG = "hvc1"
"""The name of H.265 in MP4 files that Safari plays; FFmpeg's own is hev1."""


def template_of(codec: str, parameters: bytes, image: bytes) -> Any:
    """A stream of which a file's stream is made; None where nothing can be known of it.

    Args:
        codec: ``h264`` or ``hevc``.
        parameters: its parameter sets, with start codes.
        image: an encoded image after them.
    """
    import av

    try:
        container = av.open(BytesIO(parameters + image), format=codec)
        stream = container.streams.video[0]
        return stream if stream.codec_context.width and stream.codec_context.height else None
    except (av.FFmpegError, IndexError):
        return None


def shape_of(template: Any) -> tuple[int, ...]:
    """(height, width, 3) of a template's images."""
    return (template.codec_context.height, template.codec_context.width, 3)


def new_stream(container: Any, template: Any) -> Any:
    """Adds a stream of packets that are encoded already to a container that is written."""
    stream = container.add_stream_from_template(template)
    stream.time_base = Fraction(1, TICKS)
    if template.codec_context.name == "hevc" and container.format.name == "mp4":
        stream.codec_context.codec_tag = _BROWSERS_TAG
    return stream


def mux(container: Any, stream: Any, packet: EncodedPacket, position: int, duration: int) -> None:
    """Writes a packet.

    Args:
        container: that is written.
        stream: of `new_stream`.
        packet: the packet.
        position: when it is decoded, in `TICKS`.
        duration: in `TICKS`; of the last one only, the others last until the next.
    """
    import av

    new = av.Packet(packet.data)
    new.dts = position
    new.pts = position + round(packet.delay * TICKS)
    new.duration, new.time_base = duration, Fraction(1, TICKS)
    new.is_keyframe = packet.is_key
    new.stream = stream
    container.mux(new)


class PacketVideo:
    """One video file of packets; it can be played however it ends, as a `Video` can.

    Attributes:
        seconds: how long it is so far.
    """

    def __init__(self, file: RawIOBase, suffix: str, template: Any) -> None:
        """Begins it.

        Args:
            file: written to and, at the end, closed.
            suffix: one of `maskdet.sinks.recording.video_encoder.SUFFIXES`.
            template: see `template_of`.
        """
        import av

        self.seconds = 0.0
        self._file = Output(file)
        name, options = FORMATS[suffix]
        self._container: Any = av.open(self._file, "w", format=name, container_options=options)
        self._stream = new_stream(self._container, template)
        self._began: float | None = None
        self._position = -1

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._file.size

    def add(self, seconds: float, packet: EncodedPacket) -> None:
        """Writes a packet, the first of them a key frame.

        Args:
            seconds: when it is decoded, on any clock that goes on.
            packet: the packet.
        """
        if self._began is None:
            self._began = seconds
        self.seconds = seconds - self._began
        position = max(round(self.seconds * TICKS), self._position + 1)
        step = position - self._position if self._position >= 0 else TICKS // 25
        with self._file.failures():
            mux(self._container, self._stream, packet, position, step)
        self._position = position

    def close(self) -> None:
        """Finishes the file."""
        try:
            with self._file.failures():
                self._container.close()
        finally:
            self._file.close()
