"""Lines, a progress bar and totals of `detect`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from maskdet.detections import MaskState
from maskdet.system.console import counted, printable, say, say_line

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class ImageProgress:
    """Prints a line for each image; where a person watches, a bar below them.

    The bar goes to standard error, if that is a terminal. The lines go to standard output, or to
    standard error where standard output is wanted for data.
    """

    def __init__(self, total: int, *, keep_stdout_free: bool) -> None:
        """Shows nothing before it is entered.

        Args:
            total: images to process.
            keep_stdout_free: the lines go to standard error.
        """
        self._total = total
        self._done = 0
        self._keeps_stdout_free = keep_stdout_free
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> ImageProgress:
        if sys.stderr is not None and sys.stderr.isatty() and self._total > 1:
            self._start_bar()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def processed(self, path: Path, counts: Mapping[str, int]) -> None:
        """One image is done."""
        self._step()
        self.print(f"{self._done}/{self._total} {path}: {sentence(counts)}")

    def failed(self, reason: str) -> None:
        """One image could not be read; the reason names it."""
        self._step()
        say_line(f"{self._done}/{self._total} {reason}", "error")

    def print(self, text: str) -> None:
        """Prints a line where results go; it stays one, whatever names there are in it."""
        text = text.replace("\n", "\\n")
        if self._keeps_stdout_free:
            say(text)
        else:
            print(printable(text, sys.stdout.encoding), flush=True)

    def _step(self) -> None:
        self._done += 1
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=self._done)

    def _start_bar(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

        self._bar = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True, highlight=False),
            redirect_stdout=sys.stdout.isatty(),  # piped output is not the bar's
            transient=True,
        )
        self._task = self._bar.add_task("", total=self._total)
        self._bar.start()


def sentence(counts: Mapping[str, int]) -> str:
    """Counts as a person reads them: ``2 mask, 1 no mask``."""
    named = [f"{count} {MaskState[state].title}" for state, count in counts.items() if count]
    return ", ".join(named) or "no face"


def totals(processed: int, total: int, failed: int, counts: Mapping[str, int]) -> str:
    """The last line: how much of the work was done, and all counts."""
    faces = sum(counts.values())
    found = f"{counted(faces, 'face')} ({sentence(counts)})" if faces else "no face"
    images = f"{processed} of {counted(total, 'image')}"
    left = [f"{failed} could not be read"] if failed else []
    if stopped := total - processed - failed:
        left.append(f"{stopped} not reached")
    return "; ".join([f"processed {images}: {found}", *left])
