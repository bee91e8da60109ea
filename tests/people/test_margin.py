"""The margin beside the count of people."""

from __future__ import annotations

from tests.people.scenes import Actor, play, times, walk


def margin(actors, fps: float = 10, seconds: float = 12) -> int:
    return play(actors, times(fps, seconds))[-1].people_counts.margin


def test_people_who_are_always_seen_are_counted_for_certain():
    assert margin([Actor(walk(100, 100)), Actor(walk(400, 300, vx=10))]) == 0


def test_somebody_who_comes_where_somebody_vanished_may_be_the_same():
    first = Actor(walk(100, 100, gone=[(4, 99)]))
    second = Actor(walk(200, 160, gone=[(0, 6.5)]))
    assert margin([first, second]) == 1


def test_somebody_who_comes_elsewhere_is_somebody_else():
    first = Actor(walk(100, 100, gone=[(4, 99)]))
    assert margin([first, Actor(walk(600, 400, gone=[(0, 6.5)]))]) == 0


def test_who_has_been_gone_for_long_is_not_who_comes():
    first = Actor(walk(100, 100, gone=[(4, 99)]))
    assert margin([first, Actor(walk(120, 110, gone=[(0, 9)]))], seconds=14) == 0


def test_many_who_vanish_and_come_back_make_the_count_less_certain():
    blinking = [Actor(walk(60 + 90 * i, 200, gone=[(t, t + 1) for t in range(1, 20, 2)]))
                for i in range(6)]  # fmt: skip
    assert margin(blinking, fps=5, seconds=20) >= 2
