"""Sources that come back: a camera is read in a child process that can be killed."""

from __future__ import annotations

import itertools
import logging
import random
import signal
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from typing import Generic, TypeVar

import numpy as np

from maskdet.errors import SourceError, reason_of
from maskdet.frame import Frame
from maskdet.sources.child.frame_sender import HEADER
from maskdet.sources.child.watchdog import TIMEOUT_STATUSES
from maskdet.system.processes.child_process import ChildProcess
from maskdet.system.redaction import mask_password
from maskdet.system.threads import Event

log = logging.getLogger(__name__)

T = TypeVar("T")

_STEADY_S = 5.0
"""Seconds of images after which a loss counts as the first one: the pauses are short again."""
_LOGIN_PAUSE_S = 60.0
"""Seconds between two tries with a password that was refused; many cameras lock after five."""
_MAX_TRIES = 100
"""Tries after which the child is replaced, and with it whatever its libraries leaked."""
_SIGKILL, _MAX_SIGNAL = 9, 64
_MAX_STATUS = 255
"""Exit status of a process that ended of its own accord, at most."""


class Reconnecting(ABC, Generic[T]):
    """Reading from a camera by a child process; it is opened again whenever it is lost.

    The camera is opened by the first `read`, or by `open`. `read` waits while the camera is away;
    `close`, from any thread, ends the wait at once.

    Attributes:
        name: see `maskdet.contracts.Source`.
        is_live: False only for a stream that states its length, a recording behind a URL; known
            with the first frame.
        fps: as stated by the camera.
        pause: seconds that it waits on its own between two frames.
        reconnects: how often it was opened again.
        signal_loss_reason: why there is no image at the moment, for people; None while there is.
    """

    _CHILD = ""
    """The module of the child's function ``serve``."""

    def __init__(
        self, name: str, request: Mapping[str, object], *, retry_first_connection: bool = False
    ) -> None:
        """Starts the child, which takes its time to import what it needs.

        Args:
            name: what a person reads.
            request: for the child.
            retry_first_connection: go on trying, too, where the camera has never been open.
        """
        self.name = mask_password(name)
        self.is_live = True
        self.fps: float | None = None
        self.pause = 0.0
        self.reconnects = 0
        self.signal_loss_reason: str | None = None
        self._request = request
        self._retry_first = retry_first_connection
        self._noted: set[str] = set()
        self._closing = Event()
        self._pauses = back_off()
        self._index = self._tries = 0
        self._connected = self._was_open = self._refused = self._flowing = False
        self._since = 0.0
        self._first: float | None = None
        self._child: ChildProcess | None = None
        self._go: Mapping[str, object] = {"go": True}
        self._renew()

    def open(self) -> None:
        """Opens the camera now, once.

        Raises:
            SourceError: it cannot be opened.
        """
        try:
            if not self._connect():
                raise SourceError(self._explain(self.signal_loss_reason or "closed"))
        except BaseException:  # Ctrl-C, too: no child is left behind
            self.close()
            raise

    def read(self) -> T | None:
        """The next one; None once closed, or at the end of a recording.

        Raises:
            SourceError: it was never open, cannot be opened, and is not to be tried again.
        """
        while not self._closing.is_set():
            if self._connected and not self._flowing and self._child is not None:
                self._child.send_request(self._go)
                self._flowing = True
            item = self._receive() if self._connected else None
            if item is not None:
                return item
            if self._connected:
                self._lose()
                if not self.is_live:
                    return None
                self._pause()
            elif not self._connect() and not self._closing.is_set():
                if not (self._was_open or self._retry_first):
                    self.close()
                    raise SourceError(self._explain(self.signal_loss_reason or ""))
                self._pause()
        return None

    def drop(self) -> None:
        """Ends the connection, from any thread; `read` opens it again."""
        if self._child is not None:
            self._child.kill()

    def close(self) -> None:
        """Kills the child, and with it whatever `read` waits for."""
        self._closing.set()
        if self._child is not None:
            self._child.kill()

    def _connect(self) -> bool:
        """Tries once; where that fails `signal_loss_reason` has the reason."""
        if self._child is None or self._tries >= _MAX_TRIES:
            self._renew()
        if self._child is None:
            return False
        self._tries += 1
        self._child.send_request({**self._request, "again": self._was_open or self._tries > 1})
        answer = self._child.read_message()
        if answer is None:
            if not self._child.was_killed:
                self.signal_loss_reason = _cause_of_death(self._child.wait())
            self._renew()
        elif "error" in answer:
            self.signal_loss_reason = str(answer["error"])
            self._refused = bool(answer["login"])
        else:
            self._begin(answer)
        return self._connected

    def _begin(self, answer: Mapping[str, object]) -> None:
        fps = answer["fps"]
        self.fps = float(fps) if isinstance(fps, float | int) and 0 < fps < 1000 else None
        self.is_live = not answer["finite"]
        pause = answer.get("pause")
        self.pause = pause if isinstance(pause, float) else 0.0
        if self._request.get("hardware_decoding") and not answer["hardware"] and not self._was_open:
            log.warning("%s: hardware decoding is not there; decoding on the CPU", self.name)
        if isinstance(answer.get("transport"), str):  # tried first when it is opened again
            self._request = {**self._request, "transport": answer["transport"]}
        notes = answer.get("notes")
        for note in notes if isinstance(notes, list) else ():
            if note not in self._noted:
                self._noted.add(note)
                log.warning("%s: %s", self.name, note)
        self.reconnects += self._was_open
        self._connected, self._was_open, self._refused = True, True, False
        self._since = time.monotonic()
        self.signal_loss_reason = None

    def _lose(self) -> None:
        """The connection is over; the next child starts at once, ready when the pause is over."""
        self.signal_loss_reason = "the connection was lost"
        self._connected = False
        if time.monotonic() - self._since > _STEADY_S:
            self._pauses = back_off()
        if self.is_live:
            self._renew()

    def _pause(self) -> None:
        self._closing.wait(_LOGIN_PAUSE_S if self._refused else next(self._pauses))

    def _renew(self) -> None:
        """Puts a fresh child in the place of the old one; none if the system has no room for it."""
        if self._child is not None:
            self._child.kill()
        self._child, self._tries, self._flowing = None, 0, False
        if self._closing.is_set():  # `close` waits for no process that nobody needs
            return
        try:
            self._child = ChildProcess(self._CHILD, "serve")
        except OSError as error:
            self.signal_loss_reason = f"no process could be started for it: {reason_of(error)}"
        if self._closing.is_set() and self._child is not None:  # `close` saw the old one only
            self._child.kill()

    @abstractmethod
    def _receive(self) -> T | None:
        """The next item that the child sends; None where it has ended."""

    @abstractmethod
    def _explain(self, failure: str) -> str:
        """A failure as a message that names the camera."""


