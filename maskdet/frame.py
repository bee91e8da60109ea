"""One image out of a source."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from time import time as unix_time

import numpy as np

_MIN_UNIX_S = 1e9
"""Times above this are Unix time, those below are positions in a file."""


def require_image(image: np.ndarray) -> None:
    """Checks the image of a frame.

    Args:
        image: as a program gives it.

    Raises:
        TypeError: it is not an array.
        ValueError: it is not BGR uint8 (height, width, 3).
    """
    if not isinstance(image, np.ndarray):
        raise TypeError(f"a frame's image is an array, not {type(image).__name__}")
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(f"a frame is uint8 (height, width, 3), not {image.dtype} {image.shape}")


@dataclass(frozen=True, eq=False)
class Frame:
    """An image and when it was taken.

    Attributes:
        image: BGR uint8, shape (height, width, 3); not to be drawn on.
        index: 0 for the source's first frame; counts frames that were dropped later, too.
        time: seconds on the source's own time line: Unix time for a live source, position in the
            file for a video, 0 for a still image.
        captured: `time.monotonic()` when the frame left the source; for measuring latency only.
        source: name of the source, with no password in it.
        file: path of the file that an image comes from; empty for videos and cameras.
        position: seconds since the source's beginning, which no clock can set back; by default
            `time`, which is that for a file.
        utc: Unix time at which the frame was captured or, from a file, read; by default now.
    """

    image: np.ndarray
    index: int
    time: float
    captured: float
    source: str = ""
    file: str = ""
    position: float = math.nan
    utc: float = field(default_factory=unix_time)

    def __post_init__(self) -> None:
        require_image(self.image)
        if math.isnan(self.position):
            object.__setattr__(self, "position", self.time)

    @property
    def has_clock_time(self) -> bool:
        """Whether `time` is that of a clock, which can be set, not a position in a file."""
        return self.time > _MIN_UNIX_S

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.image.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.image.shape[0])
