"""Transport streams that go on under another stream id, as joined recordings do."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

_MIN_REST_BYTES = 64 * 188
"""Behind the last packet of a video, less is tables and sound."""


def next_part(
    path: str, container: InputContainer, stream: VideoStream, position: int | None
) -> tuple[InputContainer, VideoStream] | None:
    """The video behind the end of another one in the same MPEG transport stream, if there is any.

    A receiver that starts again, and `cat`, write such files; FFmpeg gives the first stream alone.

    Args:
        path: of the file.
        container: of the video that ended.
        stream: that ended.
        position: of its last packet, in bytes.
    """
    import av

    has_rest = position is not None and os.path.getsize(path) - position > _MIN_REST_BYTES
    if container.format.name != "mpegts" or not has_rest:
        return None
    options = {"skip_initial_bytes": str(position)}
    try:
        rest = av.open(os.path.abspath(path), format="mpegts", options=options)
    except (OSError, av.FFmpegError):
        return None
    for found in rest.streams.video:
        if found.id != stream.id and found.codec_context and found.codec_context.width:
            found.thread_type = "AUTO"
            return rest, found
    return None
