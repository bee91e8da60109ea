"""One encoded image of a network camera."""

from __future__ import annotations

import struct
from dataclasses import dataclass

HEADER = struct.Struct("<?IIddd")
"""A packet between processes: key frame, bytes of parameter sets (0: as before), bytes of data,
position, delay, monotonic time."""

CODECS = {"h264": "H.264", "hevc": "H.265"}
"""Codecs that are recorded as they come, by FFmpeg's names; people know them by the others."""


@dataclass(frozen=True)
class StreamPacket:
    """One encoded image.

    Attributes:
        data: NAL units with start codes (Annex B), without parameter sets.
        codec: a key of `CODECS`.
        parameters: the parameter sets that it is decoded with, likewise.
        is_key: whether a player can begin with it.
        position: when it is decoded, seconds since the source's first packet; never goes back.
        delay: seconds from then until it is shown.
        connection: counts how often the camera was opened again before it came.
    """

    data: bytes
    codec: str
    parameters: bytes
    is_key: bool
    position: float
    delay: float
    connection: int
