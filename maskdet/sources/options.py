"""Options of a source, each written down once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from maskdet.errors import SourceError

DECODED_IMAGES = ("all", "key_frames")
"""Images of a stream that are decoded."""


@dataclass(frozen=True, kw_only=True)
class ConnectionOptions:
    """Options of everything that may be away for a while.

    Attributes:
        open_timeout: seconds that a camera or stream may take to open.
        read_timeout: seconds without a frame after which it counts as lost.
        retry_first_connection: one that cannot be opened at first is tried again, too.
        rotate: degrees by which its images, and a video file's, are turned clockwise: 0, 90, 180
            or 270.
    """

    open_timeout: float = 10.0
    read_timeout: float = 5.0
    retry_first_connection: bool = False
    rotate: int = 0

    def __post_init__(self) -> None:
        """Checks what has few values.

        Raises:
            SourceError: `rotate` is another number.
        """
        if self.rotate not in (0, 90, 180, 270):
            raise SourceError(f"cannot rotate by {self.rotate} degrees: choose 0, 90, 180 or 270")


@dataclass(frozen=True, kw_only=True)
class WebcamOptions(ConnectionOptions):
    """Options of a webcam; it may give other values than are asked of it.

    Attributes:
        width: in pixels.
        height: in pixels.
        fps: frames a second.
        format: four letters of the image format: MJPG, YUYV …; by default MJPG for more than 640
            pixels in width, and the camera's own choice below.
        backend: auto, v4l2, dshow, msmf, avfoundation, any.
    """

    width: int | None = None
    height: int | None = None
    fps: float | None = None
    format: str | None = None
    backend: str = "auto"


@dataclass(frozen=True, kw_only=True)
class StreamOptions(ConnectionOptions):
    """Options of a network camera or stream.

    Attributes:
        fps: how often an address that gives one image is fetched a second.
        rtsp_transport: tcp (whole images), udp, udp_multicast, or auto: the first of them that
            the camera knows.
        low_delay: it is decoded by one thread, which holds no image back, if one is enough.
        hardware_decoding: it is decoded by the graphics card where that can be done.
        decode: all, or key_frames: images that need no other, one in a second or two.
        ffmpeg: further options, by FFmpeg's names.
    """

    fps: float | None = None
    rtsp_transport: str = "auto"
    low_delay: bool = True
    hardware_decoding: bool = False
    decode: str = "all"
    ffmpeg: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SourceOptions(WebcamOptions, StreamOptions):
    """Options of any source: each kind takes its own.

    Attributes:
        fps: as of a webcam or stream; of a video file, the rate at which it was taken, in place
            of its own time stamps.
    """


def longest_wait_s(open_timeout: float) -> int:
    """Seconds after which a camera that does not answer is given up."""
    return round(2 * open_timeout + 2)  # the stream, then the reason that it gave none


def option_names() -> list[str]:
    """The names of all options."""
    return [option.name for option in fields(SourceOptions)]


def values_of(options: ConnectionOptions, kind: type[ConnectionOptions]) -> dict[str, Any]:
    """The values of those options that a kind of source has."""
    return {option.name: getattr(options, option.name) for option in fields(kind)}
