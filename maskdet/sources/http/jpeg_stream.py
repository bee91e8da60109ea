"""JPEG images out of a stream of bytes, by their own structure.

Network cameras wrap them as they like: a boundary with dashes or without, none before the first
image, a length or none, a wrong one, or no header at all. A JPEG marks its own end.
"""

from __future__ import annotations

import re

MAX_BYTES = 64 << 20
"""A larger image is none; what was read of it is thrown away."""

_START = b"\xff\xd8\xff"
# Inside compressed data ff is followed by 00, or by a restart marker d0 to d7.
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_END, _SCAN, _AGAIN = 0xD9, 0xDA, 0xD8
_ALONE = (0x01, *range(0xD0, 0xD8))  # markers without a length
_MAX_UNENDED = 3


class JpegStream:
    """Takes bytes as they come, gives whole images.

    An image that breaks off (a new one begins in it) is left out, unless several in a row do:
    some cameras write no end.

    Attributes:
        broken: how many were left out.
    """

    def __init__(self) -> None:
        self.broken = 0
        self._data = bytearray()
        self._at = 0  # how far the image at the beginning of the data was followed
        self._in_scan = False
        self._without_end = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The images that end in these bytes."""
        self._data += data
        images = []
        while (found := self._next()) is not None:
            images.append(found)
        if len(self._data) > MAX_BYTES:
            self._drop(len(self._data))
        return images

    def _next(self) -> bytes | None:
        while True:
            if self._at == 0 and not self._find_start():
                return None
            marker = self._follow()
            if marker is None:
                return None
            if marker == _END:
                self._without_end = 0
                return self._take(self._at)
            self._without_end += 1  # a new image began, or what followed is not a JPEG
            if marker == _AGAIN and self._without_end >= _MAX_UNENDED:
                return self._take(self._at) + b"\xff\xd9"
            self.broken += 1
            self._drop(self._at if marker == _AGAIN else len(_START) - 1)

    def _find_start(self) -> bool:
        start = self._data.find(_START)
        if start < 0:
            self._drop(max(0, len(self._data) - len(_START) + 1))
            return False
        self._drop(start)
        self._at, self._in_scan = 2, False
        return True

    def _follow(self) -> int | None:
        """Goes on from marker to marker: the end's, a new start's, 0 for nonsense; None: wait."""
        data = self._data
        while True:
            if self._in_scan:
                found = _MARKER.search(data, self._at)
                if found is None:
                    self._at = max(self._at, len(data) - 1)
                    return None
                self._at, self._in_scan = found.start(), False
            if self._at + 4 > len(data) and data[self._at + 1 : self._at + 2] != b"\xd9":
                return None
            marker = data[self._at + 1]
            if data[self._at] != 0xFF:
                return 0
            if marker == 0xFF:  # filling
                self._at += 1
            elif marker in _ALONE:
                self._at += 2
            elif marker == _END:
                self._at += 2
                return _END
            elif marker == _AGAIN:
                return _AGAIN
            else:
                length = int.from_bytes(data[self._at + 2 : self._at + 4], "big")
                if marker < 0xC0 or length < 2:
                    return 0
                if self._at + 2 + length > len(data):
                    return None
                self._at += 2 + length
                self._in_scan = marker == _SCAN

    def _take(self, end: int) -> bytes:
        image = bytes(self._data[:end])
        self._drop(end)
        return image

    def _drop(self, count: int) -> None:
        del self._data[:count]
        self._at, self._in_scan = 0, False
