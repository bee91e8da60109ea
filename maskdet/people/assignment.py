"""Optimal assignment of detections to tracks."""

from __future__ import annotations

import numpy as np


def assign(gains: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of rows and columns whose gains sum up highest; each row and column once at most.

    Pairs that nobody else competes for are found directly. Only competing ones need the solver of
    SciPy, whose import takes a second: a run in which no two people come near each other never
    imports it.

    Args:
        gains: (rows, columns); what is not above 0 is never paired.
    """
    possible = gains > 0
    rows, columns = np.nonzero(possible)
    if not len(rows):
        return []
    alone = (possible.sum(axis=1)[rows] == 1) & (possible.sum(axis=0)[columns] == 1)
    pairs = list(zip(rows[alone].tolist(), columns[alone].tolist(), strict=True))
    if alone.all():
        return pairs
    rows, columns = np.unique(rows[~alone]), np.unique(columns[~alone])
    from scipy.optimize import linear_sum_assignment

    some = np.maximum(gains[np.ix_(rows, columns)], 0.0)
    for row, column in zip(*linear_sum_assignment(some, maximize=True), strict=True):
        if some[row, column] > 0:
            pairs.append((int(rows[row]), int(columns[column])))
    return sorted(pairs)
