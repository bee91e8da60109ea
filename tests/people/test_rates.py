"""Frame rates that are far from a camera's."""

from __future__ import annotations

import pytest

from tests.people.scenes import Actor, ids, play, times, unique, walk


@pytest.mark.parametrize("fps", (0.2, 0.33, 100))
def test_who_sits_is_one_person_at_any_rate(fps: float):
    seen = play([Actor(walk(100, 100)), Actor(walk(500, 300))], times(fps, max(3, 8 / fps)))
    assert ids(seen) == {1, 2} and unique(seen) == 2


def test_a_rate_that_falls_changes_nobody():
    moments = times(25, 3) + times(1, 6, 3.0) + times(0.3, 20, 9.0)
    assert ids(play([Actor(walk(100, 100)), Actor(walk(400, 300))], moments)) == {1, 2}