class LiveSource(Reconnecting[Frame]):
    """The common part of webcams and streams: they are read, and opened again whenever lost."""

    _CHILD = "maskdet.sources.camera_process"
    _on_skip: Callable[[int], None] | None = None

    def thin(self, fps: float | None, on_skip: Callable[[int], None]) -> bool:
        """Leaves out frames where they are decoded, which saves converting and carrying them.

        A stream that turns out not to be live is read whole.

        Args:
            fps: frames a second that `read` gives, None: all; set before the first one.
            on_skip: called by `read` with the number of frames left out, at least twice a second.

        Returns:
            True.
        """
        self._go, self._on_skip = {"go": True, "send_fps": fps}, on_skip
        return True

    def _receive(self) -> Frame | None:
        child = self._child
        header = None if child is None else self._next_header(child)
        if child is None or header is None:
            return None
        width, height, utc, captured, position = header
        image = np.empty((height, width, 3), np.uint8)
        if not child.read_into(image.data.cast("B")):
            return None
        if self._first is None:
            self._first = captured
        stamp = utc if self.is_live else position
        if self.is_live:
            position = captured - self._first
        frame = Frame(image, self._index, stamp, captured, self.name, position=position, utc=utc)
        self._index += 1
        return frame

    def _next_header(self, child: ChildProcess) -> tuple[int, int, float, float, float] | None:
        """Size and times of the next frame with an image; None at the end."""
        header = bytearray(HEADER.size)
        while child.read_into(memoryview(header)):
            width, height, skipped, utc, captured, position = HEADER.unpack(header)
            self._index += skipped
            if skipped and self._on_skip is not None:
                self._on_skip(skipped)
            if width:
                return width, height, utc, captured, position
        return None


def back_off(first: float = 0.25, longest: float = 2.0) -> Iterator[float]:
    """Seconds to wait before each new try: doubling, and spread so that cameras do not queue.

    Never long: an image is to be back soon after its camera is, and a try costs little.
    """
    for attempt in itertools.count():
        yield min(longest, first * 2 ** min(attempt, 16)) * random.uniform(0.5, 1.0)


def _cause_of_death(status: int) -> str:
    if status in TIMEOUT_STATUSES:
        return "gave no answer in time"
    if status == -_SIGKILL:
        return "its process was killed, as a system does that has no memory left"
    if -_MAX_SIGNAL <= status < 0:
        return f"its driver or decoder crashed ({signal.strsignal(-status) or -status})"
    if status > _MAX_STATUS:  # Windows' codes of a crash
        return f"its driver or decoder crashed (status {status:#x})"
    return f"its process failed (status {status})" if status else "ended at once"
