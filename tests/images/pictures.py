"""Image files of every kind, small and made here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
