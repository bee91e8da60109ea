"""A viewer's queue, from the thread that encodes to the event loop that sends.

The one file of the live page that knows of the event loop. Nobody waits for a viewer: what one
does not fetch in time is left out for that one alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["jpeg", "video"]

MAX_WAITING = 30
"""Fragments that wait for a slow viewer of video: about two seconds."""
STUCK_S = 30.0
"""Seconds without taking anything after which a viewer is taken to have gone."""


@dataclass(frozen=True)
class Message:
    """Messages to viewers.

    Attributes:
        data: a JPEG, or a fragment of video.
        is_key: whether a player can begin with it.
        codec: of video, with its first fragment after a change: as a browser names it.
        head: likewise, what a player needs before it.
        width: of the picture, pixels.
        height: of the picture, pixels.
        stream: names the encoder: what another one made cannot be played after it, but from a key
            frame on.
    """

    data: bytes
    is_key: bool = True
    codec: str = ""
    head: bytes = b""
    width: int = 0
    height: int = 0
    stream: int = 0


class ViewerQueue:
    """One viewer of one camera; made and read in the event loop.

    Attributes:
        kind: still pictures, of which only the newest waits, or video.
        dropped: messages left out because they were not fetched in time.
    """

    def __init__(self, kind: Kind, want_key: Callable[[], object]) -> None:
        """Waits for its first message.

        Args:
            kind: what it shows.
            want_key: called where it can go on only with a key frame.
        """
        self.kind = kind
        self.dropped = 0
        self._want_key = want_key
        self._loop = asyncio.get_running_loop()
        self._ready = asyncio.Event()
        self._waiting: deque[Message] = deque()
        self._needs_key = True
        self._stream = 0
        self._closed = False
        self._fetched = time.monotonic()

    def offer(self, message: Message) -> None:
        """Hands a message over, from any thread; never waits."""
        with contextlib.suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(self._put, message)

    def end(self) -> None:
        """Ends the queue, from any thread."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._close)

    async def next(self, timeout: float) -> Message | None:
        """The next message; None where none comes within so many seconds, or at the end."""
        if not self._waiting and not self._closed:
            self._ready.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout):
                    await self._ready.wait()
        self._fetched = time.monotonic()
        return self._waiting.popleft() if self._waiting else None

    @property
    def is_stuck(self) -> bool:
        """Whether it has taken nothing for so long that it is taken to have gone."""
        return bool(self._waiting) and time.monotonic() - self._fetched > STUCK_S

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self._closed and not self._waiting

    def _put(self, message: Message) -> None:
        if self.kind == "jpeg":
            self.dropped += len(self._waiting)
            self._waiting.clear()
        elif len(self._waiting) >= MAX_WAITING:
            self.dropped += len(self._waiting)
            self._waiting.clear()
            self._needs_key = True
            self._want_key()
        if not message.is_key and (self._needs_key or message.stream != self._stream):
            self.dropped += 1
            return
        self._needs_key, self._stream = False, message.stream
        self._waiting.append(message)
        self._ready.set()

    def _close(self) -> None:
        self._closed = True
        self._ready.set()
