"""The stated margin holds the true number of people as often as it says: simulated streets."""

from __future__ import annotations

import numpy as np
import pytest

from maskdet.people.margin import Doubts
from tests.people.margin_runs import runs, street


def test_nineteen_of_twenty_counts_are_within_their_margin() -> None:
    """Also not all of them, and none of them by a margin as wide as the street."""
    done = [run for seed in range(3) for run in runs(street(24, 20, seed), 16, seed)]
    within = sum(run.is_within for run in done)
    assert within >= 0.9 * len(done)
    errors = np.array([abs(run.counted - run.people) for run in done])
    margins = np.array([run.doubts.margin for run in done])
    assert errors.max() > 0
    assert margins.mean() < 0.5 * np.mean([run.people for run in done])


@pytest.mark.parametrize(
    ("doubts", "margin"),
    [
        (Doubts(), 0),
        (Doubts(near=1), 1),
        (Doubts(returns=40), 2),
        (Doubts(walkers=100, interval_s=4), 8),
        (Doubts(walkers=100, interval_s=100), 27),
    ],
)
def test_a_margin_grows_as_the_root_of_chance_and_with_what_passes_unseen(
    doubts: Doubts, margin: int
) -> None:
    assert doubts.margin == margin
    assert Doubts(5, 5, 5, 5).since(Doubts(5, 4, 5, 5)) == Doubts(returns=1)
