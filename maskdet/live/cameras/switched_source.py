"""A camera whose connection is closed, opened again or replaced while its reader waits."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from maskdet.contracts import CameraSource, Source
from maskdet.errors import SourceError
from maskdet.frame import Frame
from maskdet.system.threads import Condition

_NO_IMAGE = np.empty((0, 0, 3), np.uint8)
PARK_TIMEOUT_S = 2.0
"""For the thread that reads to notice that its camera was closed."""


class SwitchedSource:
    """A `Source` around the connection to a camera or stream, which may be another one later.

    Its frames are numbered on, and their positions grow, whatever connection they come from.

    Attributes:
        name: of the first connection; it stays.
        is_live: as of the newest connection, known with its first frame.
        fps: as the camera states it, likewise.
    """

    def __init__(self, source: Source, *, standby: bool = False) -> None:
        """Reads a source until `hold` or `take_over` is called.

        Args:
            source: as opened; it is closed here.
            standby: its frames are thrown away until `go` is called.
        """
        self.name, self.is_live, self.fps = source.name, source.is_live, source.fps
        self._condition = Condition()
        self._source: Source | None = source
        self._last, self._camera = source, _as_camera(source)
        self._closed = self._parked = False
        self._is_on_standby = standby
        self._thrown_away: float | None = None
        self._index = self._earlier_reconnects = 0
        self._position = 0.0
        self._newest: Frame | None = None
        self._read_from: Source | None = None
        self._thin: tuple[float | None, Callable[[int], None]] | None = None

    # For the thread that reads.

    def read(self) -> Frame | None:
        """The next frame; waits while the camera is held; None at the end and once closed.

        Raises:
            SourceError: the present connection failed for good.
        """
        while (source := self._wait()) is not None:
            try:
                frame = source.read()
            except SourceError:
                if source is self._source:
                    raise
                continue  # it was closed here, or replaced
            if source is self._source:
                self.is_live, self.fps = source.is_live, source.fps
                if frame is None:
                    return None
                if not self._throws_away():
                    return self._numbered(frame, source)
        return None

    def _wait(self) -> Source | None:
        with self._condition:
            self._parked = True
            self._condition.notify_all()
            self._condition.wait_for(lambda: self._closed or self._source is not None)
            self._parked = False
            return None if self._closed else self._source

    def _throws_away(self) -> bool:
        """Whether a frame is not wanted; a video on a server waits until its frames are."""
        with self._condition:
            if not self._is_on_standby:
                return False
            self._thrown_away = time.monotonic()
            self._condition.notify_all()
            if not self.is_live:
                self._condition.wait_for(lambda: self._closed or not self._is_on_standby)
            return self.is_live or self._closed

    def _numbered(self, frame: Frame, source: Source) -> Frame:
        """The frame with a number and a position after those of earlier connections."""
        if source is not self._read_from and self._newest is not None:
            last = self._newest
            self._index = last.index + 1 - frame.index
            self._position = last.position + frame.captured - last.captured - frame.position
        self._read_from = source
        if self._index or self._position:
            position = frame.position + self._position
            frame = replace(frame, index=frame.index + self._index, position=position)
        self._newest = replace(frame, image=_NO_IMAGE)
        return frame

    # For any thread.

    def hold(self) -> bool:
        """Closes the connection; `read` waits for `take_over`.

        Returns:
            Whether the thread that reads waits already: no earlier frame comes from it any more.
        """
        self._switch(None)
        with self._condition:
            return self._condition.wait_for(lambda: self._parked or self._closed, PARK_TIMEOUT_S)

    def stand_by(self) -> None:
        """Throws frames away until `go` is called; the connection stays.

        Waits for the first one, if the camera gives one soon: no earlier frame comes after it.
        """
        with self._condition:
            self._is_on_standby, self._thrown_away = True, None
            self._condition.wait_for(
                lambda: self._thrown_away is not None or self._closed, PARK_TIMEOUT_S
            )

    def go(self) -> None:
        """Gives frames again."""
        with self._condition:
            self._is_on_standby = False
            self._condition.notify_all()

    @property
    def is_on_standby(self) -> bool:
        """Whether its frames are thrown away."""
        return self._is_on_standby

    @property
    def standby_age_s(self) -> float | None:
        """Seconds since the last frame that was thrown away; None: not on standby, or before."""
        last = self._thrown_away
        return time.monotonic() - last if self._is_on_standby and last is not None else None

    def take_over(self, other: SwitchedSource) -> None:
        """Reads the connection of another one from now on; what was read before is closed."""
        self._switch(other._last)

    def thin(self, fps: float | None, on_skip: Callable[[int], None]) -> bool:
        """Leaves out frames where they are decoded, from the next connection on.

        Args:
            fps: frames a second that `read` gives; None: all.
            on_skip: called by `read` with the number of frames left out.

        Returns:
            Whether the camera does that; the demo does not.
        """
        self._thin = (fps, on_skip)
        self._apply_thinning(self._source)
        return self._camera is not None

    def _apply_thinning(self, source: Source | None) -> None:
        camera = _as_camera(source)
        if camera is not None and self._thin is not None:
            camera.thin(*self._thin)

    def close(self) -> None:
        """Ends it, and what `read` waits for."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
        self._last.close()

    def _switch(self, source: Source | None) -> None:
        self._apply_thinning(source)
        with self._condition:
            self._earlier_reconnects += self._own_reconnects
            old, self._source = self._source, source
            if source is not None:
                self._last, self._camera = source, _as_camera(source)
            is_late = self._closed
            self._condition.notify_all()
        if old is not None:
            old.close()
        if is_late and source is not None:
            source.close()

    @property
    def pause(self) -> float:
        """Seconds that the camera waits on its own between two frames."""
        return 0.0 if self._camera is None else self._camera.pause

    @property
    def reconnects(self) -> int:
        """Number of times it was opened again after a loss, over all connections."""
        return self._earlier_reconnects + self._own_reconnects

    @property
    def _own_reconnects(self) -> int:
        return 0 if self._source is None or self._camera is None else self._camera.reconnects

    @property
    def signal_loss_reason(self) -> str | None:
        """Why there is no image at the moment; None while there is, or while it is held."""
        is_held = self._source is None
        return None if is_held or self._camera is None else self._camera.signal_loss_reason


def _as_camera(source: Source | None) -> CameraSource | None:
    return source if isinstance(source, CameraSource) else None
