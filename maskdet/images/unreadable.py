"""Why a file is not read as an image: what it is by its first bytes, and what to do with it."""

from __future__ import annotations

import re
from typing import Literal

from maskdet.images.kinds import HEADER_BYTES, TIFF_STARTS, is_heif, kind_of_content

_SAVE = "which is not read here; save it as JPEG or PNG"
_UNPACK = "unpack it"
_OTHER_IMAGES = {
    b"\xff\x0a": "JPEG XL",
    b"\0\0\0\x0cJXL ": "JPEG XL",
    b"II\xbc": "JPEG XR",
    b"BPG\xfb": "BPG",
    b"8BPS": "a Photoshop file",
    b"%PDF": "a PDF",
    b"%!PS": "PostScript",
    b"v/1\x01": "OpenEXR",
    b"PF\n": "a floating-point image (PFM)",
    b"Pf\n": "a floating-point image (PFM)",
    b"SIMPLE  =": "a FITS image",
    b"\0\0\1\0": "an icon",
    b"icns": "an icon",
    b"DDS ": "a texture (DDS)",
    b"qoif": "QOI",
    b"\x01\xda": "an SGI image",
    b"P7\n": "a PAM image",
    b"\xd7\xcd\xc6\x9a": "a Windows metafile",
    b"FUJIFILMCCD-RAW": "a camera's raw file",
    b"FOVb": "a camera's raw file",
    b"IIU\0": "a camera's raw file",
    b"IIRO": "a camera's raw file",
}
"""Images that are not read, by their first bytes."""
_NO_IMAGES = {
    b"version https://git-lfs": "a pointer of Git LFS; run git lfs pull",
    b"\0\5\x16\7": "a note of macOS about another file, no picture or video; leave it out",
    b"PK\3\4": f"a zip archive, or an office document, no picture or video; {_UNPACK}",
    b"\x1f\x8b": f"a gzip archive, no picture or video; {_UNPACK}",
    b"Rar!": f"a RAR archive, no picture or video; {_UNPACK}",
    b"7z\xbc\xaf\x27\x1c": f"a 7z archive, no picture or video; {_UNPACK}",
    b"\xd0\xcf\x11\xe0": "an office document, no picture or video; save its pictures alone",
    b"SQLite format 3": "a database (SQLite), no picture or video",
    b"\x93NUMPY": "an array of NumPy, no picture or video; save it as PNG",
    b"\x7fELF": "a program, no picture or video",
    b"MZ": "a program, no picture or video",
    b"ID3": "a sound file, no picture or video",
}
"""What is not an image at all, by its first bytes."""
_DICOM_AT = 128
_SVG = re.compile(
    rb"\s*(<\?xml[^>]*\?>\s*)?(<!--.*?-->\s*)*(<!DOCTYPE svg[^>]*>\s*)?<svg", re.DOTALL
)
_HTML = re.compile(
    rb"\s*(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body)", re.DOTALL | re.IGNORECASE
)
_JSON = re.compile(r"[{\[]\s*[\"{\[]")
_UTF8_MARK, _UTF16_MARKS = b"\xef\xbb\xbf", (b"\xff\xfe", b"\xfe\xff")
_DOWNLOAD = "no picture or video, as servers send it instead of one; download the file itself"

_ADOBE, _LS, _LOSSLESS = 0xEE, 0xF7, (0xC3, 0xC7, 0xCB, 0xCF)
_FRAMES = (*(marker for marker in range(0xC0, 0xD0) if marker not in (0xC4, 0xC8, 0xCC)), _LS)
"""Markers of JPEG that begin its pixels."""
_BITS, _COMPRESSION, _SAMPLE_FORMAT = 258, 259, 339
_FLOATS = 3
_COMPRESSIONS = {34712: "JPEG 2000", 34925: "LZMA", 50000: "Zstandard", 50001: "WebP"}
_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 6: 1, 7: 1, 8: 2, 9: 4}
"""Bytes of a value of each type of TIFF's tags that is a whole number."""


