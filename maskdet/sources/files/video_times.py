"""Times of a video file's frames as their container has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_WITHOUT_ORDER = "avi"
"""A container that counts packets. Of frames that are shown in another order than they lie in the
file, FFmpeg takes the place in the file for the time: they come twice at once, then late."""

_REORDERED_FRAMES = 4
"""Frames by which encoders that are in use move one; H.264 allows sixteen."""


def time_of(container: InputContainer, frame: VideoFrame) -> float | None:
    """Seconds at which a decoded frame is shown, from the container's own zero."""
    if container.format.name != _WITHOUT_ORDER or frame.dts is None or frame.time_base is None:
        return frame.time
    return float(frame.dts * frame.time_base)


def order_margin(stream: VideoStream, fps: float) -> float:
    """Seconds before a place at which a demuxer is to look for its key frame.

    Where frames are shown in another order than they lie in the file, some demuxers find a key
    frame that is shown after the place.
    """
    return _REORDERED_FRAMES / fps if stream.codec_context.has_b_frames else 0.0


def start_of(container: InputContainer, stream: VideoStream) -> float | None:
    """Seconds of a stream's first frame, from the container's own zero."""
    if stream.start_time is None or stream.time_base is None:
        return None
    start = float(stream.start_time * stream.time_base)
    is_late = container.format.name == _WITHOUT_ORDER and stream.codec_context.has_b_frames
    rate = stream.average_rate
    return start + (1 / float(rate) if is_late and rate else 0.0)
