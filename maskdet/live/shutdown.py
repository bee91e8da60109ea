"""What ends a run from outside: Ctrl-C, SIGTERM, a time limit."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from types import FrameType

from maskdet.system.signals import taking_signals


class Stop:
    """Says whether the run is to end.

    While a run is being prepared (a camera that opens slowly, a model that loads) a signal raises
    `KeyboardInterrupt`; once it is under way the main loop asks, so that no frame is cut in half.
    """

    def __init__(self, max_seconds: float | None = None) -> None:
        """Plans the run.

        Args:
            max_seconds: its length; None for no limit.
        """
        self._max_seconds = max_seconds
        self._deadline: float | None = None
        self._asked = self._started = False

    def __call__(self) -> bool:
        """Whether to end now."""
        return self._asked or self.timed_out

    @property
    def timed_out(self) -> bool:
        """Whether the time limit is over, and nobody had asked before."""
        if self._asked or self._deadline is None:
            return False
        return time.monotonic() >= self._deadline

    def start(self) -> None:
        """The run is under way; its time begins."""
        self._started = True
        if self._max_seconds is not None:
            self._deadline = time.monotonic() + self._max_seconds

    def listening(self) -> AbstractContextManager[None]:
        """Takes the signals; gives them back at the end."""
        return taking_signals(self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._asked = True
        if not self._started:
            raise KeyboardInterrupt
