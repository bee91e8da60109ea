"""Animations in image files: GIF, WebP, PNG and AVIF."""

from __future__ import annotations

import time

from maskdet.errors import SourceError
from maskdet.frame import Frame
from maskdet.images.decoding import ImageError
from maskdet.images.frames import FrameReader


class AnimatedImage:
    """An animation, played once as a video is: every frame, at its own time.

    Attributes:
        fps: frames a second by the first frame's duration; the others may have another.
        length: seconds; None until every frame has been read, as no header states it.
    """

    is_live = False

    def __init__(self, path: str, name: str) -> None:
        """Opens it.

        Raises:
            SourceError: it cannot be read.
        """
        self.name = name
        self.length: float | None = None
        self._path = path
        try:
            self._reader = FrameReader(path)
            _, stays = self._reader.read(0)
        except ImageError as error:
            raise SourceError(f"{path} {error}") from None
        self.fps: float | None = 1 / stays
        self._starts = [0.0, stays]  # of each frame that was read, and of the one after
        self._next = 0
        self._index = 0
        self._closed = False

    def read(self) -> Frame | None:
        """The next frame; None at the end.

        Raises:
            SourceError: a frame is broken.
        """
        if self._closed:
            return None
        if self._next >= self._reader.number:
            self.length = self._starts[-1]
            return None
        number, self._next = self._next, self._next + 1
        try:
            image, stays = self._reader.read(number)
        except ImageError as error:
            if self._closed:
                return None
            raise SourceError(
                f"{self._path}, frame {number + 1} of {self._reader.number}: {error}"
            ) from None
        if number + 1 == len(self._starts):
            self._starts.append(self._starts[number] + stays)
        frame = Frame(image, self._index, self._starts[number], time.monotonic(), self.name)
        self._index += 1
        return frame

    def seek(self, position: float) -> None:
        """Goes to the frame that is shown at that position, in seconds; `read` gives it next.

        Called by the thread that reads.
        """
        while self._starts[-1] <= position and len(self._starts) <= self._reader.number:
            number = len(self._starts) - 1
            try:
                _, stays = self._reader.read(number)
            except ImageError:
                break
            self._starts.append(self._starts[number] + stays)
        shown = sum(start <= position for start in self._starts) - 1
        self._next = min(max(0, shown), self._reader.number - 1)

    def close(self) -> None:
        """Gives no more."""
        self._closed = True
        self._reader.close()
