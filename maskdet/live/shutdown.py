"""Ends of a run from outside: Ctrl-C, SIGTERM, a time limit."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from types import FrameType

from maskdet.system.processes.signals import StopRequest

ENDED_EARLY = "ended as asked, before the run began"


class Stop(StopRequest):
    """A request to end the run, by a signal or its time limit.

    SIGHUP has the settings file read again, where there is one; of a terminal that has gone it is
    the end.

    While a run is being prepared (a camera that opens slowly, a model that loads) a signal raises
    `KeyboardInterrupt`; once it is under way the main loop asks, so that no frame is cut in half.

    Attributes:
        max_seconds: length of the run; None for no limit.
        on_hangup: called by SIGHUP instead of the end; None: it is the end.
    """

    def __init__(self, max_seconds: float | None = None) -> None:
        """Plans the run.

        Args:
            max_seconds: its length; None for no limit.
        """
        super().__init__()
        self.max_seconds = max_seconds
        self._deadline: float | None = None
        self._started = False
        self._had_terminal = _has_terminal()
        self.on_hangup: Callable[[], object] | None = None

    def __call__(self) -> bool:
        """Whether to end now."""
        return super().__call__() or self.timed_out

    @property
    def timed_out(self) -> bool:
        """Whether the time limit is over, and nobody had asked before."""
        if self.number is not None or self._deadline is None:
            return False
        return time.monotonic() >= self._deadline

    def start(self) -> None:
        """The run is under way; its time begins."""
        self._started = True
        if self.max_seconds is not None:
            self._deadline = time.monotonic() + self.max_seconds

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        is_hangup = hasattr(signal, "SIGHUP") and number == signal.SIGHUP
        terminal_is_gone = self._had_terminal and not _has_terminal()
        if is_hangup and self.on_hangup is not None and not terminal_is_gone:
            self.on_hangup()
        else:
            super()._on_signal(number, frame)

    def _ends_at_once(self) -> bool:
        return not self._started


def _has_terminal() -> bool:
    """Whether this process has a terminal that would end it (POSIX)."""
    with contextlib.suppress(OSError):
        os.close(os.open("/dev/tty", os.O_RDONLY | getattr(os, "O_NOCTTY", 0)))
        return True
    return False
