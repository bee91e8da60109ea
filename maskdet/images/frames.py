"""Images that hold several: animations with their times, and documents with their pages."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

import numpy as np

from maskdet.images.decoding import MAX_PIXELS, ImageError, eight_bits
from maskdet.images.kinds import HEADER_BYTES, TIFF_STARTS, is_heif
from maskdet.images.orientation import turned_upright
from maskdet.images.pillow_files import exif_orientation, forget_xmp, in_rgb, opened
from maskdet.system.native_libraries import silent_stderr
from maskdet.system.threads import Lock

if TYPE_CHECKING:
    from PIL.Image import Image

DEFAULT_DURATION_S = 0.1
"""Seconds that a frame stays whose file states no duration, as browsers have it."""
_MIN_DURATION_MS = 11
"""Shorter durations are taken for none stated; browsers do so, too."""
_STARTS = (b"GIF8", b"RIFF", b"\x89PNG", *TIFF_STARTS)
_ANIMATIONS = ("GIF", "WEBP", "PNG", "AVIF")
_KINDS = (*_ANIMATIONS, "TIFF", "HEIF")
_UNREAD = {"F": "floating-point values", "I": "32 bits a value"}
"""Pillow's names of pixels, and what they are."""


@dataclass(frozen=True)
class FrameCount:
    """Number of images in a file.

    Attributes:
        number: 1 for an ordinary image.
        kind: ``animation``, or ``pages`` that have no time.
    """

    number: int = 1
    kind: Literal["animation", "pages"] = "pages"


def count_frames(path: str | Path) -> FrameCount:
    """Frames or pages of an image; 1 where it cannot be read, which reading it will report."""
    try:
        with open(path, "rb") as file:
            return _count(file)
    except OSError:
        return FrameCount()


def count_frames_in(data: bytes) -> FrameCount:
    """The same of an encoded image."""
    return _count(BytesIO(data))


def _count(file: BinaryIO) -> FrameCount:
    try:
        head = file.read(HEADER_BYTES)
        if not head.startswith(_STARTS) and not is_heif(head):
            return FrameCount()
        with warnings.catch_warnings(action="ignore"), opened(file, _KINDS) as image:
            number = _number(image) - _hidden(image)
            return FrameCount(number, "animation" if image.format in _ANIMATIONS else "pages")
    except Exception:  # Pillow's readers of damaged files raise what they like
        return FrameCount()


class FrameReader:
    """Reads the frames or pages of an image file in any order.

    Attributes:
        number: how many there are.
    """

    def __init__(self, path: str | Path) -> None:
        """Opens it.

        Raises:
            ImageError: it cannot be read, or has more than `MAX_PIXELS`.
        """
        self._path = path
        self._lock = Lock()
        with _image_errors(), warnings.catch_warnings(action="ignore"), ExitStack() as stack:
            self._image = stack.enter_context(opened(path, _KINDS))
            if self._image.width * self._image.height > MAX_PIXELS:
                millions = MAX_PIXELS // 1_000_000
                raise ImageError(f"has more than {millions} million pixels; make it smaller")
            self._first = _hidden(self._image)
            self.number = _number(self._image) - self._first
            is_tiff = self._image.format == "TIFF"  # whose pages Pillow turns, each on its own
            self._exif = 1 if is_tiff else exif_orientation(self._image, Path(path).read_bytes)
            self._opened = stack.pop_all()

    def read(self, index: int) -> tuple[np.ndarray, float]:
        """A frame as BGR uint8 (height, width, 3), and the seconds that it stays.

        Raises:
            ImageError: it is broken.
        """
        ignored = warnings.catch_warnings(action="ignore")
        with self._lock, _image_errors(), ignored, silent_stderr():  # of libtiff
            self._image.seek(index + self._first)
            forget_xmp(self._image)
            self._image.load()
            milliseconds = self._image.info.get("duration") or 0
            pixels = np.asarray(in_rgb(_eight_bits(self._image)))
        stays = milliseconds / 1000 if milliseconds >= _MIN_DURATION_MS else DEFAULT_DURATION_S
        return turned_upright(np.ascontiguousarray(pixels[:, :, ::-1]), self._exif), stays

    def close(self) -> None:
        """Closes the file, after the frame that another thread reads; may be called twice."""
        with self._lock:
            self._opened.close()


@contextmanager
def _image_errors() -> Iterator[None]:
    from PIL.Image import DecompressionBombError

    try:
        yield
    except ImageError:
        raise
    except DecompressionBombError:
        raise ImageError("has too many pixels; make it smaller") from None
    except Exception:  # Pillow's readers of damaged files raise what they like
        raise ImageError("is broken or cut short; copy it again") from None


def _number(image: Image) -> int:
    """Frames or pages; of a TIFF that is cut short those before the first that is missing.

    Raises:
        Exception: another kind is broken.
    """
    try:
        return int(getattr(image, "n_frames", 1))
    except Exception:  # Pillow's readers of damaged files raise what they like
        if image.format != "TIFF":
            raise
    number = 1
    with suppress(Exception):
        while True:
            image.seek(number)
            number += 1
    image.seek(0)
    return number


def _hidden(image: Image) -> int:
    """Frames before the animation: a PNG's still image, which its animation may leave out."""
    return int(bool(getattr(image, "default_image", False)))


def _eight_bits(image: Image) -> Image:
    """A page of 16 bits a pixel as one of 8.

    Raises:
        ImageError: it has more, of which nothing states what is white.
    """
    if image.mode in _UNREAD:
        raise ImageError(f"is of {_UNREAD[image.mode]}, which is not read; save it as JPEG or PNG")
    if not image.mode.startswith("I"):
        return image
    from PIL import Image as images

    return images.fromarray(eight_bits(np.asarray(image).astype(np.uint16)))
