"""A process of our own: its end, and that it can always be killed."""

from __future__ import annotations

import contextlib
import time

import psutil
import pytest

from maskdet.system.processes.child_process import ChildProcess
from maskdet.system.threads import Worker
from tests.system.test_timeouts import until

pytestmark = pytest.mark.timeout(20)


@pytest.mark.parametrize(
    ("module", "function", "status"),
    [
        ("maskdet.no_such_module", "main", 1),  # dies at its start
        ("os", "abort", -6),  # as by a crash in a decoder
        ("os", "getcwd", 0),  # ends without a word
    ],
)
def test_a_childs_end_is_the_end_of_what_it_sends(module: str, function: str, status: int) -> None:
    child = ChildProcess(module, function)
    assert not child.read_into(memoryview(bytearray(4)))
    assert child.wait() == status
    child.kill()


def test_kill_ends_a_read_from_a_child_that_hangs() -> None:
    child = ChildProcess("signal", "pause")
    answers: list[bool] = []
    reader = Worker("read", lambda: answers.append(child.read_into(memoryview(bytearray(4)))))
    reader.start()
    assert child.kill() == -9
    assert child.kill() == -9
    reader.join()
    assert answers == [False]
    assert not child.read_into(memoryview(bytearray(4)))


@pytest.mark.parametrize(
    ("kind", "survives"),
    [
        ("one_that_stays", False),
        ("one_that_cuts_itself_loose", True),
        ("one_that_outlives_the_child", True),
    ],
)
def test_a_grandchild_that_holds_the_pipe_holds_up_nobody(kind: str, survives: bool) -> None:
    child = ChildProcess("tests.system.processes.grandchildren", kind)
    number = bytearray(4)
    assert child.read_into(memoryview(number))
    grandchild = psutil.Process(int.from_bytes(number, "little"))
    answers: list[bool] = []
    reader = Worker("read", lambda: answers.append(child.read_into(memoryview(number))))
    reader.start()
    time.sleep(0.2)  # it waits for bytes that never come
    began = time.monotonic()
    child.kill()
    assert time.monotonic() - began < 20  # strictly 1; it never ended
    assert reader.join(20) and answers == [False]
    try:
        until("its end", lambda: survives or not grandchild.is_running() or is_dead(grandchild))
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            grandchild.kill()


def is_dead(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.status() == psutil.STATUS_ZOMBIE  # of nobody who would look
    return True
