"""A clip: packets that are encoded already, in an MP4 file that every browser plays."""

from __future__ import annotations

import contextlib
from fractions import Fraction
from pathlib import Path
from typing import Any

from maskdet.sinks.recording.packet_ring import RingEntry
from maskdet.sinks.recording.video_encoder import encoding_errors

PART = ".part"
"""What the name of a clip ends in while it is written."""
_TICKS = 90_000
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
        self._shape = first.packet.shape
        self._container = av.open(str(self._part), "w", format="mp4", options=_OPTIONS)
        self._stream: Any = self._container.add_stream_from_template(first.packet.template)
        self._stream.time_base = Fraction(1, _TICKS)
        self.add(first)

    def fits(self, entry: RingEntry) -> bool:
        """Whether a packet has the clip's shape."""
        return entry.packet.shape == self._shape

    def add(self, entry: RingEntry) -> None:
        """Writes a packet.

        Raises:
            BaseException: one of `encoding_errors`.
        """
        import av

        position = max(round((entry.seconds - self._began) * _TICKS), self._position + 1)
        step = position - self._position if self._position >= 0 else _TICKS // 25
        packet = av.Packet(entry.packet.data)
        packet.pts = packet.dts = position
        packet.duration, packet.time_base = step, Fraction(1, _TICKS)
        packet.is_keyframe = entry.packet.is_key
        packet.stream = self._stream
        self._container.mux(packet)
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
