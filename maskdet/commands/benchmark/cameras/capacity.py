"""The largest number of cameras that a machine carries: by doubling, then by bisection."""

from __future__ import annotations

from collections.abc import Callable

STEPS_OF_RESULT = 16
"""The number is found to one part in so many; up to that, exactly."""


def largest(passes: Callable[[int], bool], limit: int) -> int:
    """The largest number that passes; 0 where 1 does not.

    Args:
        passes: tries a number; each is tried once.
        limit: the largest number that is tried.
    """
    good, bad = 0, limit + 1
    number = 1
    while good < number < bad:
        if passes(number):
            good, number = number, min(2 * number, limit)
        else:
            bad = number
    while bad - good > max(1, good // STEPS_OF_RESULT):
        number = (good + bad) // 2
        if passes(number):
            good = number
        else:
            bad = number
    return good
