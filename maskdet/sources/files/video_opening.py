"""Opening a video file by FFmpeg, or the line about why it is none."""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, cast

from maskdet.errors import SourceError, reason_of
from maskdet.images.decoding import MAX_PIXELS
from maskdet.images.kinds import HEADER_BYTES, JPEG
from maskdet.images.unreadable import other_file, unread_image

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream


log = logging.getLogger(__name__)

_PLAYLISTS = ("hls", "dash")
_NOT_STATED = 0xFFFF_0000
"""Bytes from which on an AVI's header states none, as that of one that is written to a pipe."""


def open_video(path: str) -> tuple[InputContainer, VideoStream]:
    """A video file and its first video stream.

    Raises:
        SourceError: it cannot be opened, is not a video, or has sound alone.
    """
    import av  # late: 0.1 s that cameras and images need not wait for

    av.logging.set_level(None)  # our own line reports what is wrong
    try:
        with open(path, "rb") as file:
            head = file.read(4096)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {reason_of(error)}") from None
    if _is_text(head):
        raise _not_readable(path, head)
    # Absolute: never "protocol:". Motion JPEG is otherwise taken for one image of a sequence.
    kind = "mjpeg" if head.startswith(JPEG) else None
    try:
        container = av.open(os.path.abspath(path), format=kind, metadata_errors="replace")
        stream = video_in(container, path)
    except (OSError, av.FFmpegError):
        raise _not_readable(path, head) from None
    if stream is None:
        if container.streams.audio:
            raise SourceError(f"{path} has sound, but no pictures; give a video")
        raise _not_readable(path, head)
    return container, stream


def video_in(container: InputContainer, path: str) -> VideoStream | None:
    """The video of an open file, to be decoded by several threads; None: it has none.

    Raises:
        SourceError: its images are too large.
    """
    stream = cast("VideoStream | None", container.streams.best("video"))
    context = stream.codec_context if stream else None
    if stream is None or context is None or not context.width or _is_cover(stream):
        return None
    if context.width * context.height > MAX_PIXELS:
        limit = MAX_PIXELS // 1_000_000
        raise SourceError(f"{path} has pictures of more than {limit} million pixels")
    stream.thread_type = "AUTO"
    return stream


def note_tracks(name: str, container: InputContainer, stream: VideoStream) -> None:
    """Logs a line where a file has several videos: of two cameras, say.

    Covers and previews are none; those of a playlist are one video in several sizes.

    Args:
        name: what a person calls the file.
        container: the file.
        stream: the video that is read.
    """
    every = [s for s in container.streams.video if s.codec_context.width and not _is_cover(s)]
    if len(every) > 1 and container.format.name not in _PLAYLISTS:
        log.warning(
            "%s has %d videos, of which the one of %d×%d is read; each alone in a file: "
            "ffmpeg -i FILE -map 0:v:NUMBER -c copy OUT.mkv, with numbers from 0",
            *(name, len(every), stream.width, stream.height),
        )


def is_cut_avi(path: str) -> bool:
    """Whether a file is an AVI shorter than its header states, as FFmpeg does not mind."""
    try:
        with open(path, "rb") as file:
            kind, stated, size = file.read(4), file.read(4), os.fstat(file.fileno()).st_size
    except OSError:
        return False
    return kind == b"RIFF" and size < 8 + int.from_bytes(stated, "little") < _NOT_STATED


def _is_cover(stream: VideoStream) -> bool:
    from av.stream import Disposition

    covers = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
    return bool(stream.disposition & covers)


def _not_readable(path: str, head: bytes) -> SourceError:
    with suppress(OSError):
        if not Path(path).stat().st_size:
            return SourceError(f"{path} is not a video or picture: it is empty (0 bytes)")
    if kind := unread_image(head[:HEADER_BYTES]) or other_file(head):
        return SourceError(f"{path} is {kind}")
    return SourceError(
        f"{path} is not a video or picture that can be read (tried FFmpeg); it may be "
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
