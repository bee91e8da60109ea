"""Conversion of an upload's bytes to pixels, and back to a file."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from io import BytesIO

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError
from starlette.exceptions import HTTPException

from maskdet.images.decoding import DecodedImage, ImageError, decode_with_damage
from maskdet.images.kinds import is_heif, without_stray_bytes
from maskdet.images.pillow_files import register_heif
from maskdet.web.request_limits import MEGA

# Our own limit is checked on the same header; Pillow's note would only fill the terminal.
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
register_heif()

MAX_PIXELS = 175 * MEGA
"""No limit can be higher: Pillow and OpenCV refuse larger pictures by themselves."""


@dataclass(frozen=True)
class Kind:
    """A kind of picture file."""

    suffix: str
    media_type: str


PNG = Kind(".png", "image/png")
JPEG = Kind(".jpg", "image/jpeg")
WEBP = Kind(".webp", "image/webp")
_START_OF_SCAN, _MAX_SCANS = b"\xff\xda", 200  # a progressive JPEG has about ten
_KINDS = {"PNG": PNG, "JPEG": JPEG, "MPO": JPEG, "WEBP": WEBP}  # MPO: a JPEG with more behind it
_PHONE_KINDS = {"HEIF": JPEG, "AVIF": JPEG}
"""Kinds that Pillow decodes; an annotated picture of them is a JPEG, which every browser shows."""
_FORMATS = ("PNG", "JPEG", "WEBP", *_PHONE_KINDS)


def decode(data: bytes, name: str, max_pixels: int) -> tuple[DecodedImage, Kind]:
    """A picture, turned by its EXIF data, with what is wrong with its file; and its kind.

    The kind is read off the content; what name and sender call it does not matter. That of a HEIC
    or AVIF file is JPEG: it is what such a picture is answered with.

    Args:
        data: a PNG, JPEG, WebP, HEIC or AVIF file.
        name: what messages call it.
        max_pixels: a picture that claims more is not decoded.

    Raises:
        HTTPException: 415 it is no such file, 413 it has too many pixels, 400 it is damaged or
            empty.
    """
    if not data:
        raise HTTPException(400, f"{name}: an empty file (0 bytes); save or copy it again")
    data = without_stray_bytes(data)
    kind = _check(data, name, max_pixels)
    try:
        return decode_with_damage(data), kind
    except ImageError:
        raise _broken(name) from None


def claimed_pixels(data: bytes) -> int:
    """Pixels of an image, by its header; 0 where `decode` raises."""
    try:
        with Image.open(BytesIO(without_stray_bytes(data)), formats=_FORMATS) as image:
            return image.width * image.height
    except Exception:  # whatever a decoder makes of hostile bytes
        return 0


def encode(image: np.ndarray, kind: Kind) -> bytes:
    """A picture (BGR uint8, height, width, 3) as a file of that kind."""
    return cv2.imencode(kind.suffix, image)[1].tobytes()


def _check(data: bytes, name: str, max_pixels: int) -> Kind:
    """Looks at the header, then whether the file is whole; returns its kind."""
    too_large = HTTPException(
        413, f"{name}: more than {max_pixels / MEGA:g} million pixels; make it smaller"
    )
    try:
        with Image.open(BytesIO(data), formats=_FORMATS) as image:
            if image.width * image.height > max_pixels:
                raise too_large
            if image.format in _PHONE_KINDS:
                return _PHONE_KINDS[image.format]
            kind = _KINDS[str(image.format)]
            _check_scans(image, kind, data)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise too_large from None
    except UnidentifiedImageError:
        if _begins_well(data):
            raise _broken(name) from None
        raise HTTPException(
            415, f"{name}: not a PNG, JPEG, WebP, HEIC or AVIF picture; convert it to one of them"
        ) from None
    except HTTPException:
        raise
    except Exception:  # whatever a decoder makes of hostile bytes
        raise _broken(name) from None
    return kind


def _check_scans(image: Image.Image, kind: Kind, data: bytes) -> None:
    """Raises if the file is cut short, which OpenCV fills up with gray and lets pass.

    PNG: the chunks' checksums. JPEG: decoded at an eighth of its size, unless it has so many scans
    that it can only have been made to keep a decoder busy. A cut WebP is refused by OpenCV.
    """
    if kind is PNG:
        image.verify()
    elif kind is JPEG:
        if data.count(_START_OF_SCAN) > _MAX_SCANS:
            raise ValueError("too many scans")
        image.draft("L", (1, 1))
        image.load()


def _begins_well(data: bytes) -> bool:
    """Whether the first bytes are those of a file that is read."""
    is_webp = data.startswith(b"RIFF") and data[8:12] == b"WEBP"
    return is_webp or is_heif(data) or data.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"))


def _broken(name: str) -> HTTPException:
    return HTTPException(400, f"{name}: damaged or cut short; send it again")
