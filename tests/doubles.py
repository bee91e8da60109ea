"""Test doubles that ship: a source, a detector and a sink without camera, model or file."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from maskdet.contracts import require_images
from maskdet.detections import Detections
from maskdet.errors import SinkError, SourceError
from maskdet.frame import Frame
from maskdet.observation import Observation

_NAP = 0.01  # seconds in which a paced source notices that it was closed


def numbered_image(number: int, width: int = 64, height: int = 48) -> np.ndarray:
    """A plain gray picture that carries a number up to 2³² in its first two pixels."""
    image = np.full((height, width, 3), 128, np.uint8)
    image[0, 0] = [number >> shift & 255 for shift in (0, 8, 16)]
    image[0, 1, 0] = number >> 24 & 255
    return image


def number_of(image: np.ndarray) -> int:
    """The number that `numbered_image` wrote."""
    low = sum(int(value) << shift for value, shift in zip(image[0, 0], (0, 8, 16), strict=True))
    return low | int(image[0, 1, 0]) << 24


class SyntheticSource:
    """Gives numbered frames, as a camera at a rate or as a file as fast as they are read."""

    def __init__(
        self,
        frames: int | None = 10,
        *,
        name: str = "synthetic",
        rate: float | None = None,
        is_live: bool = False,
        width: int = 64,
        height: int = 48,
        error: str | None = None,
        before: Callable[[int], object] | None = None,
    ) -> None:
        """Plans the frames.

        Args:
            frames: how many; None for no end.
            name: of the source.
            rate: frames a second; None: as fast as they are read.
            is_live: what it says of itself.
            width: of its pictures, in pixels.
            height: of its pictures, in pixels.
            error: message of a `SourceError` raised instead of the end.
            before: called with each frame's index before the frame is given; may wait.
        """
        self.name = name
        self.is_live = is_live
        self.fps = rate
        self.closed = False
        self._frames = frames
        self._size = width, height
        self._error = error
        self._before = before
        self._index = 0
        self._due: float | None = None
        self._first = 0.0

    def read(self) -> Frame | None:
        """The next frame; None at the end."""
        if self.closed:
            return None
        if self._index == self._frames:
            if self._error is not None:
                raise SourceError(self._error)
            return None
        if self._before is not None:
            self._before(self._index)
        if not self._pace():
            return None
        stamp = time.time() if self.is_live else self._index / (self.fps or 25.0)
        image = numbered_image(self._index, *self._size)
        captured = time.monotonic()
        self._first = captured if self._index == 0 else self._first
        position = captured - self._first if self.is_live else stamp
        frame = Frame(image, self._index, stamp, captured, self.name, position=position)
        self._index += 1
        return frame

    def _pace(self) -> bool:
        if self.fps is not None:
            now = time.monotonic()
            self._due = now if self._due is None else self._due + 1 / self.fps
            while (left := self._due - time.monotonic()) > 0 and not self.closed:
                time.sleep(min(left, _NAP))
        return not self.closed

    def close(self) -> None:
        """Ends it, a wait for the next frame's moment too."""
        self.closed = True


class SyntheticVideo(SyntheticSource):
    """The same as a file that states its length, in seconds."""

    length: float | None = None

    def seek(self, position: float) -> None:
        """Goes to the frame at a position."""
        self._index = round(position * (self.fps or 25.0))


class ScriptedDetector:
    """Finds what it is given, after a delay.

    Attributes:
        batches: how many pictures each call of `detect` had.
        warm: whether `warm_up` was called.
        closed: whether `close` was called.
    """

    name = "scripted"
    device = "CPU (scripted)"

    def __init__(
        self,
        script: Callable[[np.ndarray], Detections] | None = None,
        *,
        delay: float = 0.0,
        before: Callable[[], object] | None = None,
        error: BaseException | None = None,
    ) -> None:
        """Plans the answers.

        Args:
            script: the faces of a picture; none by default.
            delay: seconds that each call takes.
            before: called at the start of each call; may wait.
            error: raised by each call.
        """
        self.batches: list[int] = []
        self.warm = self.closed = False
        self._script = script
        self._delay = delay
        self._before = before
        self._error = error

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        """The script's faces of each picture."""
        require_images(images)
        self.batches.append(len(images))
        if self._before is not None:
            self._before()
        if self._delay:
            time.sleep(self._delay)
        if self._error is not None:
            raise self._error
        return [self._script(image) if self._script else Detections.empty() for image in images]

    def warm_up(self) -> None:
        """Remembers that it was called."""
        self.warm = True

    def close(self) -> None:
        """Remembers that it was called."""
        self.closed = True


class CollectingSink:
    """Keeps what it is given.

    Attributes:
        observations: all of them, in order.
        closed: whether `close` was called.
    """

    def __init__(self, *, fails_at: int | None = None) -> None:
        """Starts empty; raises `SinkError` at that observation, if one is given."""
        self.observations: list[Observation] = []
        self.closed = False
        self._fails_at = fails_at

    @property
    def indices(self) -> list[int]:
        """The frames' indices."""
        return [observation.frame.index for observation in self.observations]

    def write(self, observation: Observation) -> None:
        """Keeps it."""
        if len(self.observations) == self._fails_at:
            raise SinkError("disk full; free some room")
        self.observations.append(observation)

    def close(self) -> None:
        """Remembers that it was called."""
        self.closed = True
