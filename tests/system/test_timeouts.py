"""Jobs that hang: named, left, and no reason not to end."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from maskdet.errors import SourceError
from maskdet.system.timeouts import has_hung_threads, interruptible, run_all_with_timeout

pytestmark = pytest.mark.timeout(20)


def until(what: str, check: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.02)


def test_what_hangs_is_named_and_left_and_what_fails_is_raised() -> None:
    go = threading.Event()
    assert run_all_with_timeout(
        0.2, {"a": lambda: None, "b": lambda: go.wait(), "c": lambda: None}
    ) == ["b"]
    assert has_hung_threads()
    go.set()
    until("its end", lambda: not has_hung_threads())
    with pytest.raises(SourceError, match="gone"):
        run_all_with_timeout(5, {"a": raising, "b": lambda: None})


def raising() -> None:
    raise SourceError("gone")


def test_an_interruptible_job_returns_and_raises_what_it_does() -> None:
    assert interruptible("adding", lambda: 1 + 1) == 2
    with pytest.raises(SourceError, match="gone"):
        interruptible("raising", raising)
    assert not has_hung_threads()


@pytest.fixture
def interrupts() -> Iterator[None]:
    """Ctrl-C raises, although a shell's background job, as these tests may be, ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.skipif(sys.platform == "win32", reason="there a signal would end the tests")
@pytest.mark.usefixtures("interrupts")
def test_a_signal_ends_the_wait_and_the_job_is_left() -> None:
    go, done = threading.Event(), threading.Event()

    def job() -> None:
        threading.Timer(0.2, os.kill, [os.getpid(), signal.SIGINT]).start()
        go.wait(10)
        done.set()

    with pytest.raises(KeyboardInterrupt):
        interruptible("hanging", job)
    assert has_hung_threads() and not done.is_set()
    go.set()
    until("its end", lambda: not has_hung_threads())
