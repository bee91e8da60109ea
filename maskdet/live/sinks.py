"""Event log and snapshots. (Stub: signatures only.)"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from maskdet.observation import Observation


class EventLog:
    """A sink that writes one JSON line per observation; ``-`` is standard output."""

    def __init__(self, path: str | Path) -> None:
        """Raises SinkError when the file cannot be opened."""

    def write(self, observation: Observation) -> None:
        """Writes and flushes one whole line."""
        raise NotImplementedError

    def close(self) -> None:
        """May be called twice."""
        raise NotImplementedError


def save_snapshot(image: np.ndarray, folder: str | Path = ".", suffix: str = ".png") -> Path:
    """Writes the picture whole or not at all, under a time-stamped name; returns its path."""
    raise NotImplementedError
