"""A fault of an output: when it is tried again, and when it counts as over."""

from __future__ import annotations

import time

import pytest

from maskdet.sinks.retry_state import RetryState


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(time, "monotonic", made)
    return made


def test_attempts_are_further_and_further_apart_up_to_a_minute(clock: Clock) -> None:
    state, waited = RetryState("writing", 5.0), []
    for _ in range(8):
        state.fail("disk full", "make room")
        began = clock.now
        while not state.due:
            clock.now += 1
        waited.append(clock.now - began)
    assert waited == [0, 5, 10, 20, 40, 60, 60, 60]


@pytest.mark.parametrize(
    ("dropped", "missing"),
    [(0, "0 rows are missing"), (1, "1 row is missing"), (2, "2 rows are missing")],
)
def test_a_fault_is_over_when_all_went_well_for_a_while(
    clock: Clock, caplog: pytest.LogCaptureFixture, dropped: int, missing: str
) -> None:
    state = RetryState("writing", 5.0)
    state.fail("disk full", "make room")
    for _ in range(dropped):
        state.count_dropped()
    clock.now += 3
    state.record_success("row")
    assert state.active and not state.down
    clock.now += 4
    state.record_success("row")
    assert state.active
    clock.now += 1
    state.record_success("row")
    assert not state.active and state.missed == 0
    assert caplog.messages == [
        "writing stopped: disk full; make room",
        f"writing goes on after 3 s; {missing}",
    ]
