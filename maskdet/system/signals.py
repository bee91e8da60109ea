"""Ctrl-C, SIGTERM and, where there is one, the terminal's end (SIGHUP), taken for a while."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def taking_signals(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Has a handler called for these signals; gives them back at the end.

    SIGHUP stays ignored where the run was told to ignore it, as `nohup` does.
    """
    numbers = [signal.SIGINT, signal.SIGTERM]
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    before = [signal.signal(number, handler) for number in numbers]
    try:
        yield
    finally:
        for number, old in zip(numbers, before, strict=True):
            signal.signal(number, old)
