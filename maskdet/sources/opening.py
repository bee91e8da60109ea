"""Opening of a `Source` by what stands after ``--source``; the kinds there are, a line each."""

from __future__ import annotations

import logging
import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from maskdet.contracts import Source
from maskdet.errors import SourceError
from maskdet.frame import Frame
from maskdet.images.frames import count_frames
from maskdet.images.kinds import kind_of_file
from maskdet.sources.address import scheme_of, shown_name
from maskdet.sources.demo import DemoClip
from maskdet.sources.files.animated_image import AnimatedImage
from maskdet.sources.files.image_files import Folder, ImageFile, Pages
from maskdet.sources.files.video_file import VideoFile
from maskdet.sources.misspelled import likely_meaning
from maskdet.sources.options import SourceOptions, longest_wait_s
from maskdet.sources.reconnecting import LiveSource
from maskdet.sources.stream import Stream
from maskdet.sources.webcam import Webcam
from maskdet.system.file_names import readable_name
from maskdet.system.redaction import mask_address, mask_password
from maskdet.system.threads import Event, Worker

log = logging.getLogger(__name__)

QUIET_S = 3.0
"""Seconds that a camera may take to open before that is worth a line."""


class Kind(NamedTuple):
    """A kind of source.

    Attributes:
        fits: whether a spec is of this kind.
        opens: makes the source of a spec, a name and its options.
    """

    fits: Callable[[str], bool]
    opens: Callable[[str, str, SourceOptions], Source]


_STREAMS = (
    *("rtsp", "rtsps", "http", "https", "udp", "rtp", "tcp", "srt"),
    *("rtmp", "rtmps", "rtmpt", "rtmpts", "rtmpe", "rtmpte"),
)

KINDS: dict[str, Kind] = {  # the first that fits
    "demo": Kind(lambda s: s == "demo", lambda s, name, _: DemoClip(s, name)),
    "webcam": Kind(lambda s: s.isdecimal() or _is_device(s), Webcam),
    "stream": Kind(lambda s: scheme_of(s) in _STREAMS, Stream),
    "folder": Kind(os.path.isdir, lambda s, name, _: Folder(s, name)),
    "pages": Kind(
        lambda s: _is_image(s) and _holds_several(s, "pages"), lambda s, name, _: Pages(s, name)
    ),
    "animation": Kind(
        lambda s: _is_image(s) and _holds_several(s, "animation"),
        lambda s, name, _: AnimatedImage(s, name),
    ),
    "picture": Kind(lambda s: _is_image(s), lambda s, name, _: ImageFile(s, name)),
    "video": Kind(
        os.path.exists,
        lambda s, name, options: VideoFile(s, name, fps=options.fps, rotate=options.rotate),
    ),
}


def _is_device(path: str) -> bool:
    """Whether it is a device, or may become one; files lie in /dev/shm, too."""
    return path.startswith("/dev/") and not (os.path.isfile(path) or os.path.isdir(path))


def _is_pipe(spec: str) -> bool:
    """Whether it is a named pipe or standard input; to open one may wait forever."""
    with suppress(OSError, ValueError):  # an address may be longer than any name of a file
        return stat.S_ISFIFO(os.stat(spec).st_mode)
    return spec == "-"


def _is_image(path: str) -> bool:
    """Whether a file is an image, by its content, whatever its name is."""
    return os.path.isfile(path) and kind_of_file(path) == "image"


def _holds_several(path: str, kind: str) -> bool:
    frames = count_frames(path)
    return frames.number > 1 and frames.kind == kind


def kind_of(spec: str) -> str:
    """The name in `KINDS` of what a spec means.

    Raises:
        SourceError: nothing fits; there is no such file, or it is a pipe.
    """
    if _is_pipe(spec):
        raise SourceError(
            f"'{spec}' is a pipe, and a pipe is not a source; write its video to a file, "
            "or give the address of a stream"
        )
    for name, kind in KINDS.items():
        if kind.fits(spec):
            return name
    shown = mask_address(spec) if scheme_of(spec) else mask_password(spec)
    folder = os.path.dirname(spec) or "."
    if re.search(r"[*?]|%\d*d", spec) and os.path.isdir(folder):
        raise SourceError(f"'{shown}' is a pattern; give the folder of its files: {folder}")
    advice = likely_meaning(spec) or (
        "give a webcam's number, an rtsp:// or http:// address, a file or folder that exists, "
        "or demo"
    )
    raise SourceError(f"no such source: '{readable_name(shown)}'; {readable_name(advice)}")


