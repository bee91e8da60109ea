"""The one place that opens a window. (Stub: signatures only.)"""

from __future__ import annotations

import numpy as np


def display_available() -> tuple[bool, str]:
    """Whether a window can be opened, and if not, why and what to do (one line)."""
    raise NotImplementedError


class Window:
    """A resizable window; opened by the first `show`, from the main thread."""

    def __init__(self, title: str) -> None:
        self.title = title

    @property
    def closed(self) -> bool:
        """Whether the user closed it."""
        raise NotImplementedError

    def show(self, image: np.ndarray) -> None:
        """Shows a BGR picture."""
        raise NotImplementedError

    def key(self, wait_ms: int = 1) -> str | None:
        """The key pressed, by name: ``q``, ``esc``, ``space``, ``s``, ``r``, ``b``, ``h``."""
        raise NotImplementedError

    def close(self) -> None:
        """May be called twice."""
        raise NotImplementedError
