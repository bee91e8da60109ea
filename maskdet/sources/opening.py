"""From what a person writes after ``--source`` to a `Source`; the kinds there are, a line each."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple
from urllib.request import url2pathname

from maskdet.contracts import Source
from maskdet.errors import SourceError
from maskdet.images.frames import count_frames
from maskdet.images.kinds import kind_of_file
from maskdet.sources.address import scheme_of
from maskdet.sources.demo import DemoClip
from maskdet.sources.files.animated_image import AnimatedImage
from maskdet.sources.files.image_files import Folder, Pages, Picture
from maskdet.sources.files.video_file import VideoFile
from maskdet.sources.reconnecting import LiveSource
from maskdet.sources.webcam import Stream, Webcam
from maskdet.system.redaction import mask_address, mask_password

__all__ = ["KINDS", "kind_of", "mask_password", "open_source", "open_sources"]


class Kind(NamedTuple):
    """A kind of source.

    Attributes:
        fits: whether a spec is of this kind.
        opens: makes the source of a spec and a name.
        options: the options of `open_source` that it takes.
    """

    fits: Callable[[str], bool]
    opens: Callable[..., Source]
    options: tuple[str, ...] = ()


_PATIENCE = ("open_timeout", "read_timeout", "insist")
_STREAMS = (
    *("rtsp", "rtsps", "http", "https", "udp", "rtp", "tcp", "srt"),
    *("rtmp", "rtmps", "rtmpt", "rtmpts", "rtmpe", "rtmpte"),
)

KINDS: dict[str, Kind] = {  # the first that fits
    "demo": Kind(lambda s: s == "demo", DemoClip),
    "webcam": Kind(
        lambda s: s.isdecimal() or s.startswith("/dev/"),
        Webcam,
        ("width", "height", "fps", "format", "backend", *_PATIENCE),
    ),
    "stream": Kind(
        lambda s: scheme_of(s) in _STREAMS,
        Stream,
        ("fps", "rtsp_transport", "low_delay", "hardware_decoding", "ffmpeg", *_PATIENCE),
    ),
    "folder": Kind(os.path.isdir, Folder),
    "pages": Kind(lambda s: _is_image(s) and _holds_several(s, "pages"), Pages),
    "animation": Kind(lambda s: _is_image(s) and _holds_several(s, "animation"), AnimatedImage),
    "picture": Kind(lambda s: _is_image(s), Picture),
    "video": Kind(os.path.exists, VideoFile, ("fps",)),
}


def _is_image(path: str) -> bool:
    """Whether a file is an image, by its content, whatever its name is."""
    return os.path.isfile(path) and kind_of_file(path) == "image"


def _holds_several(path: str, kind: str) -> bool:
    frames = count_frames(path)
    return frames.number > 1 and frames.kind == kind


def kind_of(spec: str) -> str:
    """The name in `KINDS` of what a spec means.

    Raises:
        SourceError: nothing fits; there is no such file.
    """
    for name, kind in KINDS.items():
        if kind.fits(spec):
            return name
    shown = mask_address(spec) if scheme_of(spec) else mask_password(spec)
    raise SourceError(
        f"no such source: '{shown}'; give a webcam's number, an rtsp:// or http:// "
        "address, a file or folder that exists, or demo"
    )


def path_of(spec: str) -> str:
    """The path that a ``file:`` address means; any other spec as it is, ``~`` written out."""
    spec = spec.strip()
    if not re.match("file:/", spec, re.IGNORECASE):
        return os.path.expanduser(spec)
    rest = re.sub(r"^(?://(?:localhost)?(?=/))?", "", spec[5:], flags=re.IGNORECASE)
    return next((path for path in (url2pathname(rest), rest) if os.path.exists(path)), rest)


def open_source(
    spec: str,
    *,
    name: str | None = None,
    width: int | None = None,
    height: int | None = None,
    fps: float | None = None,
    format: str | None = None,
    backend: str = "auto",
    rtsp_transport: str = "auto",
    low_delay: bool = True,
    hardware_decoding: bool = False,
    ffmpeg: Mapping[str, str] | None = None,
    open_timeout: float = 10.0,
    read_timeout: float = 5.0,
    insist: bool = False,
    wait: bool = True,
) -> Source:
    """Opens a webcam (``0``, ``/dev/video0``), stream, video file, picture, folder or ``demo``.

    Args:
        spec: what to open, as in the command's ``--source``.
        name: what a person reads; by default the spec without its password.
        width: width asked of a webcam, in pixels; it may give another.
        height: height asked of a webcam, in pixels.
        fps: frames a second asked of a webcam; how often an address that gives one picture is
            fetched a second; the rate at which a video file was taken, in place of its own time
            stamps.
        format: four letters of the picture format asked of a webcam: MJPG, YUYV …; by default
            MJPG for more than 640 pixels in width, and the camera's own choice below.
        backend: a webcam's back-end: auto, v4l2, dshow, msmf, avfoundation, any.
        rtsp_transport: tcp (whole pictures), udp, udp_multicast, or auto: the first of them that
            the camera knows.
        low_delay: a stream is decoded by one thread, which holds no picture back, if one is enough.
        hardware_decoding: a stream is decoded by the graphics card where that can be done.
        ffmpeg: further options of a stream, by FFmpeg's names.
        open_timeout: seconds that a camera or stream may take to open.
        read_timeout: seconds without a frame after which a camera or stream counts as lost.
        insist: a camera or stream that cannot be opened at first is tried again, too.
        wait: a camera or stream is opened here, not by its first `read`.

    Raises:
        SourceError: it cannot be opened; the message says why and what to do.
    """
    options = {
        "width": width,
        "height": height,
        "fps": fps,
        "format": format,
        "backend": backend,
        "rtsp_transport": rtsp_transport,
        "low_delay": low_delay,
        "hardware_decoding": hardware_decoding,
        "ffmpeg": ffmpeg,
        "open_timeout": open_timeout,
        "read_timeout": read_timeout,
        "insist": insist,
    }
    spec = path_of(spec)
    kind = KINDS[kind_of(spec)]
    source = kind.opens(
        spec,
        mask_password(name) if name else mask_address(spec),
        **{key: options[key] for key in kind.options},
    )
    if wait and isinstance(source, LiveSource):
        source.open()
    return source


def open_sources(specs: Sequence[str], **options: object) -> list[Source]:
    """Opens several, each under a name of its own; if one fails, closes those already open.

    Args:
        specs: as for `open_source`; one may come twice: ``demo``, ``demo (2)``.
        options: as for `open_source`, the same for all.
    """
    seen: Counter[str] = Counter()
    opened: list[Source] = []
    try:
        for spec in specs:
            name = mask_address(spec)
            seen[name] += 1
            if seen[name] > 1:
                name += f" ({seen[name]})"
            opened.append(open_source(spec, name=name, **options))  # type: ignore[arg-type]
    except BaseException:
        for source in opened:
            source.close()
        raise
    return opened
