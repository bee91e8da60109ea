"""Annotated video through PyAV; the one place that encodes. (Stub: signatures only.)"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from maskdet.observation import Observation


class Recorder:
    """A sink that writes H.264 into ``.mp4`` (fragmented) or ``.mkv``."""

    def __init__(
        self,
        path: str | Path,
        *,
        draw: Callable[[Observation], np.ndarray] | None = None,
        blur: bool = False,
    ) -> None:
        """draw: makes the picture to record, called in the recorder's thread; default boxes only.

        Raises:
            SinkError: unknown suffix, or a folder that cannot be written.
        """
        self.blur = blur
        self.paths: list[Path] = []

    def write(self, observation: Observation) -> None:
        """Queues one observation; waits only while the queue is full."""
        raise NotImplementedError

    def close(self) -> None:
        """Writes what is queued and finishes the file; may be called twice."""
        raise NotImplementedError
