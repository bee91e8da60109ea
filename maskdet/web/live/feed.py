"""One camera's picture for all who watch it: drawn and encoded once, in a thread of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import cv2
import numpy as np

from maskdet.observation import Observation
from maskdet.system.threads import Condition, Worker
from maskdet.web.live.viewers import Kind, Message, ViewerQueue

_JPEG_QUALITY = 80
_KEY_PAUSE_S = 0.5
"""Between two key frames that viewers ask for: they are large."""
_IDLE_S = 0.5
_AGAIN_S = 1.0
"""A viewer that comes while no frame does gets the last one again, at most so often."""
_CLOSE_TIMEOUT_S = 1.0
_SHARED_FRAMES, _SHARED_S = 3, 3.0
"""Frames, and seconds, without a fragment of another encoder until the feed encodes again."""

Draw = Callable[[Observation], np.ndarray]


class VideoEncoder(Protocol):
    """Makes fragments of video that a browser plays."""

    @property
    def codec(self) -> str:
        """As a browser names it; empty before the first picture."""

    @property
    def head(self) -> bytes:
        """Header that a player needs before the first fragment; likewise."""

    def encode(self, picture: np.ndarray, seconds: float, *, key: bool = False) -> bytes:
        """One picture as a fragment."""

    def close(self) -> None:
        """Frees it."""


NewEncoder = Callable[[tuple[int, ...], float], VideoEncoder]


class Feed:
    """Draws and encodes the newest observation, at most so many a second, while somebody watches.

    Attributes:
        error: what encoding failed with last; empty: nothing.
        encoded: pictures encoded so far.
    """

    def __init__(self, name: str, draw: Draw, new_encoder: NewEncoder, fps: float) -> None:
        """Starts the thread.

        Args:
            name: the camera's.
            draw: makes the picture of an observation; called in the feed's thread alone.
            new_encoder: opens an encoder for pictures of a shape at a rate.
            fps: pictures a second, at most.
        """
        self.error = ""
        self.encoded = 0
        self._draw = draw
        self._new_encoder = new_encoder
        self._fps = fps
        self._condition = Condition()
        self._newest: Observation | None = None
        self._viewers: tuple[ViewerQueue, ...] = ()
        self._closed = self._fresh = self._wants_key = False
        self._encoder: VideoEncoder | None = None
        self._shape: tuple[int, ...] = ()
        self._key_at = 0.0
        self._shared_at: float | None = None
        self._frames_since_shared = 0
        self._worker = Worker(f"live picture of {name}", self._run)
        self._worker.start()

    @property
    def viewers(self) -> int:
        """Number of viewers at the moment."""
        return len(self._viewers)

    def offer(self, observation: Observation) -> None:
        """Takes the newest observation; never waits for anything that takes time."""
        with self._condition:
            self._newest, self._fresh = observation, True
            self._frames_since_shared += 1
            if self._viewers:
                self._condition.notify_all()

    def forget(self) -> None:
        """Shows the last picture to nobody any more."""
        with self._condition:
            self._newest, self._fresh = None, False

    def open(self, kind: Kind) -> ViewerQueue:
        """A new viewer, whose first message comes at once where there is a picture.

        Of a camera that was removed a moment ago it has ended already.
        """
        viewer = ViewerQueue(kind, self.want_key)
        with self._condition:
            if self._closed:
                viewer.end()
                return viewer
            self._viewers = (*self._viewers, viewer)
            self._wants_key = self._fresh = True
            self._condition.notify_all()
        return viewer

    def leave(self, viewer: ViewerQueue) -> None:
        """A viewer has gone; with the last one encoding ends."""
        with self._condition:
            self._viewers = tuple(one for one in self._viewers if one is not viewer)
            self._condition.notify_all()

    @property
    def has_video_viewers(self) -> bool:
        """Whether somebody watches the video."""
        return any(viewer.kind == "video" for viewer in self._viewers)

    @property
    def wants_key(self) -> bool:
        """Whether a viewer waits for a key frame."""
        return self._wants_key

    @property
    def is_shared(self) -> bool:
        """Whether another encoder's fragments go to the viewers of video, and none is needed."""
        return (
            self._shared_at is not None
            and self._frames_since_shared <= _SHARED_FRAMES
            and time.monotonic() - self._shared_at < _SHARED_S
        )

    def share(self, message: Message) -> bool:
        """Hands on a fragment of another encoder, from any thread.

        Returns:
            Whether it was taken: the first one, and one after a pause, has to be a key frame.
        """
        with self._condition:
            if not message.is_key and not self.is_shared:
                return False
            self._shared_at, self._frames_since_shared = time.monotonic(), 0
            if message.is_key:
                self._wants_key = False
            viewers = [viewer for viewer in self._viewers if viewer.kind == "video"]
        for viewer in viewers:
            self._hand_over(viewer, message)
        return True

    def want_key(self) -> None:
        """The next fragment is to be one that a player can begin with."""
        self._wants_key = True

    def close(self) -> None:
        """Ends the thread and all viewers; may be called twice."""
        with self._condition:
            self._closed = True
            self._condition.notify_all()
        for viewer in self._viewers:
            viewer.end()
        self._worker.join(_CLOSE_TIMEOUT_S)

    def _run(self) -> None:
        due = 0.0
        while (observation := self._wait(due)) is not None:
            due = time.monotonic() + 1 / self._fps
            try:
                self._publish(observation)
                self.error = ""
            except Exception as error:  # the monitor goes on, and so does the next picture
                self.error = str(error) or type(error).__name__
                self._end_encoder()
        self._end_encoder()

    def _wait(self, due: float) -> Observation | None:
        """The newest observation, once it is due and somebody watches; None at the end."""
        with self._condition:
            while not self._closed:
                left = due - time.monotonic()
                is_wanted = self._viewers and self._fresh and self._newest is not None
                if is_wanted and left <= 0:
                    self._fresh = False
                    return self._newest
                if not self._viewers:
                    self._end_encoder()
                self._condition.wait(max(left, 0.001) if is_wanted else _IDLE_S)
                if self._viewers and self._wants_key and time.monotonic() - due > _AGAIN_S:
                    self._fresh = True  # no frame comes: the last one, for who has none yet
            return None

    def _publish(self, observation: Observation) -> None:
        viewers, wants_key = self._take_viewers()
        kinds = {viewer.kind for viewer in viewers}
        if self.is_shared:
            kinds.discard("video")
        if "video" not in kinds:
            self._end_encoder()
        if not kinds:
            return
        picture = self._draw(observation)
        messages: dict[Kind, Message] = {}
        if "jpeg" in kinds:
            messages["jpeg"] = Message(encode_jpeg(picture))
        if "video" in kinds:
            messages["video"] = self._encode(picture, wants_key)
        self.encoded += 1
        for viewer in viewers:
            if viewer.kind in messages:
                self._hand_over(viewer, messages[viewer.kind])

    def _hand_over(self, viewer: ViewerQueue, message: Message) -> None:
        if viewer.is_stuck:  # its connection is still there; its place is free for others
            viewer.end()
            self.leave(viewer)
        else:
            viewer.offer(message)

    def _take_viewers(self) -> tuple[tuple[ViewerQueue, ...], bool]:
        """Viewers of the next picture, and whether it is to be a key frame for one of them.

        Both at one time: a viewer who comes while it is encoded does not get it, and needs the next
        one.
        """
        with self._condition:
            if self.is_shared:
                return self._viewers, False
            may = self._encoder is None or time.monotonic() - self._key_at >= _KEY_PAUSE_S
            wants_key = self._wants_key and may
            self._wants_key = self._wants_key and not may
            return self._viewers, wants_key

    def _encode(self, picture: np.ndarray, key: bool) -> Message:
        now = time.monotonic()
        if self._encoder is None or self._shape != picture.shape:
            self._end_encoder()
            self._encoder = self._new_encoder(picture.shape, self._fps)
            self._shape, key = picture.shape, True
        if key:
            self._key_at = now
        data = self._encoder.encode(picture, now, key=key)
        height, width = picture.shape[:2]
        if not key:
            return Message(data, is_key=False)
        return Message(data, True, self._encoder.codec, self._encoder.head, width, height)

    def _end_encoder(self) -> None:
        if self._encoder is not None:
            self._encoder.close()
        self._encoder, self._shape = None, ()


def encode_jpeg(picture: np.ndarray) -> bytes:
    """A picture, BGR uint8, as JPEG."""
    _, data = cv2.imencode(".jpg", picture, (cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY))
    return data.tobytes()