def path_of(spec: str) -> str:
    """The path that a ``file:`` address means; any other spec as it is, ``~`` written out."""
    spec = spec.strip()
    if not re.match("file:/", spec, re.IGNORECASE):
        return os.path.expanduser(spec)
    from urllib.request import url2pathname  # late: brings a client of HTTP

    rest = re.sub(r"^(?://(?:localhost)?(?=/))?", "", spec[5:], flags=re.IGNORECASE)
    with suppress(OSError):  # on Windows, that of an address with two colons
        if os.path.exists(path := url2pathname(rest)):
            return path
    return rest


def open_source(
    spec: str | int | Path,
    name: str | None = None,
    options: SourceOptions | None = None,
    *,
    wait: bool = True,
) -> Source:
    """Opens a webcam (``0``, ``/dev/video0``), stream, video file, image, folder or ``demo``.

    Args:
        spec: what to open, as in the command's ``--source``; a webcam's number may be one.
        name: what a person reads; by default the spec without its password.
        options: those of its kind count; None: the defaults.
        wait: a camera or stream is opened here, not by its first `read`; one that has not
            answered after three seconds is named in the log.

    Raises:
        SourceError: it cannot be opened; the message has the reason and what to do.
        TypeError: the options are no `SourceOptions`.

    Example:
        >>> import maskdet
        >>> source = maskdet.open_source("demo", "entrance")
        >>> frame = source.read()
        >>> frame.source, frame.width, frame.height
        ('entrance', 640, 480)
        >>> source.close()
        >>> options = maskdet.SourceOptions(rtsp_transport="tcp", read_timeout=3.0)
        >>> camera = maskdet.open_source("rtsp://192.0.2.1/1", options=options, wait=False)
        >>> camera.close()
    """
    if not isinstance(options, SourceOptions | None):
        wanted = "make it SourceOptions(name=value, …)"
        raise TypeError(f"options is {type(options).__name__}; {wanted}")
    spec = path_of(str(spec))
    kind = KINDS[kind_of(spec)]
    source = kind.opens(spec, shown_name(spec, name), options or SourceOptions())
    if wait and isinstance(source, LiveSource):
        _open(source, longest_wait_s((options or SourceOptions()).open_timeout))
    return source


def waiting_words(longest: int) -> str:
    """A message about a camera that has not answered yet, and is given up after so many seconds."""
    return f"no picture yet; waiting for the camera to answer, {longest} seconds at most"


def _open(source: LiveSource, longest: int) -> None:
    """Opens a camera; one that takes its time is named in the log."""
    over = Event()

    def watch() -> None:
        if not over.wait(QUIET_S):
            log.warning("%s: %s", source.name, waiting_words(longest))

    watching = Worker(f"wait for {source.name}", watch)
    watching.start()
    try:
        source.open()
    finally:
        over.set()
        watching.join()


def read_frames(
    spec: str | int | Path, name: str | None = None, options: SourceOptions | None = None
) -> Generator[Frame]:
    """The frames of a source, one after the other; it is closed at the end.

    Each is read when it is asked for: of a camera that is slower than its reader, the next one;
    of one that is faster, those that the system keeps.

    Args:
        spec: as for `open_source`, as all of them.
        name: what a person reads.
        options: those of its kind count.

    Raises:
        SourceError: it cannot be opened, or failed permanently.

    Example:
        >>> import maskdet
        >>> frames = maskdet.read_frames("demo")
        >>> [next(frames).index for _ in range(3)]
        [0, 1, 2]
        >>> frames.close()  # the camera, too
    """
    source = open_source(spec, name, options)
    try:
        yield from iter(source.read, None)
    finally:
        source.close()


def unique_names(names: Iterable[str]) -> list[str]:
    """Names of which each is there once: ``demo``, ``demo (2)``."""
    seen: Counter[str] = Counter()
    unique = []
    for name in names:
        seen[name] += 1
        unique.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return unique
