"""Lost and doubled events, as the soak of a cluster counts them: each is found where it is made."""

from __future__ import annotations

import pytest

from tests.soak.cluster.events import MAX_LOSS_S, Happened, explained, unmatched
from tests.soak.cluster.gaps import Kill

DOOR = ("crossed", "soak/hall", "7", "doorin")
LATER = ("crossed", "soak/hall", "8", "doorin")


def of_file(key: tuple[str, ...] = DOOR, at: float = 100.0) -> Happened:
    return Happened(key, at, at, at, "a")


def of_store(key: tuple[str, ...] = DOOR, at: float = 100.0) -> Happened:
    return Happened(key, at, at)


def test_an_event_is_the_same_in_both_to_the_millisecond():
    assert unmatched([of_file()], [of_store(at=100.0004)]) == ([], [])
    assert unmatched([of_file()], [of_store(at=100.2)]) == ([of_file()], [of_store(at=100.2)])


def test_who_has_the_same_number_in_the_next_run_is_somebody_else():
    first, second = Happened(DOOR, 2.022, 100.0), Happened(DOOR, 2.021, 200.0)
    files = [Happened(DOOR, 2.023, 100.1, 102.0, "a"), Happened(DOOR, 2.0214, 200.1, 202.0, "a")]
    assert unmatched(files, [second, first]) == ([], [])
    assert unmatched(files, [second]) == (files[:1], [])


def test_what_is_there_twice_or_in_no_file_is_too_many():
    twice = [of_store(), of_store(at=100.001)]
    assert unmatched([of_file()], twice) == ([], twice[1:])
    assert unmatched([], [of_store(LATER)]) == ([], [of_store(LATER)])


@pytest.mark.parametrize(
    ("kind", "age", "is_explained"),
    [
        ("crossed", 0.0, True),
        ("crossed", MAX_LOSS_S - 0.1, True),
        ("crossed", MAX_LOSS_S + 0.1, False),
        ("crossed", -0.1, False),
        ("appeared", MAX_LOSS_S + 0.1, False),
    ],
)
def test_a_kill_explains_the_loss_of_the_moment_before_it(
    kind: str, age: float, is_explained: bool
):
    lost = of_file((kind, *DOOR[1:]))
    found = explained([lost], [Kill("monitor", "a", 100.0 + age, frozenset())])
    assert found["in_time"] == ({kind: 1} if is_explained else {})
    assert len(found["others"]) == (not is_explained)


@pytest.mark.parametrize("kill", [("monitor", "b"), ("group", "a"), ("nats", ""), ("node", "a")])
def test_no_other_kill_explains_a_loss(kill: tuple[str, str]):
    found = explained([of_file()], [Kill(*kill, 100.5, frozenset())])
    assert found["in_time"] == {} and len(found["others"]) == 1
