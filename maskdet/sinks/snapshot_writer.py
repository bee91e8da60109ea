"""Snapshots, saved in a thread of their own: the window goes on meanwhile."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np

from maskdet.errors import SinkError
from maskdet.sinks.snapshots import save_snapshot
from maskdet.system.console import say
from maskdet.system.threads import Worker

_TIMEOUT_S = 1.0
"""Seconds for a snapshot, after which its disk is taken to hang …"""
_TIMEOUT_S_PER_MEGAPIXEL = 0.5
"""… and as much more for what there is to encode."""


class Snapshots:
    """Saves images one after the other, and reports what became of them."""

    def __init__(self, folder: Path) -> None:
        """Plans to save into a folder, which is made if need be."""
        self._folder = folder
        self._worker: Worker | None = None
        self._deadline = 0.0
        self._saved: list[Path] = []

    def save(self, images: Mapping[str, np.ndarray]) -> str:
        """Begins to save; returns a line for the user.

        Args:
            images: BGR uint8, by what their names are to end in; "" adds nothing.
        """
        if self._worker is not None:
            return "the snapshot before is still being saved"
        self._saved = []
        megapixels = sum(image.size for image in images.values()) / 3e6
        self._deadline = time.monotonic() + _TIMEOUT_S + _TIMEOUT_S_PER_MEGAPIXEL * megapixels
        self._worker = Worker("saving a snapshot", partial(self._write, dict(images)))
        self._worker.start()
        return "saving a snapshot …"

    def news(self) -> str:
        """A line for the user, once: what was saved, or why nothing was; also to the terminal."""
        worker = self._worker
        if worker is None:
            return ""
        if worker.is_alive and time.monotonic() < self._deadline:
            return ""
        self._worker = None
        if not worker.join(0):
            line = f"no snapshot in {self._folder} yet: the disk does not answer"
        elif isinstance(worker.error, SinkError):
            line = str(worker.error)
        elif worker.error is not None:
            raise worker.error
        else:
            say(f"snapshot: {', '.join(map(str, self._saved))}")
            more = len(self._saved) - 1
            return f"snapshot: {self._saved[0]}" + (f" and {more} more" if more else "")
        say(line)
        return line

    def close(self) -> None:
        """Waits for what is being saved."""
        if self._worker is not None:
            self._worker.join(max(0.0, self._deadline - time.monotonic()))
            self._deadline = 0.0
            self.news()

    def _write(self, images: dict[str, np.ndarray]) -> None:
        for label, image in images.items():
            self._saved.append(save_snapshot(image, self._folder, label=label))


def file_label(name: str) -> str:
    """The part of a file's name that stands for a source."""
    return re.sub(r"[^\w]+", "-", name)[-40:].strip("-_")
