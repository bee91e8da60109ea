"""The clock of a source, which never goes back whatever the times of its frames do."""

from __future__ import annotations

import pytest

from maskdet.people.clock import SourceClock


@pytest.mark.parametrize("jump", [-0.001, -3600.0])
def test_a_time_before_the_last_one_counts_as_one_ordinary_interval(jump: float) -> None:
    clock = SourceClock()
    for number in range(100):
        clock.step(number / 10)
    before = clock.now
    assert clock.step(9.9 + jump) == pytest.approx(0.1, abs=1e-3)
    assert clock.step(9.9 + jump + 0.1) == pytest.approx(0.1)
    assert clock.now == pytest.approx(before + 0.2, abs=1e-3)


def test_frames_of_one_time_move_nothing_on() -> None:
    clock = SourceClock()
    assert [clock.step(position) for position in (5.0, 5.0, 5.5)] == [0.0, 0.0, 0.5]
    assert clock.now == 0.5
