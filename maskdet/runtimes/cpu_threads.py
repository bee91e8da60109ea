"""Number of threads that a network computes with on the CPU."""

from __future__ import annotations

import os


def cpu_threads() -> int:
    """One a core, but no more than four, which gain nothing."""
    return min(4, os.cpu_count() or 1)
