"""Optimal assignment of detections to tracks."""

from __future__ import annotations

import numpy as np


def assign(gains: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of rows and columns whose gains sum up highest; each row and column once at most.

    Pairs that nobody else competes for are found directly; competing ones by Jonker and Volgenant's
    algorithm (1987), as lapx has it.

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
    from lap import lapjv  # late: most runs never need it

    some = np.maximum(gains[np.ix_(rows, columns)], 0.0)
    _, chosen, _ = lapjv(-some, extend_cost=True)
    for row, column in enumerate(chosen.tolist()):
        if column >= 0 and some[row, column] > 0:
            pairs.append((int(rows[row]), int(columns[column])))
    return pairs
