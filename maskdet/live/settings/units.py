"""Units of settings: people write days and gigabytes, the parts count seconds and bytes."""

from __future__ import annotations

DAY_S = 24 * 3600.0
MEGABYTE, GIGABYTE = 1e6, 1e9


def times(value: float | None, unit: float) -> float | None:
    """A value in units; None, which is not a limit, stays None."""
    return None if value is None else value * unit
