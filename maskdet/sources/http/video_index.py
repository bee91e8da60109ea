"""MP4 files at an address, whose index is at their end: no server without ranges can show them."""

from __future__ import annotations

from collections.abc import Mapping

from maskdet.sources.child.stream_diagnosis import Fault

_BEFORE_INDEX = (b"ftyp", b"free", b"skip", b"wide", b"uuid", b"pdin")


def unplayable_video(head: bytes, headers: Mapping[str, str], address: str) -> Fault | None:
    """The reason why FFmpeg could not play an MP4 file from its address; None if it can try.

    Args:
        head: first bytes of the answer.
        headers: of the answer.
        address: that messages name, without its password.
    """
    has_ranges = "bytes" in headers.get("Accept-Ranges", "") or "Content-Range" in headers
    if has_ranges or head[4:8] != b"ftyp" or not _has_index_behind(head):
        return None
    return Fault(
        f"'{address}' is a video whose index is at its end, and its server sends no parts of "
        "files: download it and process the file, or move its index to the front "
        "(ffmpeg -i in.mp4 -c copy -movflags faststart out.mp4)"
    )


def _has_index_behind(head: bytes) -> bool:
    """Whether the images come before the index, as far as the first bytes show it."""
    at = 0
    while at + 16 <= len(head):
        size, kind = int.from_bytes(head[at : at + 4]), head[at + 4 : at + 8]
        if kind not in _BEFORE_INDEX:
            return kind == b"mdat"
        if size == 1:
            size = int.from_bytes(head[at + 8 : at + 16])
        if size < 8:
            return False
        at += size
    return False
