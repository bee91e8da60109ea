"""Progress bars on a terminal, a line for each file or folder."""

from __future__ import annotations

import time

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

_REDRAW_S = 0.1


class ProgressBars:
    """Bars at the foot of the terminal; other messages scroll by above them.

    They are drawn by the caller of `show`: no thread of their own.
    """

    def __init__(self, console: Console | None = None) -> None:
        """Shows nothing yet.

        Args:
            console: where; by default standard error.
        """
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=12),
            TextColumn("{task.fields[text]}", markup=False),
            console=console or Console(stderr=True, highlight=False),
            auto_refresh=False,
            redirect_stdout=False,
        )
        self._tasks: dict[str, TaskID] = {}
        self._due = 0.0

    def has(self, name: str) -> bool:
        """Whether there is a bar of that name."""
        return name in self._tasks

    def show(self, name: str, share: float | None, text: str) -> None:
        """Sets a bar; the first call draws it.

        Args:
            name: stands before it.
            share: between 0 and 1; None where it is not known.
            text: stands after it.
        """
        if name not in self._tasks:
            self._progress.start()
            self._tasks[name] = self._progress.add_task(name, total=None, text="")
        total = None if share is None else 1.0
        self._progress.update(self._tasks[name], total=total, completed=share or 0.0, text=text)
        now = time.monotonic()
        if now >= self._due:
            self._due = now + _REDRAW_S
            self._progress.refresh()

    def close(self) -> None:
        """Draws the last state and leaves it there; may be called twice."""
        if self._tasks:
            self._progress.refresh()
            self._progress.stop()
