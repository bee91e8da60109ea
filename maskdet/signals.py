"""Ctrl-C and SIGTERM, taken for a while."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def taking_signals(handler: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Has a handler called for both signals; gives them back at the end."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, handler) for number in numbers]
    try:
        yield
    finally:
        for number, old in zip(numbers, before, strict=True):
            signal.signal(number, old)
