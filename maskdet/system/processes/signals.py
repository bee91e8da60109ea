"""Ctrl-C, SIGTERM and, where there is one, the terminal's end (SIGHUP), taken for a while."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from types import FrameType

_AGAIN_AFTER_S = 0.01
"""Seconds after which most callbacks are over."""


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


class EndedBySignal(SystemExit):
    """The end of what is at work, by a signal; its status is 128 + the signal's number.

    Attributes:
        number: of the signal.
    """

    def __init__(self, number: int) -> None:
        """Ends by this signal."""
        super().__init__(128 + number)
        self.number = number

    def __str__(self) -> str:
        """The reason, for people."""
        names = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}
        return f"ended by {names.get(signal.Signals(self.number), 'the end of its terminal')}"


@contextmanager
def unwound_by_signals() -> Iterator[None]:
    """Has Ctrl-C, SIGTERM and the terminal's end unwind what is at work, each once.

    So no part of a file or folder stays. A second Ctrl-C ends the process at once; other signals
    do not disturb the unwinding. A signal that is ignored stays so. For the main thread.

    Raises:
        EndedBySignal: one came.
    """
    first = (signal.SIGINT, signal.SIGTERM)
    heard = [number for number in first if signal.getsignal(number) is not signal.SIG_IGN]
    report = sys.unraisablehook
    sys.unraisablehook = partial(_raise_again, report)
    try:
        with taking_signals(_unwind, heard):
            yield
    finally:
        sys.unraisablehook = report


def _unwind(number: int, frame: FrameType | None) -> None:
    for other in ("SIGTERM", "SIGHUP"):
        if hasattr(signal, other):
            signal.signal(getattr(signal, other), signal.SIG_IGN)
    if signal.getsignal(signal.SIGINT) is _unwind:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    raise EndedBySignal(number)


def _raise_again(
    report: Callable[[sys.UnraisableHookArgs], object], lost: sys.UnraisableHookArgs
) -> None:
    """Raises an end once more, a moment later, that came in a callback, where it is lost."""
    if isinstance(lost.exc_value, EndedBySignal) and hasattr(signal, "setitimer"):
        number = lost.exc_value.number
        signal.signal(signal.SIGALRM, lambda _, frame: _unwind(number, frame))
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_AFTER_S)
    else:
        report(lost)


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


def _write_at_once(line: str) -> None:
    """Writes to standard error past its buffer, in which a signal may have interrupted a line."""
    with suppress(OSError, ValueError, AttributeError):  # closed, or gone with its terminal
        start = "\n" if sys.stderr.isatty() else ""  # a progress bar may stand there
        os.write(sys.stderr.fileno(), f"{start}{line}\n".encode())


class StopRequest:
    """A request to stop that a signal makes; the second one ends the program at once.

    Attributes:
        number: of the first signal; None: there was none.
    """

    def __init__(self, notice: str = "") -> None:
        """Nothing is requested yet.

        Args:
            notice: written to standard error at the first signal, where what is at work may take
                its time to end.
        """
        self.number: int | None = None
        self._notice = notice

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
        if self.number is None and self._notice:
            _write_at_once(self._notice)
        self.number = self.number or number
        if ends_at_once:
            raise KeyboardInterrupt

    def _ends_at_once(self) -> bool:
        """Whether a signal that comes now raises `KeyboardInterrupt`."""
        return self.number is not None
