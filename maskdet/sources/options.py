"""Options of a source, each written down once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from math import inf
from numbers import Integral, Real
from typing import Any, Literal, get_args

Backend = Literal["auto", "v4l2", "dshow", "msmf", "avfoundation", "any"]
"""How a webcam is reached."""
Transport = Literal["auto", "tcp", "udp", "udp_multicast"]
"""How the packets of an RTSP camera come."""
Decode = Literal["all", "key_frames"]
"""Images of a stream that are decoded."""
Rotation = Literal[0, 90, 180, 270]
"""Degrees clockwise."""
MAX_TIMEOUT_S = 24 * 3600.0
"""The longest wait for a camera; a number that is larger is a mistake."""
_CHOICES: Mapping[str, tuple[Any, ...]] = {
    "backend": get_args(Backend),
    "rtsp_transport": get_args(Transport),
    "decode": get_args(Decode),
    "rotate": get_args(Rotation),
}
"""The values of options that have few."""


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
    rotate: Rotation = 0

    def __post_init__(self) -> None:
        """Checks each value.

        Raises:
            ValueError: an option cannot be that; the line names what it may be.
        """
        for option in fields(self):
            value = getattr(self, option.name)
            if right := _what_is_right(option.name, option.default, value):
                raise ValueError(f"{option.name} is {value!r}; it must be {right}")


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
    backend: Backend = "auto"


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
    rtsp_transport: Transport = "auto"
    low_delay: bool = True
    hardware_decoding: bool = False
    decode: Decode = "all"
    ffmpeg: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SourceOptions(WebcamOptions, StreamOptions):
    """Options of any source: each kind takes its own.

    Attributes:
        fps: as of a webcam or stream; of a video file, the rate at which it was taken, in place
            of its own time stamps.
    """


def _what_is_right(name: str, default: object, value: object) -> str:
    """Words for what an option may be; none where its value is right."""
    if name in _CHOICES:
        choices = _CHOICES[name]
        words = [f'"{choice}"' if isinstance(choice, str) else str(choice) for choice in choices]
        is_right = type(value) is not bool and value in choices
        return "" if is_right else f"{', '.join(words[:-1])} or {words[-1]}"
    if name in ("open_timeout", "read_timeout"):
        is_right = _is_positive(value, MAX_TIMEOUT_S)
        return "" if is_right else f"a number of seconds, more than 0 and at most {MAX_TIMEOUT_S:g}"
    if name in ("width", "height"):
        is_right = value is None or (isinstance(value, Integral) and _is_positive(value))
        return "" if is_right else "a number of pixels, 1 or more, or None"
    if name == "fps":
        return "" if value is None or _is_positive(value) else "a number above 0, or None"
    if name == "format":
        is_right = value is None or (isinstance(value, str) and len(value) == 4)
        return "" if is_right else "four letters, such as MJPG, YUYV or H264, or None"
    if isinstance(default, bool):
        return "" if isinstance(value, bool) else "True or False"
    return "" if isinstance(value, Mapping) else "names of FFmpeg's options with their values"


def _is_positive(value: object, most: float = inf) -> bool:
    return not isinstance(value, bool) and isinstance(value, Real) and 0 < float(value) <= most


def longest_wait_s(open_timeout: float) -> int:
    """Seconds after which a camera that does not answer is given up."""
    return round(2 * open_timeout + 2)  # the stream, then the reason that it gave none


def option_names() -> list[str]:
    """The names of all options."""
    return [option.name for option in fields(SourceOptions)]


def values_of(options: ConnectionOptions, kind: type[ConnectionOptions]) -> dict[str, Any]:
    """The values of those options that a kind of source has."""
    return {option.name: getattr(options, option.name) for option in fields(kind)}
