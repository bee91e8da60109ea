"""Networks that answer several pictures at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import count

import pytest

from maskdet.runtimes.side_by_side import SideBySide


@pytest.fixture
def pair() -> Iterator[SideBySide[int]]:
    numbers = count()
    several = SideBySide(lambda: next(numbers), 2)
    yield several
    several.close()
    several.close()


def test_answers_come_in_the_items_order_whoever_is_ready_first(pair: SideBySide[int]):
    def answer(network: int, seconds: float) -> float:
        time.sleep(seconds)
        return seconds

    waits = [0.1, 0.0, 0.05, 0.0]
    assert pair.map(answer, waits) == waits
    assert pair.map(answer, []) == []


def test_two_work_at_once_and_no_network_twice(pair: SideBySide[int]):
    meeting = threading.Barrier(2, timeout=10)

    def answer(network: int, item: int) -> int:
        meeting.wait()  # fails where the other is not there
        return network

    networks = pair.map(answer, range(8))
    assert sorted(networks) == [0] * 4 + [1] * 4


def test_a_failure_is_raised_and_its_network_goes_on(pair: SideBySide[int]):
    def answer(network: int, item: int) -> int:
        if item < 0:
            raise ValueError("no picture")
        return item

    for _ in range(3):
        with pytest.raises(ValueError, match="no picture"):
            pair.map(answer, [1, -1, -1, 2])
    assert pair.map(answer, [1, 2, 3]) == [1, 2, 3]
