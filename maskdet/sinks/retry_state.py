"""A fault of an output that may pass: reported once, tried again, and reported when over."""

from __future__ import annotations

import logging
import time

from maskdet.system.console import counted

log = logging.getLogger(__name__)

_MAX_WAIT_S = 60.0


def missing_words(number: int, what: str) -> str:
    """``1 row is missing``, ``2 rows are missing``."""
    return f"{counted(number, what)} {'is' if number == 1 else 'are'} missing"


class RetryState:
    """Whether an output works, and when to try it again; for one thread.

    After the first failure the next attempt is due at once (a file that cannot grow further, a
    folder that can be made again); after that, seconds apart. A fault counts as over when all went
    well for as long as an attempt is apart, so that a disk that is just full does not chatter.
    """

    def __init__(self, what: str, retry_seconds: float = 5.0) -> None:
        """All is well.

        Args:
            what: the output, as messages begin: ``recording to door.mp4``.
            retry_seconds: between two attempts at first; doubled up to a minute.
        """
        self.missed = 0
        self._what = what
        self._retry = retry_seconds
        self._reason = ""
        self._began: float | None = None
        self._due = self._worked_since = 0.0
        self._wait = 0.0

    @property
    def active(self) -> bool:
        """Whether the output is, or was a moment ago, out of order."""
        return self._began is not None

    @property
    def down(self) -> bool:
        """Whether the last attempt failed."""
        return self.active and not self._worked_since

    @property
    def due(self) -> bool:
        """Whether it may be tried now."""
        return time.monotonic() >= self._due

    @property
    def reason(self) -> str:
        """Why the last attempt that failed did so; empty: none has failed yet."""
        return self._reason

    @property
    def reported(self) -> str:
        """The fault in a line, while there is one."""
        if self._began is None:
            return ""
        seconds = time.monotonic() - self._began
        return f"{self._what} failed for the last {seconds:.0f} s: {self._reason}"

    def fail(self, reason: str, advice: str) -> None:
        """It failed; reported unless it has been.

        Args:
            reason: what is wrong.
            advice: what the person can do.
        """
        now = time.monotonic()
        if self._began is None:
            self._began, self._wait = now, 0.0
            log.warning("%s stopped: %s; %s", self._what, reason, advice)
        else:
            self._wait = min(2 * self._wait or self._retry, _MAX_WAIT_S)
        self._reason = reason
        self._due = now + self._wait
        self._worked_since = 0.0

    def hurry(self) -> None:
        """Makes the next attempt due at once: it is the last one."""
        self._due = 0.0

    def count_dropped(self) -> None:
        """Something that should have been written is not."""
        self.missed += 1

    def record_success(self, what: str) -> None:
        """It worked; reported when it is sure.

        Args:
            what: may be missing, for the message: ``image``.
        """
        if self._began is None:
            return
        now = time.monotonic()
        self._worked_since = self._worked_since or now
        if now - self._worked_since >= self._retry:
            seconds = self._worked_since - self._began
            missing = missing_words(self.missed, what)
            log.warning("%s goes on after %.0f s; %s", self._what, seconds, missing)
            self._began, self._due, self.missed = None, 0.0, 0
