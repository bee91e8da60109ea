"""Parameter sets of H.264 and H.265: what a decoder has to know before the first image.

Cameras send them before each key frame, or only when a stream is opened. A video file keeps them
in its head (ISO/IEC 14496-15), so they are taken out of the images.
"""

from __future__ import annotations

from typing import NamedTuple

_START = b"\0\0\1"


class _Kinds(NamedTuple):
    """Types of NAL units: ITU-T H.264 table 7-1, H.265 table 7-1."""

    sequence: int
    parameters: frozenset[int]
    images: frozenset[int]
    delimiter: int


_KINDS = {
    "h264": _Kinds(7, frozenset({7, 8, 13, 15}), frozenset(range(1, 6)), 9),
    "hevc": _Kinds(33, frozenset({32, 33, 34}), frozenset(range(32)), 35),
}


def split(unit: bytes, codec: str) -> tuple[bytes, bytes]:
    """Parameter sets before an image, and the image without them.

    Args:
        unit: NAL units with start codes.
        codec: ``h264`` or ``hevc``.

    Returns:
        Both with start codes. The first is empty where there is no sequence parameter set.
    """
    kinds = _KINDS[codec]
    found: dict[bytes, None] = {}  # each once, in their order
    kept, has_sequence = bytearray(), False
    at = unit.find(_START)
    while at >= 0:
        first = at + len(_START)
        kind = _kind_of(unit[first], codec) if first < len(unit) else -1
        if kind in kinds.images:
            kept += b"\0" + unit[at:]
            break
        following = unit.find(_START, first)
        end = following if following >= 0 else len(unit)
        content = b"\0" + unit[at:end].rstrip(b"\0")
        if kind in kinds.parameters:
            found[content] = None
            has_sequence = has_sequence or kind == kinds.sequence
        elif kind != kinds.delimiter:
            kept += content
        at = following
    return b"".join(found) if has_sequence else b"", bytes(kept)


def _kind_of(first: int, codec: str) -> int:
    return first & 0x1F if codec == "h264" else first >> 1 & 0x3F
