"""Damage of image files that are decoded all the same, without a message: what is not there."""

from __future__ import annotations

from typing import Literal

from maskdet.images.kinds import JPEG, JPEG_END, TIFF_STARTS, is_heif

_MIN_ZEROS = 1024
"""Zero bytes at the end of compressed data, which these never have, of a copy that was broken off:
many programs give a file its whole size first."""
_MAX_PAGES = 100_000


def damage_of(data: bytes) -> str:
    """The part of an image file that is missing; empty: none is known to be.

    Args:
        data: its content.
    """
    if data.startswith(TIFF_STARTS):
        return _missing_page(data)
    is_webp = data.startswith(b"RIFF") and data[8:12] == b"WEBP"
    is_jpeg = data.startswith(JPEG)
    if not is_webp and not is_jpeg and not is_heif(data):
        return ""
    image = data[: 8 + int.from_bytes(data[4:8], "little")] if is_webp else data
    written = image.rstrip(b"\0")
    if is_jpeg and written.endswith(JPEG_END):  # whole: zeros may follow its end
        return ""
    zeros = len(image) - len(written)
    return f"its last {zeros} bytes are zeros" if zeros >= _MIN_ZEROS else ""


def _missing_page(data: bytes) -> str:
    """The first page of a TIFF that is not in the file, though the one before names its place."""
    order: Literal["little", "big"] = "little" if data.startswith(b"I") else "big"
    word, digits = (8, 8) if b"+" in data[:4] else (4, 2)  # bytes of a place, and of a number
    at = int.from_bytes(data[word : 2 * word], order)
    for page in range(1, _MAX_PAGES):
        count = int.from_bytes(data[at : at + digits], order)
        after = at + digits + count * (4 + 2 * word)
        if not count or after + word > len(data):
            return f"its page {page} is missing"
        at = int.from_bytes(data[after : after + word], order)
        if not at:
            break
    return ""
