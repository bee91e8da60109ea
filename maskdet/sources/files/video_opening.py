"""Opening a video file by FFmpeg, or the line about why it is none."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

from maskdet.errors import SourceError
from maskdet.images.decoding import MAX_PIXELS
from maskdet.images.unreadable import other_file

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream


def open_video(path: str) -> tuple[InputContainer, VideoStream]:
    """A video file and its first video stream.

    Raises:
        SourceError: it cannot be opened, is no video, or has sound alone.
    """
    import av  # late: 0.1 s that cameras and images need not wait for

    av.logging.set_level(None)  # our own line reports what is wrong
    try:
        with open(path, "rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from None
    if _is_text(head):
        raise _not_readable(path, head)
    # Absolute: never "protocol:". Motion JPEG is otherwise taken for one image of a sequence.
    kind = "mjpeg" if head.startswith(b"\xff\xd8\xff") else None
    try:
        container = av.open(os.path.abspath(path), format=kind, metadata_errors="replace")
        stream = cast("VideoStream | None", container.streams.best("video"))
    except (OSError, av.FFmpegError):
        raise _not_readable(path, head) from None
    context = stream.codec_context if stream else None
    if stream is None or context is None or not context.width or _is_cover(stream):
        if container.streams.audio:
            raise SourceError(f"{path} has sound, but no pictures; give a video")
        raise _not_readable(path, head)
    if context.width * context.height > MAX_PIXELS:
        limit = MAX_PIXELS // 1_000_000
        raise SourceError(f"{path} has pictures of more than {limit} million pixels")
    stream.thread_type = "AUTO"
    return container, stream


def _is_cover(stream: VideoStream) -> bool:
    from av.stream import Disposition

    return bool(stream.disposition & Disposition.attached_pic)


def _not_readable(path: str, head: bytes) -> SourceError:
    with suppress(OSError):
        if not Path(path).stat().st_size:
            return SourceError(f"{path} is no video or picture: it is empty (0 bytes)")
    if kind := other_file(head):
        return SourceError(f"{path} is {kind}")
    return SourceError(
        f"{path} is no video or picture that can be read (tried FFmpeg); it may be "
        "cut short, or still be recorded"
    )


def _is_text(head: bytes) -> bool:
    """FFmpeg plays plain text as a video of letters; an empty file is one, too."""
    try:
        text = head.decode()
    except UnicodeDecodeError as error:
        if error.start < len(head) - 4:  # not a letter that is cut in two
            return False
        text = head[: error.start].decode()
    return not text.startswith("#EXTM3U") and all(c.isprintable() or c.isspace() for c in text)
