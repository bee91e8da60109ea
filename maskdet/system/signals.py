"""Ctrl-C, SIGTERM and, where there is one, the terminal's end (SIGHUP), taken for a while."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from types import FrameType


@contextmanager
def taking_signals(
    handler: Callable[[int, FrameType | None], None],
    first: Sequence[int] = (signal.SIGINT, signal.SIGTERM),
) -> Iterator[None]:
    """Has a handler called for these signals and SIGHUP; gives them back at the end.

    SIGHUP stays ignored where the run was started to ignore it, as `nohup` does.
    """
    numbers = list(first)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    before = [signal.signal(number, handler) for number in numbers]
    try:
        yield
    finally:
        for number, old in zip(numbers, before, strict=True):
            signal.signal(number, old)


@contextmanager
def unwound_by_signals() -> Iterator[None]:
    """Has SIGTERM and the terminal's end unwind what is at work, as Ctrl-C does.

    So no part of a file or folder stays. For the main thread, and for work that is no single long
    call of a native library.

    Raises:
        SystemExit: with 128 + the signal's number, as shells have it.
    """
    with taking_signals(_unwind, [signal.SIGTERM]):
        yield


def _unwind(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def end_at_ctrl_c() -> None:
    """Has Ctrl-C end the process as signals do, from now on; where it does what Python sets."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        with suppress(ValueError):  # another thread than the main one
            signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def ended_by_ctrl_c() -> Iterator[None]:
    """Has Ctrl-C end the process as signals do, without a traceback: while it is imported."""
    before = signal.getsignal(signal.SIGINT)
    end_at_ctrl_c()
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGINT) is not before:
            signal.signal(signal.SIGINT, before)


class StopRequest:
    """A request to stop that a signal makes; the second one ends the program at once.

    Attributes:
        number: of the first signal; None: there was none.
    """

    def __init__(self) -> None:
        """Nothing is requested yet."""
        self.number: int | None = None

    def __call__(self) -> bool:
        """Whether to stop."""
        return self.number is not None

    @property
    def status(self) -> int:
        """Exit status of an interrupted run, as shells have it: 130 after Ctrl-C."""
        return 128 + (self.number or signal.SIGINT)

    def listening(self) -> AbstractContextManager[None]:
        """Takes the signals; gives them back at the end."""
        return taking_signals(self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        ends_at_once = self._ends_at_once()
        self.number = self.number or number
        if ends_at_once:
            raise KeyboardInterrupt

    def _ends_at_once(self) -> bool:
        """Whether a signal that comes now raises `KeyboardInterrupt`."""
        return self.number is not None
