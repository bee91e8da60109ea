"""Image files of every kind, small and made here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image
from pillow_heif import register_heif_opener

register_heif_opener()

FORMATS = {
    **dict.fromkeys((".jpg", ".jpeg", ".jpe", ".jfif", ".JFIF", ".pjpeg"), "JPEG"),
    **dict.fromkeys((".heic", ".heif", ".hif"), "HEIF"),
    **dict.fromkeys((".tif", ".tiff"), "TIFF"),
    **{".png": "PNG", ".bmp": "BMP", ".webp": "WEBP", ".avif": "AVIF", ".gif": "GIF"},
    **{".jp2": "JPEG2000", ".ppm": "PPM"},
}


def two_halves(width: int = 64, height: int = 48) -> Image.Image:
    """Red, its left half blue."""
    image = Image.new("RGB", (width, height), (200, 30, 30))
    image.paste((30, 30, 200), (0, 0, width // 2, height))
    return image


def write_image(path: Path, format: str | None = None, **options: Any) -> Path:
    """Writes `two_halves` as its ending says, or as another format."""
    two_halves().save(path, format or FORMATS[path.suffix], **options)
    return path


def damaged(jpeg: bytes) -> bytes:
    """A JPEG of which 600 bytes in the middle are missing."""
    middle = len(jpeg) // 2
    return jpeg[:middle] + jpeg[middle + 600 :]


def write_frames(path: Path, count: int = 5, **options: Any) -> Path:
    """Writes an image of several frames or pages, gray: 20, 50, 80 …"""
    first, *others = (Image.new("RGB", (32, 24), (20 + 30 * i,) * 3) for i in range(count))
    first.save(path, FORMATS[path.suffix], save_all=True, append_images=others, **options)
    return path


def panned(moment: int, height: int = 48) -> np.ndarray:
    """A gray blurred pattern, 64 wide, that moves by four pixels each moment, 80 at most."""
    pattern = np.random.default_rng(0).integers(0, 255, (height, 400), np.uint8)
    pattern = cv2.GaussianBlur(pattern, (0, 0), 3)
    pattern = cv2.normalize(pattern, None, 0, 255, cv2.NORM_MINMAX)  # type: ignore[call-overload]
    return cv2.cvtColor(pattern[:, 4 * moment : 4 * moment + 64], cv2.COLOR_GRAY2BGR)


def torn(moment: int, height: int = 480) -> np.ndarray:
    """The even lines of one moment and the odd ones of the next, as interlaced video has them."""
    image = panned(moment, height)
    image[1::2] = panned(moment + 1, height)[1::2]
    return image
