"""Sources on disk: a video, a picture, a folder of pictures, and the demo clip."""

from __future__ import annotations

import logging
import os
import re
import time
import zlib
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from maskdet.errors import SourceError
from maskdet.frame import Frame
from maskdet.live import capture
from maskdet.live.workers import Event

log = logging.getLogger(__name__)

PICTURES = (
    *(".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".dib", ".tif", ".tiff", ".webp", ".avif"),
    *(".jp2", ".pbm", ".pgm", ".ppm", ".gif"),
)
"""Endings of the files that are read as pictures."""

DEMO_CLIP = Path(__file__).resolve().parents[1] / "demo" / "clip.mp4"


class VideoFile:
    """A video file: every frame, as fast as it is read; ends where the file ends or breaks off.

    A frame's time is its own time stamp, so a variable frame rate comes out right.

    Attributes:
        length: seconds, as the file states it; None where it does not.
    """

    is_live = False

    def __init__(self, path: str, name: str) -> None:
        """Opens it.

        Raises:
            SourceError: it cannot be opened, or is no video.
        """
        self.name = name
        self._path = path
        self._capture: cv2.VideoCapture | None = _open_video(path)
        fps = self._capture.get(cv2.CAP_PROP_FPS)
        self.fps: float | None = fps if 0 < fps < 1000 else None
        self.length = capture.length(self._capture)
        self._index = 0
        self._time = 0.0

    def read(self) -> Frame | None:
        """The next frame; None at the end.

        Raises:
            SourceError: not a single frame can be decoded.
        """
        video = self._capture  # our own hold on it: `close` frees it once we are done, too
        if video is None:
            return None
        okay, image = video.read()
        if not okay:
            if self._index == 0:
                raise SourceError(
                    f"{self._path} holds no picture that can be decoded; convert it to H.264 "
                    "(ffmpeg -i in -c:v libx264 out.mp4)"
                )
            return None
        self._time = self._position(video)
        frame = Frame(capture.as_bgr(image), self._index, self._time, time.monotonic(), self.name)
        self._index += 1
        return frame

    def seek(self, position: float) -> None:
        """Goes to the frame at that position, in seconds; `read` gives it next.

        Called by the thread that reads.
        """
        if self._capture is not None:
            self._capture.set(cv2.CAP_PROP_POS_MSEC, max(0.0, position) * 1000)
            self._time = -1.0  # the next frame's own time stamp counts, an earlier one too

    def _position(self, video: cv2.VideoCapture) -> float:
        stamp = float(video.get(cv2.CAP_PROP_POS_MSEC)) / 1000
        if self._index and stamp <= self._time:  # a container without (right) time stamps
            return self._time + 1 / (self.fps or 25.0)
        return max(stamp, 0.0)

    def close(self) -> None:
        """Lets go of the file."""
        self._capture = None


class DemoClip:
    """The clip that ships, as a camera: at its own pace, for ever, in real time."""

    is_live = True

    def __init__(self, spec: str, name: str) -> None:
        """Opens the clip; `spec` is ``demo``."""
        self.name = name
        self._closing = Event()
        self._clip = VideoFile(str(DEMO_CLIP), name)
        self.fps = self._clip.fps
        self._index = 0
        self._due = self._first = 0.0

    def read(self) -> Frame | None:
        """Waits for the next frame's moment; None once closed."""
        frame = self._clip.read()
        if frame is None and not self._closing.is_set():
            self._clip = VideoFile(str(DEMO_CLIP), self.name)
            frame = self._clip.read()
        now = time.monotonic()
        self._due = max(self._due + 1 / (self.fps or 25.0), now)  # a late reader is not caught up
        if frame is None or self._closing.wait(self._due - now):
            return None
        utc, captured = time.time(), time.monotonic()
        self._first = captured if self._index == 0 else self._first
        stamps = (utc, captured, self.name)
        position = captured - self._first
        frame = Frame(frame.image, self._index, *stamps, position=position, utc=utc)
        self._index += 1
        return frame

    def close(self) -> None:
        """Ends a wait in `read`, too."""
        self._closing.set()
        self._clip.close()


class PictureFiles:
    """One picture, or all of a list; one frame each, at time 0.

    In a list, a picture that cannot be read is reported to the log and left out.
    """

    is_live = False
    fps: float | None = None

    def __init__(self, paths: Sequence[str], name: str) -> None:
        self.name = name
        self._paths = list(paths)
        self._next = 0
        self._index = 0

    def read(self) -> Frame | None:
        """The next picture; None at the end.

        Raises:
            SourceError: the only picture, or every one of the list, cannot be read.
        """
        while self._next < len(self._paths):
            path = self._paths[self._next]
            self._next += 1
            try:
                image = read_picture(path)
            except SourceError as error:
                if self._index == 0 and self._next == len(self._paths):
                    raise
                log.warning("%s", error)
                continue
            frame = Frame(image, self._index, 0.0, time.monotonic(), self.name, path)
            self._index += 1
            return frame
        return None

    @property
    def count(self) -> int:
        """How many files there are."""
        return len(self._paths)

    def place(self, file: str) -> int:
        """The place of a file in the list, from 0."""
        return self._paths.index(file)

    def seek(self, place: int) -> None:
        """Goes to the file at that place, from 0; called by the thread that reads."""
        self._next = min(max(0, place), len(self._paths) - 1)

    def close(self) -> None:
        """Gives no more."""
        self._next = len(self._paths)


class Picture(PictureFiles):
    """A picture file."""

    def __init__(self, path: str, name: str) -> None:
        super().__init__([path], name)


class Folder(PictureFiles):
    """The pictures in a folder and those below it, in natural order: 2.jpg before 10.jpg."""

    def __init__(self, path: str, name: str) -> None:
        """Lists them.

        Raises:
            SourceError: there is none.
        """
        paths = list_pictures(path)
        if not paths:
            raise SourceError(f"no pictures in {path}; it needs files such as .jpg or .png")
        super().__init__(paths, name)


def list_pictures(folder: str) -> list[str]:
    """Paths of the pictures in a folder and below, in natural order, hidden ones left out."""
    from imutils.paths import list_files  # slow to import, and few need it

    found = (str(path) for path in list_files(folder, validExts=PICTURES))
    return sorted(
        (path for path in found if not os.path.basename(path).startswith(".")),
        key=lambda path: [
            (not part.isdigit(), int(part) if part.isdigit() else 0, part)
            for part in re.split(r"(\d+)", path.casefold())
        ],
    )


def read_picture(path: str) -> np.ndarray:
    """A picture file as BGR uint8 (height, width, 3), turned as its EXIF data say.

    Raises:
        SourceError: it cannot be read, is broken, or has more than `capture.MAX_PIXELS`.
    """
    try:
        data = Path(path).read_bytes()  # not cv2.imread: it fails on names outside ASCII on Windows
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from None
    if not data or (data.startswith(_PNG) and not _is_whole_png(data)):
        raise SourceError(f"{path} is broken or cut short; copy it again")
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        if "MAX_IMAGE" in str(error):
            limit = capture.MAX_PIXELS // 1_000_000
            message = f"{path} has more than {limit} million pixels; make it smaller"
            raise SourceError(message) from None
        image = None
    if image is None:
        raise SourceError(f"{path} is no picture that can be read, or broken; copy it again")
    return capture.as_bgr(image)


_PNG = b"\x89PNG\r\n\x1a\n"


def _is_whole_png(data: bytes) -> bool:
    """Whether every chunk is there and unharmed; libpng would write to stderr by itself."""
    at = len(_PNG)
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4])
        if zlib.crc32(data[at + 4 : end]) != int.from_bytes(data[end : end + 4]):
            return False
        if data[at + 4 : at + 8] == b"IEND":
            return True
        at = end + 4
    return False


def _open_video(path: str) -> cv2.VideoCapture:
    try:
        with open(path, "rb") as file:
            head = file.read(1024)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from None
    video = None if _is_text(head) else capture.open_file(path)
    if video is None or not video.isOpened():
        raise SourceError(
            f"{path} is no video or picture that can be read (tried FFmpeg), or is cut short"
        )
    if capture.too_large(video):
        limit = capture.MAX_PIXELS // 1_000_000
        raise SourceError(f"{path} has pictures of more than {limit} million pixels")
    return video


def _is_text(head: bytes) -> bool:
    """FFmpeg plays plain text as a video of letters; an empty file is one, too."""
    try:
        text = head.decode()
    except UnicodeDecodeError:
        return False
    return not text.startswith("#EXTM3U") and all(c.isprintable() or c.isspace() for c in text)
