"""The shape in which a decoded frame is meant to be seen: square pixels, the right way up."""

from __future__ import annotations

import struct
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import cv2
import numpy as np

from maskdet.errors import SourceError
from maskdet.images.decoding import MAX_PIXELS

if TYPE_CHECKING:
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_MAX_ASPECT = 4
"""A pixel's sides differ by no more than this factor; a header with more is wrong."""

_TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}

_MATRICES = {"90": (0, 1, -1, 0), "180": (-1, 0, 0, -1), "270": (0, -1, 1, 0)}
"""The first two rows of a display matrix by degrees clockwise."""


_MIN_FIELD_ASPECT = 2.2
"""Width of a field by its height: 2.7 or 3.6, where that of a frame is 4:3 or 16:9."""
_PQ = 16
"""FFmpeg's number of the curve of HDR10 (SMPTE ST 2084)."""
_PAPER_WHITE_NITS = 203.0
"""Of HDR video, as ITU-R BT.2408 has it."""
_KNEE = 0.8
"""Share of white from which brighter light is pressed together."""


def turned(image: np.ndarray, degrees: int) -> np.ndarray:
    """An image (height, width, 3) turned clockwise by 0, 90, 180 or 270 degrees."""
    return cv2.rotate(image, _TURNS[degrees]) if degrees else image


def square_size(width: int, height: int, aspect: Fraction | float | None) -> tuple[int, int]:
    """Width and height with square pixels: the side that is too short becomes longer.

    Args:
        width: in pixels as stored.
        height: in pixels as stored.
        aspect: width of a pixel by its height; None or 0 where it is not stated.
    """
    if not aspect or aspect == 1 or not 1 / _MAX_ASPECT <= aspect <= _MAX_ASPECT:
        return width, height
    if aspect > 1:
        return round(width * aspect), height
    return width, round(height / aspect)


def matrix_of_tag(stream: VideoStream) -> bytes | None:
    """The display matrix that the tag ROTATE of a Matroska file stands for.

    FFmpeg wrote it instead of one until its version 6, so that of a telephone's video, put into
    a Matroska file, it is all that is left.
    """
    tags = {name.casefold(): value for name, value in stream.metadata.items()}
    if (turn := _MATRICES.get(tags.get("rotate", ""))) is None:
        return None
    a, b, c, d = (value << 16 for value in turn)
    return struct.pack("=9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)


def matrix_of(frame: VideoFrame) -> bytes | None:
    """The frame's display matrix, which holds for those after it, too, until there is another."""
    matrix = frame.side_data.get("DISPLAYMATRIX")
    return None if matrix is None else bytes(cast(Any, matrix))


def is_field(frame: VideoFrame, stream: VideoStream) -> bool:
    """Whether a frame is every other line of one: H.265 keeps interlaced video so.

    FFmpeg puts no two of them together. Whole frames may be marked as fields by mistake; these are
    not as wide as a field is, of twice the width of its frame.
    """
    if stream.codec_context.name != "hevc" or not frame.interlaced_frame:
        return False
    return frame.width * float(_pixel_aspect(stream)) > _MIN_FIELD_ASPECT * frame.height


def _pixel_aspect(stream: VideoStream) -> Fraction:
    stated = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio
    return stated or Fraction(1)


def as_shown(frame: VideoFrame, stream: VideoStream, matrix: bytes | None) -> np.ndarray:
    """A decoded frame as BGR uint8 (height, width, 3), with square pixels and turned.

    Args:
        frame: as decoded.
        stream: that it is of.
        matrix: see `matrix_of`.

    Raises:
        SourceError: it has more than `MAX_PIXELS`.
    """
    aspect = _pixel_aspect(stream) / (2 if is_field(frame, stream) else 1)
    width, height = square_size(frame.width, frame.height, aspect)
    if width * height > MAX_PIXELS:
        limit = MAX_PIXELS // 1_000_000
        raise SourceError(f"a frame has more than {limit} million pixels; make the video smaller")
    plane = frame.reformat(
        width=width, height=height, format="bgr24", src_color_range=frame.color_range or None
    ).planes[0]
    rows = np.frombuffer(memoryview(cast(Any, plane)), np.uint8).reshape(
        height, plane.line_size
    )  # no copy
    image: np.ndarray = np.ascontiguousarray(rows[:, : width * 3]).reshape(height, width, 3)
    if frame.color_trc == _PQ:
        image = cv2.LUT(image, _from_pq())
    return image if matrix is None else _by_matrix(image, matrix)


@cache
def _from_pq() -> np.ndarray:
    """The values of an ordinary video (sRGB) for those of HDR10, whose white is gray in one.

    Up to paper white they are the same light; what is brighter is pressed together.
    """
    coded = (np.arange(256) / 255) ** (1 / 78.84375)  # SMPTE ST 2084
    light = (np.maximum(coded - 0.8359375, 0) / (18.8515625 - 18.6875 * coded)) ** 6.2773946
    white = light * 10_000 / _PAPER_WHITE_NITS
    above = np.maximum(white - _KNEE, 0) / (1 - _KNEE)
    shown = np.minimum(white, _KNEE) + (1 - _KNEE) * (1 - np.exp(-above))
    encoded = np.where(shown <= 0.0031308, 12.92 * shown, 1.055 * shown ** (1 / 2.4) - 0.055)
    return np.rint(255 * encoded).astype(np.uint8)


def _by_matrix(image: np.ndarray, matrix: bytes) -> np.ndarray:
    """The image turned and mirrored by a display matrix."""
    a, b, _, c, d, *_ = struct.unpack("=9i", matrix)  # x' = a·x + c·y, y' = b·x + d·y
    if abs(b) > abs(a):
        image, across, down = cv2.transpose(image), c, b
    else:
        across, down = a, d
    if across < 0 and down < 0:
        return cv2.flip(image, -1)
    if across < 0:
        return cv2.flip(image, 1)
    return cv2.flip(image, 0) if down < 0 else image
