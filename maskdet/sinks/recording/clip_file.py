"""A clip: packets that are encoded already, in an MP4 file that every browser plays."""

from __future__ import annotations

import contextlib
from pathlib import Path

from maskdet.sinks.recording.packet_ring import RingEntry
from maskdet.sinks.recording.packet_video import mux, new_stream
from maskdet.sinks.recording.video_encoder import TICKS, encoding_errors

PART = ".part"
"""What the name of a clip ends in while it is written."""
_OPTIONS = {"movflags": "faststart"}
"""The table of contents first: a browser plays it while it comes, and knows how long it is."""


class ClipFile:
    """Writes packets of one encoder, or of several of one shape, one after the other.

    Attributes:
        path: its name once it is whole.
        last: the newest packet in it.
    """

    def __init__(self, path: Path, first: RingEntry) -> None:
        """Begins it with a key frame.

        Raises:
            BaseException: one of `encoding_errors`.
        """
        import av  # late: only needed where there are clips

        self.path, self.last = path, first
        self._part = path.with_name(f".{path.name}{PART}")
        self._began = first.seconds
        self._position = -1
        self._shape, self._parameters = first.packet.shape, first.packet.parameters
        self._container = av.open(str(self._part), "w", format="mp4", options=_OPTIONS)
        try:
            self._stream = new_stream(self._container, first.packet.template)
            self.add(first)
        except BaseException:  # a full disk, say: nobody else can let go of it
            self.abandon()
            raise

    def fits(self, entry: RingEntry) -> bool:
        """Whether a packet can be decoded as those of the clip are."""
        packet = entry.packet
        return packet.shape == self._shape and packet.parameters == self._parameters

    def add(self, entry: RingEntry) -> None:
        """Writes a packet.

        Raises:
            BaseException: one of `encoding_errors`.
        """
        position = max(round((entry.seconds - self._began) * TICKS), self._position + 1)
        step = position - self._position if self._position >= 0 else TICKS // 25
        mux(self._container, self._stream, entry.packet, position, step)
        self._position, self.last = position, entry

    def finish(self) -> Path:
        """Ends it and gives it its name.

        Raises:
            BaseException: one of `encoding_errors`.
        """
        self._container.close()
        self._part.replace(self.path)
        return self.path

    def abandon(self) -> None:
        """Removes it."""
        with contextlib.suppress(*encoding_errors()):
            self._container.close()
        with contextlib.suppress(OSError):
            self._part.unlink()


def remove_parts(folder: Path, beginning: str) -> None:
    """Removes the clips that a killed run has begun."""
    with contextlib.suppress(OSError):
        for path in list(folder.glob(f".{beginning}*{PART}")):
            with contextlib.suppress(OSError):
                path.unlink()
