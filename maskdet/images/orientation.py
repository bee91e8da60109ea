"""The turn of an image before it is shown, by its EXIF data; boxes turn with it."""

from __future__ import annotations

import warnings
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from maskdet.images.kinds import without_stray_bytes
from maskdet.images.pillow_files import exif_orientation, opened

_FLIPS = {2: 1, 3: -1, 4: 0, 6: 1, 7: -1, 8: 0}
"""OpenCV's numbers of flips by EXIF orientations, those after a transposition among them."""
_SIDEWAYS = (5, 6, 7, 8)
"""EXIF orientations that swap width and height."""


class Orientation(NamedTuple):
    """An image's header.

    Attributes:
        width: of the pixels as they are stored.
        height: of the pixels as they are stored.
        exif: 1 as stored, 2 mirrored, 3 upside down, 4 flipped, 5 to 8 turned by a quarter.
        kind: of the file, as Pillow names it: ``JPEG``, ``PNG`` …
    """

    width: int
    height: int
    exif: int
    kind: str = ""

    @property
    def shown_size(self) -> tuple[int, int]:
        """Width and height of the image as it is shown."""
        size = (self.width, self.height)
        return size[::-1] if self.exif in _SIDEWAYS else size


def read_orientation(source: Path | BytesIO) -> Orientation | None:
    """The orientation of an image file, from its first bytes; None if it cannot be read."""
    try:
        return read_header(source)
    except OSError:
        return None


def read_header(source: Path | BytesIO) -> Orientation:
    """The same, from its first bytes; what lies before them is left aside.

    Raises:
        OSError: it cannot be read, or is not an image.
    """
    try:
        return _header(source)
    except OSError:
        content = _content(source)
        image = without_stray_bytes(content)
        if image is content:
            raise
        return _header(BytesIO(image))


def _header(source: Path | BytesIO) -> Orientation:
    try:
        with warnings.catch_warnings(action="ignore"), opened(source) as image:
            exif = exif_orientation(image, lambda: _content(source))
            width, height = image.size
            if image.format == "TIFF" and exif in _SIDEWAYS:  # Pillow has turned its size already
                width, height = height, width
            return Orientation(width, height, exif, str(image.format))
    except OSError:
        raise
    except Exception as error:  # Pillow's readers of damaged files raise what they like
        raise OSError(str(error)) from None


def _content(source: Path | BytesIO) -> bytes:
    return source.getvalue() if isinstance(source, BytesIO) else source.read_bytes()


def turned_upright(image: np.ndarray, exif: int) -> np.ndarray:
    """An image as stored (height, width, 3), turned by its EXIF orientation."""
    turned = cv2.transpose(image) if exif in _SIDEWAYS else image
    return cv2.flip(turned, _FLIPS[exif]) if exif in _FLIPS else turned


def turn_boxes(boxes: np.ndarray, orientation: Orientation) -> np.ndarray:
    """Boxes (N, 4) of the image as stored, x1 y1 x2 y2, as boxes of the image as shown."""
    width, height, exif, _ = orientation
    x1, y1, x2, y2 = boxes.T
    if exif in (2, 3, 7, 8):
        x1, x2 = width - x2, width - x1
    if exif in (3, 4, 6, 7):
        y1, y2 = height - y2, height - y1
    if exif in _SIDEWAYS:
        x1, y1, x2, y2 = y1, x1, y2, x2
    return np.stack((x1, y1, x2, y2), axis=1)
