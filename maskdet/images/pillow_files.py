"""Image files as Pillow opens them: their EXIF orientation, and what is transparent in them."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    from PIL.Image import Image

_ORIENTATION = 0x0112
_XMP = ("XML:com.adobe.xmp", "xmp")
"""Pillow's names of XMP, where an orientation may stand, too. Hardly a program turns by it."""
_PNG_MARKS = (b"eXIf", b"Raw profile type ")
"""One of them is in each PNG with EXIF data. To search for these, Pillow decodes all of it."""
_EXIF_BOX = re.compile(
    rb"uuid(?:JpgTiffExif->JP2|\x05\x37\xcd\xab\x9d\x0c\x44\x31\xa7\x2a\xfa\x56\x1f\x2a\x11\x3e)"
    rb"(?=II\*\0|MM\0\*)"
)
"""What EXIF data follow in JPEG 2000, as exiftool and Adobe's programs write them."""

_VISIBLE = 8
"""Opacity from 0 to 255 below which nothing is seen; a lossy file has no plain 0."""
_OPENCV_KINDS = ("JPEG", "PNG", "GIF", "BMP", "PPM", "WEBP", "TIFF", "JPEG2000")
"""Kinds that OpenCV decodes."""


@cache
def register_heif() -> None:
    """Has Pillow open HEIC files, too; AVIF it opens without help."""
    from pillow_heif import register_heif_opener

    register_heif_opener()


@contextmanager
def opened(source: str | Path | BinaryIO, kinds: tuple[str, ...] | None = None) -> Iterator[Image]:
    """An image file, whose pixels are not decoded yet.

    Args:
        source: the file.
        kinds: Pillow's names of those that it may be, the quickest to open first; None: any.

    Raises:
        Exception: Pillow's readers of damaged files raise what they like.
    """
    from PIL import Image

    if kinds is None or "HEIF" in kinds:
        register_heif()
    with warnings.catch_warnings(action="ignore"):
        image: Any = Image.open(source, formats=kinds)
    image.filename = ""  # of a file with a name, Pillow maps some kinds, whose turn it mistakes
    forget_xmp(image)
    with image:
        yield image


def forget_xmp(image: Image) -> None:
    """Has Pillow turn an image, or a page of it, by EXIF data alone."""
    for name in _XMP:
        image.info.pop(name, None)


def exif_orientation(image: Image, content: Callable[[], bytes]) -> int:
    """1 as stored, 2 mirrored, 3 upside down, 4 flipped, 5 to 8 turned by a quarter.

    Args:
        image: as `opened` gives it.
        content: gives all bytes of its file.
    """
    if image.format == "PNG" and not any(mark in content() for mark in _PNG_MARKS):
        return 1
    exif = image.getexif()
    if image.format == "JPEG2000" and (box := _EXIF_BOX.search(data := content())):
        exif.load(b"Exif\0\0" + data[box.end() :])
    found = exif.get(_ORIENTATION, 1)
    return found if found in range(1, 9) else 1


def in_rgb(image: Image) -> Image:
    """An image in RGB: in white where it is transparent, else in its own colors.

    What lies behind transparency depends on the program that wrote it: black, or what was there
    before. An image that is transparent all over has its colors.
    """
    if not image.has_transparency_data:
        return image.convert("RGB")
    with_alpha = image.convert("RGBA")
    colors, alpha = with_alpha.convert("RGB"), with_alpha.getchannel("A")
    hidden = alpha.point([255] * _VISIBLE + [0] * (256 - _VISIBLE))
    if any(alpha.histogram()[_VISIBLE:]):
        colors.paste("white", mask=hidden)
    return colors


def properties(data: bytes) -> tuple[bool, int]:
    """Whether Pillow is to decode an image that OpenCV decodes, too; its EXIF orientation.

    OpenCV does not mind transparency, and mistakes brightness and color differences in JPEG 2000.
    """
    if data.startswith(b"\xff\xd8") and b"Exif\0" not in data:  # as of cameras, often a second
        return False, 1
    try:
        with (
            warnings.catch_warnings(action="ignore"),
            opened(BytesIO(data), _OPENCV_KINDS) as image,
        ):
            is_jpeg_2000 = image.format == "JPEG2000" and not _is_signed(data)
            is_better = is_jpeg_2000 or image.has_transparency_data
            is_wide = image.mode.startswith("I")  # gray of 16 bits, of which Pillow makes white
            return is_better and not is_wide, exif_orientation(image, lambda: data)
    except Exception:  # one that OpenCV alone reads, or none
        return False, 1


def _is_signed(data: bytes) -> bool:
    """Whether the values of a JPEG 2000 may be negative: neither library knows what is black."""
    sizes = data.find(b"\xff\x4f\xff\x51")
    return bool(data[sizes + 42] & 0x80)
