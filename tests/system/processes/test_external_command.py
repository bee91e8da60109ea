"""Programs of others: their output, their input, and those that do not end."""

from __future__ import annotations

import sys
import time
import tracemalloc

import psutil
import pytest

from maskdet.system.processes.external_command import Outcome, run_command


def python(code: str, **options) -> Outcome:  # type: ignore[no-untyped-def]
    return run_command([sys.executable, "-c", code], **options)


def test_status_and_last_line() -> None:
    code = "import sys; print('one'); print(' two '); sys.stdout.flush(); sys.exit(3)"
    assert python(code) == Outcome(3, "two")
    assert python("pass") == Outcome(0, "")


def test_what_it_writes_without_end_takes_no_memory() -> None:
    code = "import sys\nfor _ in range(64): sys.stdout.write('x' * 2**20 + '\\n')\nprint('done')"
    tracemalloc.start()
    try:
        assert python(code) == Outcome(0, "done")
        assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    finally:
        tracemalloc.stop()


def test_input_that_nobody_reads_holds_nothing_up() -> None:
    assert python("print('hello')", stdin=b"x" * 2**20) == Outcome(0, "hello")
    code = "import sys; print(len(sys.stdin.buffer.read()))"
    assert python(code, stdin=b"x" * 2**20) == Outcome(0, str(2**20))


def test_what_takes_too_long_is_ended_with_all_it_started() -> None:
    code = (
        "import subprocess, sys, time; "
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); "
        "print(child.pid, flush=True); time.sleep(60)"
    )
    began = time.monotonic()
    done = python(code, timeout_s=5.0)
    assert done.status is None and time.monotonic() - began < 20
    child = int(done.last_line)
    deadline = time.monotonic() + 60
    while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_what_is_not_there_cannot_be_started() -> None:
    with pytest.raises(OSError):
        run_command(["maskdet-no-such-program"])
