"""Progress bars on a terminal, a line for each file or folder."""

from __future__ import annotations

import time

from rich.cells import cell_len
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

_REDRAW_S = 0.1
_BAR_WIDTH, _NARROW_BAR_WIDTH = 12, 4
_WIDE = 100
"""Columns of a terminal from which on the whole bar has room beside its text."""
_MAX_NAME = 20
"""Columns of a name; a longer one lacks its end."""


class ProgressBars:
    """Bars at the foot of the terminal; other messages scroll by above them.

    They are drawn by the caller of `show`: no thread of their own.
    """

    def __init__(self, console: Console | None = None) -> None:
        """Shows nothing yet.

        Args:
            console: where; by default standard error.
        """
        self._console = console or Console(stderr=True, highlight=False)
        self._bar = BarColumn(bar_width=_BAR_WIDTH)
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            self._bar,
            TextColumn("{task.fields[text]}", markup=False),
            console=self._console,
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
            short = _fitted(name, _MAX_NAME)
            self._tasks[name] = self._progress.add_task(short, total=None, text="")
        total, fitted = None if share is None else 1.0, _fitted(text, self._room())
        self._progress.update(self._tasks[name], total=total, completed=share or 0.0, text=fitted)
        now = time.monotonic()
        if now >= self._due:
            self._due = now + _REDRAW_S
            self._progress.refresh()

    def _room(self) -> int:
        """Columns of the text: the library would take as many from names and bars as from it."""
        width = self._console.width
        self._bar.bar_width = _BAR_WIDTH if width >= _WIDE else _NARROW_BAR_WIDTH
        names = max(cell_len(task.description) for task in self._progress.tasks)
        return width - names - self._bar.bar_width - 2

    def close(self) -> None:
        """Draws the last state and leaves it there; may be called twice."""
        if self._tasks:
            self._progress.refresh()
            self._progress.stop()


def _fitted(text: str, width: int) -> str:
    shown = Text(text)
    shown.truncate(max(1, width), overflow="ellipsis")
    return shown.plain
