"""Threads, and the mailboxes between them.

Nothing here knows of images. The rules:

* A mailbox has one writer and one reader. Either may close it: the reader then gets what is left
  and after it the end or the writer's error, the writer is stopped by its next `put`.
* A worker's death closes its mailboxes with the exception, which is raised in the next reader.
* Nothing waits without a way to be woken: mailboxes by closing them, a child process
  (`maskdet.system.processes.child_process`) by killing it. So stopping never waits for a frame.
* What hangs all the same (a disk, a detector) is waited for a while, then left (`timeouts`).
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from threading import Condition as Condition  # these three for others, too: ways to wait that
from threading import Event as Event  # can be cut short, and what keeps others out
from threading import Lock as Lock
from threading import Thread
from threading import get_ident as get_ident
from typing import Any, Generic, TypeVar

from maskdet.system.console import bug_line

log = logging.getLogger(__name__)

T = TypeVar("T")


class Closed(Exception):
    """Nothing more comes out of this mailbox."""


class Mailbox(Generic[T]):
    """A bounded queue from one thread to another.

    Attributes:
        dropped: items that a newer one replaced before they were read; 0 unless `newest`.
        error: what it was closed with.
        condition: notified of every change.
    """

    def __init__(self, size: int = 1, *, newest: bool = False, condition: Condition | None = None):
        """Makes it empty and open.

        Args:
            size: how many items it holds.
            newest: when full, the oldest item makes room at once; otherwise the writer waits.
            condition: shared by mailboxes that one reader waits for together, see `wait_ready`.
        """
        self.dropped = 0
        self._items: deque[T] = deque()
        self._size = size
        self._newest = newest
        self._closed = False
        self.error: BaseException | None = None
        self.condition = condition or Condition()

    def make_lossless(self, size: int) -> None:
        """Lets so many items wait from now on instead of dropping; called before the first."""
        with self.condition:
            self._size, self._newest = size, False

    def put(self, item: T, timeout: float | None = None) -> bool:
        """Hands one item over; False when the mailbox is closed and the writer should stop.

        With a `timeout`, in seconds, False also when there was no room for so long: see `closed`.
        """
        with self.condition:
            if self._newest:
                while len(self._items) >= self._size and not self._closed:
                    self._items.popleft()
                    self.dropped += 1
            else:
                self.condition.wait_for(self._has_room_or_closed, timeout)
            if self._closed or len(self._items) >= self._size:
                return False
            self._items.append(item)
            self.condition.notify_all()
            return True

    def refresh(self, item: T) -> bool:
        """Replaces the item that waits by a newer one; where none waits, nothing happens.

        Of mailboxes alone that keep the newest. It is not a new item: the reader may want only
        some, and then the newest there is. Returns whether one was waiting.
        """
        with self.condition:
            if not self._newest or not self._items or self._closed:
                return False
            self._items[-1] = item
            return True

    def _has_room_or_closed(self) -> bool:
        return self._closed or len(self._items) < self._size

    def get(self, timeout: float | None = None) -> T | None:
        """The oldest item; None when none came in `timeout` seconds (None: waits indefinitely).

        Raises:
            Closed: there is none left and none will come.
            BaseException: what the mailbox was closed with.
        """
        with self.condition:
            self.condition.wait_for(lambda: self.ready, timeout)
            if self._items:
                item = self._items.popleft()
                self.condition.notify_all()
                return item
            if self.error is not None:
                raise self.error
            if self._closed:
                raise Closed
            return None

    def close(self, error: BaseException | None = None) -> None:
        """Ends it, for both sides; the first call counts."""
        with self.condition:
            if not self._closed:
                self._closed, self.error = True, error
                self.condition.notify_all()

    @property
    def closed(self) -> bool:
        """Whether nothing more can be put in."""
        return self._closed

    @property
    def has_room(self) -> bool:
        """Whether `put` would not wait."""
        return self._newest or self._has_room_or_closed()

    @property
    def keeps_newest(self) -> bool:
        """Whether a newer item replaces an older one, as of a live source."""
        return self._newest

    @property
    def ready(self) -> bool:
        """Whether `get` would return or raise at once."""
        return bool(self._items) or self._closed

    @property
    def exhausted(self) -> bool:
        """Whether nothing is left and nothing will come."""
        return self._closed and not self._items


def wait_ready(boxes: Iterable[Mailbox[T]], timeout: float | None = None) -> list[Mailbox[T]]:
    """The mailboxes whose `get` would not wait; waits for one. They share a condition."""
    boxes = list(boxes)
    if not boxes:
        return []
    with boxes[0].condition:
        boxes[0].condition.wait_for(lambda: any(box.ready for box in boxes), timeout)
        return [box for box in boxes if box.ready]


class Worker:
    """A thread that closes its mailboxes when it ends, with the exception if it died of one.

    Attributes:
        name: what it does.
        error: what it died of.
    """

    def __init__(
        self,
        name: str,
        run: Callable[[], object],
        closes: Sequence[Mailbox[Any]] = (),
        *,
        is_daemon: bool = False,
        is_alone: bool = False,
    ) -> None:
        """Begins with `start`.

        Args:
            name: what it does.
            run: does it.
            closes: mailboxes that are closed when it ends.
            is_daemon: the process does not wait for its end.
            is_alone: nobody asks for its error, so it is logged.
        """
        self.name = name
        self.error: BaseException | None = None
        self._run = run
        self._closes = closes  # more may come while it runs
        self._is_alone = is_alone
        # Not a daemon by default: the interpreter must not tear down native code under a thread.
        self._thread = Thread(target=self._main, name=name, daemon=is_daemon)

    def start(self) -> None:
        """Begins."""
        self._thread.start()

    def join(self, timeout: float | None = None) -> bool:
        """Waits for its end; the caller has closed whatever it may wait for.

        Args:
            timeout: in seconds; after it, the thread is left to itself: see `system.timeouts`.

        Returns:
            Whether it has ended, or never began.
        """
        if self._thread.ident is None:
            return True
        self._thread.join(timeout if timeout is None else max(0.0, timeout))
        if self.is_alive and self not in left:
            left.append(self)
        return not self.is_alive

    def raise_error(self) -> None:
        """Raises what it died of, once.

        Raises:
            BaseException: that error.
        """
        error, self.error = self.error, None
        if error is not None:
            raise error

    @property
    def has_ended(self) -> bool:
        """Whether it has begun and is over."""
        return self._thread.ident is not None and not self.is_alive

    @property
    def is_alive(self) -> bool:
        """Whether it has begun and not ended."""
        return self._thread.is_alive()

    def _main(self) -> None:
        try:
            self._run()
        except BaseException as caught:  # carried to the reader, whatever it is
            self.error = caught
            if self._is_alone:
                log.error("%s has ended: %s", self.name, bug_line(caught))
        for box in self._closes:
            box.close(self.error)


left: list[Worker] = []
"""Those that did not end in time."""
