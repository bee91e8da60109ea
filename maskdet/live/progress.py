"""Position within a file or a folder, as text for the window and the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from maskdet.contracts import ImageList, Source, VideoSource
from maskdet.frame import Frame


@dataclass(frozen=True)
class Progress:
    """Where a frame stands in its file or folder.

    Attributes:
        position: seconds from the start of a video; None for images.
        length: seconds that the video lasts; None where the file does not state it.
        number: number of the image file, from 1; 0 for videos.
        count: how many image files there are.
        file: name of the image file, without its folder.
    """

    position: float | None = None
    length: float | None = None
    number: int = 0
    count: int = 0
    file: str = ""

    @property
    def left(self) -> float | None:
        """Seconds left; None where they are not known."""
        if self.position is None or self.length is None:
            return None
        return max(0.0, self.length - self.position)

    @property
    def share(self) -> float | None:
        """Part that is done, 0 to 1; None where it is not known."""
        if self.count:
            return self.number / self.count
        if self.position is None or not self.length:
            return None
        return min(1.0, self.position / self.length)

    @property
    def place(self) -> str:
        """``0:12 of 1:30``, or ``door.jpg, 3 of 12``."""
        if self.count:
            return f"{self.file}, {self.number} of {self.count}" if self.count > 1 else self.file
        if self.position is None:
            return ""
        return clock(self.position) + (f" of {clock(self.length)}" if self.length else "")

    def __str__(self) -> str:
        """The place and, of a video, what is left: ``0:12 of 1:30, 1:18 left``."""
        return self.place if self.left is None else f"{self.place}, {clock(self.left)} left"


def progress_of(source: Source, frame: Frame) -> Progress | None:
    """Where a frame stands in its source; None for cameras and other live sources.

    Args:
        source: what the frame was read from.
        frame: one of its frames.
    """
    if source.is_live:
        return None
    if isinstance(source, ImageList) and source.count and frame.file:
        number = source.place(frame.file) + 1
        return Progress(number=number, count=source.count, file=PurePath(frame.file).name)
    length = source.length if isinstance(source, VideoSource) else None
    if length is not None and frame.time > length + 1:  # the header is wrong
        length = None
    return Progress(position=frame.time, length=length)


def clock(seconds: float) -> str:
    """A position as players show it: ``0:07``, ``1:02:03``."""
    minutes, second = divmod(int(seconds), 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"
