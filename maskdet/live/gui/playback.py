"""Files in the window: each frame at its moment, and any position on request."""

from __future__ import annotations

import time
from dataclasses import replace

from maskdet.contracts import ImageList, Source, VideoSource
from maskdet.frame import Frame
from maskdet.system.threads import Condition

_LATE_S = 0.25
"""Seconds by which a file's frame may be late without moving those after it."""
_MAX_GAP_S = 10.0
"""Seconds after which the next frame is shown, however long a file's time stamps have none."""


class Playback:
    """A source around a video or images, which another thread moves about; a `Source`.

    A video is read ahead, as any file is. Images are read one at a time, each when it is asked
    for, so that there is a way back from the last one.

    Attributes:
        is_live: False.
        fps: of the source.
    """

    is_live = False

    def __init__(self, source: VideoSource | ImageList) -> None:
        """Wraps an open source."""
        self.name = source.name
        self.fps = source.fps
        self._source = source
        self._condition = Condition()
        self._target: float | None = None
        self._may_go_on = True
        self._closed = False
        self._index = self._first = 0
        self._place, self._unreadable = -1, set[int]()
        self.at_end = False

    @property
    def count(self) -> int:
        """Number of images; 0 for a video."""
        return self._source.count if isinstance(self._source, ImageList) else 0

    @property
    def unread(self) -> int:
        """Number of images that could not be read so far; 0 for a video."""
        return self._source.unread if isinstance(self._source, ImageList) else 0

    @property
    def length(self) -> float | None:
        """Seconds that a video lasts, if the file states it."""
        return None if isinstance(self._source, ImageList) else self._source.length

    def place(self, file: str) -> int:
        """The place of an image file in the list, from 0; a video has none but 0."""
        return self._source.place(file) if isinstance(self._source, ImageList) else 0

    # --- for the thread that reads

    def read(self) -> Frame | None:
        """The next frame; None at the end of a video, or when `finish` or `close` was called.

        Raises:
            SourceError: nothing of it can be read.
        """
        while self._wait():
            frame = self._source.read()
            if frame is not None:
                return self._numbered(frame)
            if not self.count:
                return None
            self.at_end = True
        return None

    def close(self) -> None:
        """Lets go of the file, and ends a wait in `read`."""
        self.finish()
        self._source.close()

    def _wait(self) -> bool:
        """Waits for its turn and goes where it was asked to; False at the end."""
        with self._condition:
            self._condition.wait_for(self._has_turn)
            if self._closed:
                return False
            target, self._target = self._target, None
            self._may_go_on = not self.count
            self._first = self._index if target is not None else self._first
        self.at_end = False
        if target is not None:
            self._go_to(target)
        return True

    def _go_to(self, position: float) -> None:
        self._place = int(position) - 1
        if isinstance(self._source, ImageList):
            self._source.seek(int(position))
        else:
            self._source.seek(position)

    def _has_turn(self) -> bool:
        return self._closed or self._may_go_on or self._target is not None

    def _numbered(self, frame: Frame) -> Frame:
        """The frame under a number that no earlier one had, though it may be shown again."""
        if self.count and frame.file:
            place = self.place(frame.file)
            self._unreadable |= set(range(self._place + 1, place))
            self._place = place
        frame = replace(frame, index=self._index)
        self._index += 1
        return frame

    # --- for the thread that shows

    def seek(self, position: float) -> None:
        """Has `read` go on at a position: seconds of a video, or the place of an image."""
        with self._condition:
            self._target = max(0.0, position)
            self._condition.notify_all()

    def is_stale(self, frame: Frame) -> bool:
        """Whether a frame was read before the last `seek`: it is not to be shown any more."""
        with self._condition:
            return self._target is not None or frame.index < self._first

    def go_on(self) -> None:
        """Has `read` give the next image."""
        with self._condition:
            self._may_go_on = True
            self._condition.notify_all()

    def finish(self) -> None:
        """Has `read` end."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()

    def neighbor(self, file: str, step: int) -> int | None:
        """The place of the next image that can be read, in a direction; None at either end.

        Args:
            file: the image from which to go.
            step: 1 for the next one, -1 for the one before.
        """
        place = self.place(file) + step
        while place in self._unreadable:
            place += step
        return place if 0 <= place < self.count else None


class Pacing:
    """When each frame of a source is due: a file's at its own pace, a still image for a while.

    Attributes:
        playback: moves about in the source; None for one that cannot.
        by_hand: whether the user turns a folder's images: none follows without a key.
    """

    def __init__(self, source: Source, picture_seconds: float) -> None:
        """Nothing was shown yet.

        Args:
            source: as it is read.
            picture_seconds: how long a still image stays.
        """
        self.playback = source if isinstance(source, Playback) else None
        self.by_hand = False
        self._source = source
        self._picture_seconds = picture_seconds
        self._start = self._hold = 0.0
        self._shown_until = float("inf")
        self._has_shown = self._has_jumped = self._asked_for_next = False

    @property
    def is_single_image(self) -> bool:
        """Whether the source is one image, which stays."""
        return self.playback is not None and self.playback.count == 1

    def due(self, frame: Frame | None) -> float:
        """When to show a frame, by the monotonic clock; for None, when the last one may go."""
        if self._source.is_live or frame is None:
            return self._hold
        own = min(self._start + frame.time, self._shown_until)
        return 0.0 if self._has_jumped else max(self._hold, own)

    def is_stale(self, frame: Frame) -> bool:
        """Whether the user has gone elsewhere in the file since it was read."""
        return self.playback is not None and self.playback.is_stale(frame)

    def record_shown(self, frame: Frame) -> None:
        """Takes the time of a frame that is shown now."""
        now = time.monotonic()
        self._has_shown = True
        if self._source.is_live:
            return
        is_late = now - frame.time - self._start > _LATE_S  # what follows is as late
        if self._has_jumped or is_late or now >= self._shown_until:
            self._start = now - frame.time
        self._shown_until = now + _MAX_GAP_S
        self._has_jumped = self._asked_for_next = False
        is_still = self._source.fps is None and frame.time == 0
        self._hold = now + self._picture_seconds if is_still else 0.0

    def go_on(self) -> None:
        """Has the next image of a folder read, once the one that is shown has stayed enough."""
        playback = self.playback
        if playback is None or not playback.count or not self._has_shown:
            return
        is_held = self.by_hand or self._has_jumped or time.monotonic() < self._hold
        if self.is_single_image or is_held:
            return
        if playback.at_end:
            playback.finish()
        elif not self._asked_for_next:  # once for each image
            self._asked_for_next = True
            playback.go_on()

    def jump(self, position: float) -> None:
        """Goes elsewhere in the file: to a second of a video, or a place in a folder."""
        if self.playback is not None:
            self.playback.seek(position)
            self._has_jumped, self._hold = True, 0.0
