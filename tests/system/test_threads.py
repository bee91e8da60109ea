"""Mailboxes and workers: what is lost, what is carried, what can be stopped."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskdet.errors import SourceError
from maskdet.system.threads import Closed, Condition, Mailbox, Worker, wait_ready

pytestmark = pytest.mark.timeout(20)


def drain(box: Mailbox[int]) -> list[int]:
    items = []
    while box.ready and not box.exhausted:
        items.append(box.get())
    return items


@given(st.lists(st.one_of(st.just("read"), st.integers()), max_size=40))
def test_newest_keeps_the_last_and_counts_the_rest(steps: list[object]) -> None:
    box: Mailbox[object] = Mailbox(newest=True)
    newest, lost = None, 0
    for step in steps:
        if step == "read":
            assert box.get(0) == newest
            newest = None
        else:
            assert box.put(step)
            lost += newest is not None
            newest = step
    assert box.dropped == lost


def test_waiting_loses_nothing_and_keeps_order() -> None:
    box: Mailbox[int] = Mailbox(3)
    writer = Worker("write", lambda: [box.put(i) for i in range(500)], [box])
    writer.start()
    read = []
    with pytest.raises(Closed):
        while True:
            read.append(box.get())
    writer.join()
    assert read == list(range(500))
    assert box.dropped == 0


@pytest.mark.parametrize("newest", [True, False])
def test_what_is_left_comes_before_the_end(newest: bool) -> None:
    box: Mailbox[int] = Mailbox(newest=newest)
    box.put(7)
    box.close(SourceError("unplugged"))
    assert box.ready and not box.exhausted
    assert box.get() == 7
    assert box.exhausted
    for _ in range(2):  # the next reader gets it again
        with pytest.raises(SourceError, match="unplugged"):
            box.get()


def test_first_close_counts() -> None:
    box: Mailbox[int] = Mailbox()
    box.close()
    box.close(SourceError("too late"))
    with pytest.raises(Closed):
        box.get()


def test_get_gives_up_after_its_timeout() -> None:
    assert Mailbox[int]().get(0.01) is None


@pytest.mark.parametrize("newest", [True, False])
def test_a_closed_mailbox_takes_nothing(newest: bool) -> None:
    box: Mailbox[int] = Mailbox(newest=newest)
    box.close()
    assert not box.put(1)
    assert box.dropped == 0


def test_close_wakes_a_writer_that_waits_for_room() -> None:
    box: Mailbox[int] = Mailbox(1)
    box.put(0)
    answers: list[bool] = []
    begun = threading.Event()
    writer = Worker("write", lambda: (begun.set(), answers.append(box.put(1))))
    writer.start()
    begun.wait()
    box.close()
    writer.join()
    assert answers == [False]
    assert drain(box) == [0]


def test_close_wakes_a_reader() -> None:
    box: Mailbox[int] = Mailbox()
    ends: list[str] = []

    def read() -> None:
        try:
            box.get()
        except Closed:
            ends.append("closed")

    reader = Worker("read", read)
    reader.start()
    box.close()
    reader.join()
    assert ends == ["closed"]


@pytest.mark.parametrize("error", [SourceError("gone"), ValueError("a bug"), KeyboardInterrupt()])
def test_a_workers_death_is_raised_in_the_reader(error: BaseException) -> None:
    box: Mailbox[int] = Mailbox(2)

    def die() -> None:
        box.put(1)
        raise error

    worker = Worker("dies", die, [box])
    worker.start()
    assert box.get() == 1
    with pytest.raises(type(error)):
        box.get()
    worker.join()


def test_joining_a_worker_that_never_started() -> None:
    Worker("idle", lambda: None).join()


def test_a_workers_death_is_raised_once() -> None:
    def fail() -> None:
        raise RuntimeError("a bug")

    worker = Worker("failing", fail)
    worker.raise_error()
    worker.start()
    assert worker.join(5)
    with pytest.raises(RuntimeError, match="a bug"):
        worker.raise_error()
    worker.raise_error()


def test_wait_ready_finds_items_and_ends() -> None:
    condition = Condition()
    boxes = [Mailbox[int](condition=condition) for _ in range(3)]
    assert wait_ready(boxes, 0.01) == []
    assert wait_ready([], None) == []
    boxes[2].put(5)
    assert wait_ready(boxes) == [boxes[2]]
    boxes[0].close()
    assert wait_ready(boxes) == [boxes[0], boxes[2]]


def test_wait_ready_wakes_for_a_later_item() -> None:
    condition = Condition()
    boxes = [Mailbox[int](condition=condition) for _ in range(2)]
    writer = Worker("write", lambda: boxes[1].put(3))
    writer.start()
    assert wait_ready(boxes) == [boxes[1]]
    writer.join()


def test_the_death_of_a_thread_that_nobody_asks_is_logged(caplog: pytest.LogCaptureFixture):
    def fail() -> None:
        raise KeyError("rtsp://ann:s3cret@camera/1")

    asked, alone = Worker("asked", fail), Worker("alarms", fail, is_alone=True)
    for worker in (asked, alone):
        worker.start()
        assert worker.join(30) and isinstance(worker.error, KeyError)
    (line,) = caplog.messages
    assert line.startswith("alarms has ended: internal error: KeyError") and "s3cret" not in line
