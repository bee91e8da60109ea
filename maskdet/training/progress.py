"""Where a training run stands, at a terminal as a bar, elsewhere as a line now and then."""

from __future__ import annotations

import time
from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

LINE_INTERVAL_S = 30.0
"""Seconds from one plain line to the next."""
INERTIA = 0.95
"""Of the shown loss and speed, which else would flicker."""


class ProgressDisplay:
    """Shows step, loss, learning rate, images a second and time left."""

    def __init__(
        self, console: Console, steps: int, batch: int, minutes: float | None = None
    ) -> None:
        """Shows nothing before it is entered.

        Args:
            console: where to.
            steps: the last one.
            batch: images in a step.
            minutes: of learning, after which the run ends, too; None: it does not.
        """
        self._console = console
        self._minutes = minutes
        self._steps, self._batch = steps, batch
        self._loss = self._speed = 0.0
        self._mark: float | None = None
        self._plain_due = 0.0
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[metrics]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("preparing", total=steps, metrics="")

    def __enter__(self) -> ProgressDisplay:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    @property
    def speed(self) -> float:
        """Images learned a second, 0 before it is known."""
        return self._speed

    def say(self, text: str) -> None:
        """A line above the bar."""
        self._console.print(text, highlight=False, markup=False, soft_wrap=True)

    def evaluating(self, step: int) -> None:
        """An evaluation begins; its time does not count for the speed."""
        self._mark = None
        self._bar.update(self._task, description="evaluating", completed=step)

    def stepped(self, step: int, loss: float, rate: float, minutes: float) -> None:
        """One step has been learned, after so many minutes of learning in all."""
        self._loss = loss if not self._loss else INERTIA * self._loss + (1 - INERTIA) * loss
        now = time.monotonic()
        if self._mark is not None:
            speed = self._batch / max(now - self._mark, 1e-6)
            self._speed = INERTIA * self._speed + (1 - INERTIA) * speed if self._speed else speed
        self._mark = now
        metrics = f"loss {self._loss:.3f}  rate {rate:.1e}  {self._speed:.1f} pictures/s"
        metrics += self._left(step, minutes)
        self._bar.update(self._task, description="training", completed=step, metrics=metrics)
        if not self._console.is_terminal and (now >= self._plain_due or step == self._steps):
            self._plain_due = now + LINE_INTERVAL_S
            self.say(f"step {step}/{self._steps}  {metrics}")

    def _left(self, step: int, minutes: float) -> str:
        """The time left, to the last step or to the end of the run's minutes."""
        if not self._speed:
            return ""
        seconds = (self._steps - step) * self._batch / self._speed
        if self._minutes is not None:
            seconds = min(seconds, max(0.0, self._minutes - minutes) * 60)
        return f"  {timedelta(seconds=round(seconds))} left"
