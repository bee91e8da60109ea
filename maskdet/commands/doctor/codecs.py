"""Whether a codec works here: encoded by what records, decoded by what reads."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from maskdet.errors import one_line
from maskdet.sources.opencv_capture import open_file

CODECS = {"H.264": "libx264", "H.265": "libx265"}
"""What cameras send, and what encodes it."""
RECORDED = "H.264"
_FRAMES = 8


@dataclass(frozen=True)
class CodecError:
    """A codec that does not work.

    Attributes:
        encoding: whether it is the encoding that fails.
        reason: why.
    """

    encoding: bool
    reason: str

    def __str__(self) -> str:
        """For a person."""
        return f"{'encoding' if self.encoding else 'decoding'} fails: {self.reason}"


def try_codec(encoder: str) -> CodecError | None:
    """Writes a short video and reads it again; None if its images come back."""
    with tempfile.TemporaryDirectory(prefix="maskdet-codec-") as folder:
        file = Path(folder, "clip.mp4")
        try:
            _encode(file, encoder)
        except (ImportError, OSError, ValueError) as error:  # FFmpeg's own errors are ones, too
            return CodecError(True, one_line(error))
        levels = _decode(file)
    if len(levels) != _FRAMES:
        return CodecError(False, f"{len(levels)} of {_FRAMES} pictures come back")
    if max(abs(a - b) for a, b in zip(levels, map(_level, range(_FRAMES)), strict=True)) > 8:
        return CodecError(False, "pictures come back changed")
    return None


def _level(index: int) -> int:
    return 40 + 20 * index


def _encode(file: Path, encoder: str) -> None:
    import av

    with av.open(str(file), "w") as container:
        quiet = {"x265-params": "log-level=none"} if encoder == "libx265" else {}
        options = {"preset": "ultrafast", **quiet}
        stream: Any = container.add_stream(encoder, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for index in range(_FRAMES):
            image = np.full((240, 320, 3), _level(index), np.uint8)
            frame = av.VideoFrame.from_ndarray(image, "bgr24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _decode(file: Path) -> list[float]:
    """The mean level of each image."""
    capture = open_file(str(file))
    levels: list[float] = []
    while True:
        okay, image = capture.read()
        if not okay or image is None:
            capture.release()
            return levels
        levels.append(float(image.mean()))
