"""Decoding of image files and of bytes to pixels: the one place that decodes what users give."""

from __future__ import annotations

import os
import warnings
import zlib
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", "200000000")  # as in maskdet/__init__.py

import cv2
import numpy as np

from maskdet.errors import reason_of
from maskdet.images.damage import damage_of
from maskdet.images.kinds import JPEG, JPEG_END, TIFF_STARTS, is_heif, without_stray_bytes
from maskdet.images.orientation import turned_upright
from maskdet.images.pillow_files import exif_orientation, in_rgb, opened, properties
from maskdet.images.unreadable import is_lossless_jpeg, reason, tiff_tags
from maskdet.system.native_libraries import silent_stderr, with_messages

cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)

MAX_PIXELS = int(os.environ["OPENCV_IO_MAX_IMAGE_PIXELS"])
"""A larger image is refused before it is decoded; OpenCV obeys the same variable."""

_NEW_SUBFILE_TYPE, _DNG_VERSION = 254, 50706
"""Tags of TIFF, whether an image is a preview; the version of DNG."""
_MISREAD = (b"PF\n", b"Pf\n", b"P7\n")
"""A PFM, of whose shares of 1 OpenCV makes whole numbers: all is black; a PAM: red is blue."""
_DARK = 65
"""An image whose brightest value is lower may have its values in the lower bits."""
_PNG = b"\x89PNG\r\n\x1a\n"
_FURTHER_BYTES = b"\x5a\xc3" * 64
"""Bits of any pixels, of which a JPEG that is whole has no need."""
_DAMAGE = ("Corrupt JPEG data", "Premature end of JPEG")
"""Starts of what libjpeg writes to stderr where it goes on with a damaged file."""


class ImageError(ValueError):
    """An image that cannot be read; the message goes on after the file's name."""


class DecodedImage(NamedTuple):
    """An image, and what is wrong with its file.

    Attributes:
        image: BGR uint8 (height, width, 3), turned as its EXIF data state.
        damage: libjpeg's message where a JPEG is damaged within, or the part of another file that
            is missing, where the rest was decoded nevertheless; empty: none is known.
    """

    image: np.ndarray
    damage: str


def read_image(path: str | Path) -> np.ndarray:
    """An image file as BGR uint8 (height, width, 3), turned as its EXIF data state.

    Raises:
        ImageError: it is not an image, is broken, or has more than `MAX_PIXELS`.
    """
    return decode_image(_content(path))


def read_with_damage(path: str | Path) -> DecodedImage:
    """The same, and what is wrong with the file.

    Raises:
        ImageError: as above.
    """
    return decode_with_damage(_content(path))


def _content(path: str | Path) -> bytes:
    """Python opens a file: OpenCV fails on some names, and crashes on those that are not UTF-8."""
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ImageError(f"cannot be read: {reason_of(error)}") from None


def decode_with_damage(data: bytes) -> DecodedImage:
    """An encoded image, and whether it is damaged; see `decode_image`.

    OpenCV returns what libjpeg made of a damaged file, without a word; libjpeg writes a line to
    stderr, of which this takes hold.
    """
    data = without_stray_bytes(data)
    if not data.startswith(JPEG):
        return DecodedImage(decode_image(data), damage_of(data))
    try:
        image, message = with_messages(partial(_decoded, data, upright=True), _DAMAGE)
        return DecodedImage(image, damage_of(data) or message)
    except ImageError as error:
        return DecodedImage(_without_its_end(data, error, upright=True), "")


def decode_image(data: bytes, *, upright: bool = True) -> np.ndarray:
    """An encoded image as BGR uint8 (height, width, 3).

    Args:
        data: the content of an image file.
        upright: turned as its EXIF data state; False: as its pixels are stored.

    Raises:
        ImageError: it is not an image, is broken, or has more than `MAX_PIXELS`.
    """
    if not data:
        raise ImageError(reason(data))
    data = without_stray_bytes(data)
    try:
        return _decoded(data, upright=upright)
    except ImageError as error:
        return _without_its_end(data, error, upright=upright)


def _without_its_end(data: bytes, error: ImageError, *, upright: bool) -> np.ndarray:
    """A JPEG that lacks nothing but the two bytes of its end, as some cameras write it.

    It is whole where further bytes change no pixel.

    Raises:
        ImageError: `error`, where it is anything else.
    """
    if not data.startswith(JPEG) or data.endswith(JPEG_END):
        raise error
    begin = data.removesuffix(JPEG_END[:1])
    with silent_stderr():
        image = _decoded(begin + JPEG_END, upright=upright)
        other = _decoded(begin + _FURTHER_BYTES + JPEG_END, upright=upright)
    if not np.array_equal(image, other):
        raise error
    return image