def reason(data: bytes) -> str:
    """The kind of a file that could not be decoded, and what to do; goes on after its name.

    Args:
        data: its content.
    """
    if not data:
        return "is empty (0 bytes); copy it again"
    head = data[:HEADER_BYTES]
    if kind_of_content(head) == "video":
        return "is a video, not a picture"
    if kind := unread_image(head) or other_file(head):
        return f"is {kind}"
    if not head.strip(b"\0"):
        return "begins with nothing but zeros, as a copy that was broken off; copy it again"
    if is_lossless_jpeg(data):
        return f"is a lossless JPEG, {_SAVE}"
    if kind := _odd_tiff(data):
        return f"is a TIFF {kind}, {_SAVE}"
    if is_heif(data) or kind_of_content(head) == "image":
        return "is broken or cut short; copy it again"
    return "is not a picture of a known kind, or broken; save it as JPEG, or copy it again"


def unread_image(head: bytes) -> str | None:
    """The kind of an image that is not read here, and what to do; None: it is none that is known.

    Args:
        head: its first `HEADER_BYTES`.
    """
    kind = _other_image(head)
    return f"{kind}, {_SAVE}" if kind else None


def other_file(head: bytes) -> str | None:
    """The kind of a file that is neither image nor video, and what to do; None where not known.

    Args:
        head: its first `HEADER_BYTES`.
    """
    found = next((kind for start, kind in _NO_IMAGES.items() if head.startswith(start)), None)
    return found or _text(head[:HEADER_BYTES])


def is_lossless_jpeg(data: bytes) -> bool:
    """Whether a JPEG is a lossless one that does not name its colors in Adobe's way, or JPEG-LS.

    libjpeg takes those for red, green and blue; FFmpeg writes brightness and color differences.
    """
    at, names_colors = 2, False
    while data.startswith(b"\xff\xd8") and data[at : at + 1] == b"\xff":
        marker = data[at + 1]
        if marker in _FRAMES:
            return marker == _LS or (marker in _LOSSLESS and not names_colors)
        names_colors |= marker == _ADOBE
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return False


def tiff_tags(data: bytes) -> dict[int, int]:
    """The first value of each tag of a TIFF's first image, of those that are whole numbers."""
    if not data.startswith(TIFF_STARTS):
        return {}
    order: Literal["little", "big"] = "little" if data.startswith(b"I") else "big"
    word, digits = (8, 8) if b"+" in data[:4] else (4, 2)  # bytes of a place, and of a number

    def read(at: int, size: int) -> int:
        return int.from_bytes(data[at : at + size], order)

    at = read(word, word)
    tags = {}
    for start in range(at + digits, at + digits + (4 + 2 * word) * read(at, digits), 4 + 2 * word):
        tag, size, place = read(start, 2), _TYPE_BYTES.get(read(start + 2, 2), 0), start + 4 + word
        if place >= len(data):
            break
        if size * read(start + 4, word) > word:  # elsewhere, where it does not fit in here
            place = read(place, word)
        if size:
            tags[tag] = read(place, size)
    return tags


def _other_image(head: bytes) -> str | None:
    """The name of a kind of image that is not read here."""
    if head[4:12] == b"ftypcrx ":
        return "a camera's raw file"
    if head[_DICOM_AT : _DICOM_AT + 4] == b"DICM":
        return "a DICOM file"
    if _SVG.match(head.removeprefix(_UTF8_MARK)):
        return "SVG"
    return next((name for start, name in _OTHER_IMAGES.items() if head.startswith(start)), None)


def _text(head: bytes) -> str | None:
    """The kind of a text, and what to do; None where it is none."""
    encoding = "utf-16" if head.startswith(_UTF16_MARKS) else "utf-8"
    text = head.decode(encoding, "replace").rstrip("\ufffd")  # the last character may be cut
    text = text.lstrip("\ufeff").strip()
    if not text or not all(c in "\r\n\t\f" or c.isprintable() and c != "\ufffd" for c in text):
        return None
    if _HTML.match(text.encode()):
        return f"a web page, {_DOWNLOAD}"
    if text.startswith("<?xml") or _JSON.match(text):
        return f"{'XML' if text.startswith('<') else 'JSON'}, {_DOWNLOAD}"
    return (
        "a text, no picture or video, whatever its name ends in; if it lists files, name these or "
        "their folder"
    )


def _odd_tiff(data: bytes) -> str | None:
    """The unusual property of a TIFF; None if it has none, or is not a TIFF."""
    tags = tiff_tags(data)
    if compression := _COMPRESSIONS.get(tags.get(_COMPRESSION, 1)):
        return f"compressed by {compression}"
    if tags.get(_SAMPLE_FORMAT) == _FLOATS:
        return "of floating-point values"
    bits = tags.get(_BITS, 1)
    return f"of {bits} bits a value" if bits > 16 else None
