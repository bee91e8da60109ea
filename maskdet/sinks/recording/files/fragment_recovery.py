"""Recovery of a video that was cut off: its whole fragments, by the file's frame.

Both formats are rows of parts that have their own length, which is all that is read here: MP4's
boxes (ISO/IEC 14496-12) and Matroska's elements (RFC 8794, RFC 9559).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

_SEGMENT, _CLUSTER = 0x18538067, 0x1F43B675


def playable_bytes(path: Path, suffix: str) -> int:
    """The length of a recording up to the end of its last whole fragment; 0 if it has none.

    Args:
        path: the file.
        suffix: ``.mp4`` or ``.mkv``: what it is, whatever it is called now.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        return _of_mp4(file, size) if suffix == ".mp4" else _of_mkv(file, size)


def _of_mp4(file: BinaryIO, size: int) -> int:
    at = whole = 0
    while at + 8 <= size:
        file.seek(at)
        head = file.read(16)
        length, kind = int.from_bytes(head[:4]), head[4:8]
        if length == 1:  # the real one, of 64 bits, follows
            length = int.from_bytes(head[8:16])
        if length < 8:
            break
        at += length
        if kind == b"mdat" and at <= size:
            whole = at
    return whole


def _of_mkv(file: BinaryIO, size: int) -> int:
    at = whole = 0
    while at < size:
        file.seek(at)
        head = file.read(12)
        number_length = _vint_length(head, 4)
        value_length = _vint_length(head[number_length:], 8)
        if not number_length or not value_length:
            break
        number = int.from_bytes(head[:number_length])
        at += number_length + value_length
        if number == _SEGMENT:  # the parts lie in it
            continue
        mask = (1 << 7 * value_length) - 1
        length = int.from_bytes(head[number_length : number_length + value_length]) & mask
        if length == mask:  # of unknown length: up to the end
            break
        at += length
        if number == _CLUSTER and at <= size:
            whole = at
    return whole


def _vint_length(head: bytes, most: int) -> int:
    """Bytes of a number of variable length, by its first bits; 0 if it is cut or wrong."""
    length = 9 - head[0].bit_length() if head and head[0] else 0
    return length if length <= min(most, len(head)) else 0