def _decoded(data: bytes, *, upright: bool) -> np.ndarray:
    """The same as `decode_image`, of a file that is as it should be."""
    if data.startswith(_PNG) and not _is_whole_png(data):
        raise ImageError("is broken or cut short; copy it again")
    if is_heif(data):
        return _by_pillow(data, upright)
    if _is_raw(data):
        raise ImageError("is a camera's raw file; export it as JPEG")
    if data.startswith(_MISREAD) or is_lossless_jpeg(data):
        raise ImageError(reason(data))
    is_for_pillow, exif = properties(data)
    if is_for_pillow and (image := _by_pillow(data, upright)).max() >= _DARK:
        return image
    image = _by_opencv(data)
    return turned_upright(image, exif) if upright and not data.startswith(TIFF_STARTS) else image


def _by_opencv(data: bytes) -> np.ndarray:
    """An image as its pixels are stored; that of a TIFF is turned all the same.

    Raises:
        ImageError: it is not an image, is broken, or has more than `MAX_PIXELS`.
    """
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        if "MAX_IMAGE" in str(error):
            raise _too_large() from None
        image = None
    if image is None:
        raise ImageError(reason(data))
    image = as_bgr(image)
    if image.max() < _DARK and (shown := _of_fewer_bits(data, flags)) is not None:
        return shown
    return image


def as_bgr(image: np.ndarray) -> np.ndarray:
    """Any image that OpenCV decodes, as BGR uint8 (height, width, 3)."""
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    channels = 1 if image.ndim == 2 else image.shape[2]
    if channels == 3:
        return image
    return cv2.cvtColor(image, cv2.COLOR_GRAY2BGR if channels == 1 else cv2.COLOR_BGRA2BGR)


def _of_fewer_bits(data: bytes, flags: int) -> np.ndarray | None:
    """An image of 16 bits of which a camera fills 10, 12 or 14, as one of 8; None: it is another.

    By its upper half, as OpenCV reads it, it would be black or nearly so.
    """
    image = cv2.imdecode(np.frombuffer(data, np.uint8), flags | cv2.IMREAD_ANYDEPTH)
    if image is None or image.dtype != np.uint16:
        return None
    return as_bgr(eight_bits(image))


def eight_bits(image: np.ndarray) -> np.ndarray:
    """An image of 16 bits, of which a camera may fill 10, 12 or 14, as uint8."""
    brightest = int(image.max())
    bits = 16 if brightest >> 8 >= _DARK else brightest.bit_length()
    return np.right_shift(image, max(0, bits + bits % 2 - 8)).astype(np.uint8)


def _by_pillow(data: bytes, upright: bool) -> np.ndarray:
    """An image that OpenCV does not read, or not as it is meant.

    Raises:
        ImageError: it is broken, or has more than `MAX_PIXELS`.
    """
    from PIL import Image

    try:
        with (
            warnings.catch_warnings(action="ignore"),
            silent_stderr(),  # of libtiff
            opened(BytesIO(data)) as image,
        ):
            if image.width * image.height > MAX_PIXELS:
                raise _too_large()
            exif = exif_orientation(image, lambda: data) if image.format != "TIFF" else 1
            pixels = np.ascontiguousarray(np.asarray(in_rgb(image))[:, :, ::-1])
            return turned_upright(pixels, exif) if upright else pixels
    except Image.DecompressionBombError:
        raise _too_large() from None
    except ImageError:
        raise
    except Exception:  # Pillow's readers of damaged files raise what they like
        raise ImageError(reason(data)) from None


def _is_raw(data: bytes) -> bool:
    """Whether a TIFF is a camera's raw file (DNG, NEF, CR2 …): OpenCV would take its preview."""
    tags = tiff_tags(data)
    is_preview = tags.get(_NEW_SUBFILE_TYPE, 0) & 1
    return bool(tags) and (bool(is_preview) or _DNG_VERSION in tags or data[8:10] == b"CR")


def _too_large() -> ImageError:
    return ImageError(f"has more than {MAX_PIXELS // 1_000_000} million pixels; make it smaller")


def _is_whole_png(data: bytes) -> bool:
    """Whether every chunk is there and unharmed; libpng would write to stderr on its own."""
    at = len(_PNG)
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4])
        if int.from_bytes(data[end : end + 4]) != zlib.crc32(data[at + 4 : end]):
            return False
        if data[at + 4 : at + 8] == b"IEND":
            return True
        at = end + 4
    return False
