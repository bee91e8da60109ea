"""Videos that go on behind their end in the same file, as `cat` and restarted receivers join them.

FFmpeg reads the first one alone of an MP4 or FLV, two of a Matroska file, and no part of an MPEG
transport stream that has another stream id. The second part of joined fragments it marks as packets
that are not to be shown.
"""

from __future__ import annotations

import io
import logging
import os
import re
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from maskdet.sources.files.video_opening import video_in

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

log = logging.getLogger(__name__)

_MIN_REST_BYTES = 64 * 188
"""Behind the last packet of a transport stream's video, less is tables and sound."""
_BOX_BYTES = 8
"""An MP4 is a row of boxes: a size and a kind, 4 bytes each, and the content."""
_STARTS = {
    "flv": re.compile(rb"FLV\x01.\0\0\0\x09\0\0\0\0", re.DOTALL),
    "matroska": re.compile(rb"\x1a\x45\xdf\xa3.{1,48}(?:matroska|webm)", re.DOTALL),
}
"""What files of other kinds begin with; it is found nowhere else."""
_START_BYTES = 64
_CHUNK_BYTES = 2**20


class Part(NamedTuple):
    """An open video within a file.

    Attributes:
        container: as it was opened.
        stream: its video.
        start: its first byte in the file, from which its own places count.
    """

    container: InputContainer
    stream: VideoStream
    start: int


def next_part(path: str, part: Part, place: int | None) -> Part | None:
    """The video behind the end of another one in the same file, if there is any.

    Args:
        path: of the file.
        part: the video that ended.
        place: of its last packet, in bytes from its start.

    Raises:
        SourceError: its images are too large.
    """
    if place is None:
        return None
    kinds = part.container.format.name.split(",")
    if "mpegts" in kinds:
        has_rest = os.path.getsize(path) - place > _MIN_REST_BYTES
        return _next_stream(path, part.stream, place) if has_rest else None
    start, behind = None, part.start + place
    with open(path, "rb") as file:
        if "mov" in kinds:
            start = _find_mp4(file, part.start, behind)
        elif kinds[0] in _STARTS:
            start = _find_start(file, behind, _STARTS[kinds[0]])
    return None if start is None else _opened(path, start, kinds[0])


def _next_stream(path: str, stream: VideoStream, place: int) -> Part | None:
    """A stream of another id in a transport stream, behind a byte of it."""
    import av

    options = {"skip_initial_bytes": str(place)}
    try:
        rest = av.open(os.path.abspath(path), format="mpegts", options=options)
    except (OSError, av.FFmpegError):
        return None
    for found in rest.streams.video:
        if found.id != stream.id and found.codec_context and found.codec_context.width:
            found.thread_type = "AUTO"
            return Part(rest, found, 0)
    return None


def _opened(path: str, start: int, kind: str) -> Part | None:
    """A video that begins at a byte of a file; None, and a line, where it cannot be read.

    Raises:
        SourceError: its images are too large.
    """
    import av

    try:
        container = av.open(_Rest(path, start), "r", format=kind, metadata_errors="replace")
        stream = video_in(container, path)
    except (OSError, av.FFmpegError):
        stream = None
    if stream is None:
        rest = (os.path.getsize(path) - start) / 1e6
        log.warning(
            "%s: another video begins behind the first one, %.1f MB long, and cannot be read: it "
            "may be cut short",
            *(path, rest),
        )
        return None
    return Part(container, stream, start)


def _find_mp4(file: BinaryIO, start: int, behind: int) -> int | None:
    """The first byte of the next MP4 behind a place in a row of boxes that begins at `start`."""
    end, at = os.fstat(file.fileno()).st_size, start
    while at + _BOX_BYTES <= end:
        file.seek(at)
        head = file.read(2 * _BOX_BYTES)
        if head[4:8] == b"ftyp" and at > behind:
            return at
        size = int.from_bytes(head[:4], "big")
        if size == 1:
            size = int.from_bytes(head[8:], "big")
        if size < _BOX_BYTES:  # the last box, or none at all
            return None
        at += size
    return None


def _find_start(file: BinaryIO, behind: int, start: re.Pattern[bytes]) -> int | None:
    """The first byte behind a place at which a file of some kind begins."""
    file.seek(behind)
    at, chunk = behind, file.read(_CHUNK_BYTES)
    while chunk:
        if found := start.search(chunk):
            return at + found.start()
        more = file.read(_CHUNK_BYTES)
        kept = chunk[-_START_BYTES:] if more else b""
        at, chunk = at + len(chunk) - len(kept), kept + more
    return None


class _Rest(io.RawIOBase):
    """A file from one of its bytes on, as if it began there."""

    def __init__(self, path: str, start: int) -> None:
        self._file, self._start = open(path, "rb"), start  # noqa: SIM115
        self._file.seek(start)

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        return self._file.readinto(buffer)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._file.tell() - self._start

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        begin = self._start if whence == io.SEEK_SET else 0
        return self._file.seek(begin + offset, whence) - self._start

    def close(self) -> None:
        self._file.close()
        super().close()
