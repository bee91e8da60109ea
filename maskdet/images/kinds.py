"""The kind of a file by its first bytes: an image, a video, or neither."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

FileKind = Literal["image", "video", "other"]

IMAGE_SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".jfi", ".jif", ".pjpeg", ".pjp"),
    *(".png", ".apng", ".bmp", ".dib", ".tif", ".tiff", ".webp", ".gif", ".jp2"),
    *(".pbm", ".pgm", ".ppm", ".pnm", ".heic", ".heif", ".hif", ".heics", ".heifs"),
    *(".avif", ".avifs"),
)
"""Endings of the files that are read as images, whatever their content turns out to be."""
VIDEO_SUFFIXES = frozenset(
    (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".wmv", ".flv", ".mpg", ".mpeg", ".ts")
    + (".mts", ".m2ts", ".3gp", ".ogv", ".h264", ".h265", ".mjpeg", ".mjpg")
)
HEIF_BRANDS = (
    *(b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"),
    *(b"mif1", b"msf1", b"mif2", b"avif", b"avis"),
)
"""Major brands of HEIF files: photos of phones (HEIC) and AVIF."""
HEADER_BYTES = 512

TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
"""First bytes of TIFF, and of BigTIFF, in either order."""
JPEG = b"\xff\xd8\xff"
JPEG_END = b"\xff\xd9"
"""First and last bytes of a JPEG."""
_NEXT_JPEG = JPEG_END + JPEG
_MOTION_JPEG_BYTES = 8 << 20
_IMAGE_STARTS = (
    *(JPEG, b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a"),
    *TIFF_STARTS,
    *(b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"),  # JPEG 2000, and its codestream alone
)
_STRAY_STARTS = (JPEG, b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a")
_CONTAINERS = (
    *(b"ID3", b"PK", b"FUJIFILM", b"\xd0\xcf\x11\xe0", b"8BPS", b"%PDF", b"MZ", b"\x7fELF"),
    *(b"\0\0\1\0", b"icns"),
)
"""Starts of files that may hold a small image of something else near their beginning."""
_VIDEO_STARTS = (
    *(b"\x1aE\xdf\xa3", b"FLV\x01", b"\0\0\x01\xba", b"\0\0\x01\xb3"),
    *(b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", b"OggS\0"),
    *(b"\0\0\0\x01\x67", b"\0\0\0\x01\x27", b"\0\0\0\x01\x09", b"\0\0\0\x01\x40\x01"),
)
_BMP_HEADERS = (12, 16, 40, 52, 56, 64, 108, 124)
_NETPBM = re.compile(rb"P[1-6]\s+(?:#[^\n]*\n\s*)*\d+\s")
_TS_PACKETS = ((188, 0), (192, 4), (204, 0))
"""Bytes of a packet of an MPEG transport stream, and where its first byte, 0x47, lies."""


def kind_of_content(head: bytes) -> FileKind:
    """The kind of a file by its first `HEADER_BYTES`; ``other`` where these do not show it."""
    if head.startswith(_IMAGE_STARTS) or _is_bmp(head) or _NETPBM.match(head):
        return "image"
    if head[4:8] == b"ftyp" and len(head) >= 12:  # or nothing states which it is
        if head[8:12] == b"crx ":  # a raw file of Canon's
            return "other"
        return "image" if head[8:12] in HEIF_BRANDS else "video"
    if head.startswith(b"RIFF"):
        forms: dict[bytes, FileKind] = {b"WEBP": "image", b"AVI ": "video"}
        return forms.get(head[8:12], "other")
    if head.startswith(_VIDEO_STARTS) or head[4:8] in (b"moov", b"mdat", b"wide"):
        return "video"
    return "video" if _is_transport_stream(head) else "other"


def kind_of_file(path: str | Path) -> FileKind:
    """The kind of a file by its content; by its ending where the content does not show it.

    Motion JPEG has no header and begins as an image: it is a video by its ending, or
    where it has no image's ending and JPEG files one behind the other. A file that cannot be read
    is what its ending names.
    """
    suffix = Path(path).suffix.lower()
    try:
        with open(path, "rb") as file:
            head = file.read(HEADER_BYTES)
            if head.startswith(JPEG) and suffix not in IMAGE_SUFFIXES:
                is_video = suffix in VIDEO_SUFFIXES and suffix.startswith(".mj")
                rest = b"" if is_video else file.read(_MOTION_JPEG_BYTES)
                return "video" if is_video or rest.count(_NEXT_JPEG) >= 3 else "image"
    except OSError:
        head = b""
    kind = kind_of_content(head)
    if kind != "other":
        return kind
    if suffix in IMAGE_SUFFIXES:
        return "image"
    return "video" if suffix in VIDEO_SUFFIXES else "other"


def without_stray_bytes(data: bytes) -> bytes:
    """An image file without what lies before its first byte: a line break of a script, a header.

    Only where the file is of no other kind that is known, and a JPEG, PNG or GIF begins within its
    first `HEADER_BYTES`.
    """
    head = data[:HEADER_BYTES]
    if kind_of_content(head) != "other" or head.startswith(_CONTAINERS):
        return data
    places = [at for start in _STRAY_STARTS if (at := head.find(start)) > 0]
    return data[min(places) :] if places else data


def is_heif(data: bytes) -> bool:
    """Whether a file is HEIC or AVIF, by its first bytes."""
    return data[4:8] == b"ftyp" and data[8:12] in HEIF_BRANDS


def _is_bmp(head: bytes) -> bool:
    return head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADERS


def _is_transport_stream(head: bytes) -> bool:
    return any(head[at : at + 1] + head[at + size : at + size + 1] == b"GG"
               for size, at in _TS_PACKETS)  # fmt: skip
