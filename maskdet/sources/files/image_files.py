"""Sources on disk: an image, a folder of images."""

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
from maskdet.sources import opencv_capture

log = logging.getLogger(__name__)

PICTURES = (
    *(".jpg", ".jpeg", ".jpe", ".png", ".bmp", ".dib", ".tif", ".tiff", ".webp", ".avif"),
    *(".jp2", ".pbm", ".pgm", ".ppm", ".gif"),
)
"""Endings of the files that are read as pictures."""


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
            limit = opencv_capture.MAX_PIXELS // 1_000_000
            message = f"{path} has more than {limit} million pixels; make it smaller"
            raise SourceError(message) from None
        image = None
    if image is None:
        raise SourceError(f"{path} is no picture that can be read, or broken; copy it again")
    return opencv_capture.as_bgr(image)


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
