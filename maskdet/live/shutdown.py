"""Ends of a run from outside: Ctrl-C, SIGTERM, a time limit."""

from __future__ import annotations

import time

from maskdet.system.signals import StopRequest


class Stop(StopRequest):
    """A request to end the run, by a signal or its time limit.

    While a run is being prepared (a camera that opens slowly, a model that loads) a signal raises
    `KeyboardInterrupt`; once it is under way the main loop asks, so that no frame is cut in half.
    """

    def __init__(self, max_seconds: float | None = None) -> None:
        """Plans the run.

        Args:
            max_seconds: its length; None for no limit.
        """
        super().__init__()
        self._max_seconds = max_seconds
        self._deadline: float | None = None
        self._started = False

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
        if self._max_seconds is not None:
            self._deadline = time.monotonic() + self._max_seconds

    def _ends_at_once(self) -> bool:
        return not self._started
