"""Reports of a training run: at the terminal, in CSV files, to TensorBoard, in images."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from maskdet.datasets.samples import Sample
from maskdet.detections import Detections
from maskdet.evaluation import plots
from maskdet.evaluation.image_grid import Pair, sheet
from maskdet.system.atomic_files import write_whole
from maskdet.system.console import counted
from maskdet.training.csv_log import append_metrics, read_metrics
from maskdet.training.progress import ProgressDisplay
from maskdet.training.run import Listener

LOG_INTERVAL_STEPS = 10
"""Steps whose mean loss makes one line of `training.csv`."""
SHEET_IMAGES = 9
"""On a sheet of validation images."""
Metrics = dict[str, float]
Improved = Callable[[int, Metrics, Path, Sequence[Sample]], None]
"""A new best: step, metrics, weights, the images it was measured on."""


class RunLog(Listener):
    """Listens to a run, and writes into its folder.

    ``training.csv``, ``validation.csv`` (by the run itself), ``curves.png``, ``tensorboard/`` and,
    for every evaluation, ``validation/step_<n>.png``.
    """

    def __init__(self, folder: Path, display: ProgressDisplay, improved: Improved) -> None:
        """Writes nothing yet.

        Args:
            folder: the run's.
            display: at the terminal.
            improved: called at every new best.
        """
        self._folder = folder
        self._display = display
        self._on_improved = improved
        self._events: Any = None
        self._losses: list[float] = []
        self._last: tuple[int, float] | None = None
        self._samples: Sequence[Sample] = ()

    def preparing(self, what: str) -> None:
        """Something begins, or has been found, before the first step."""
        self._display.say(what)

    def begun(self, step: int, images: int, validation: int) -> None:
        """The data has been read; what an earlier run logged past that step is void."""
        from tensorboardX import SummaryWriter

        purge = step + 1 if step else None
        self._events = SummaryWriter(str(self._folder / "tensorboard"), purge_step=purge)
        start = f", going on after step {step}" if step else ""
        self._display.say(f"{counted(images, 'picture')} to learn, {validation} to validate{start}")

    def stepped(self, step: int, metrics: Metrics) -> None:
        """One step has been learned."""
        loss, rate = metrics["loss"], metrics["rate"]
        self._display.stepped(step, loss, rate, metrics["minutes"])
        self._losses.append(loss)
        self._last = step, rate
        if step % LOG_INTERVAL_STEPS == 0:
            self._log_losses(step, rate)

    def _log_losses(self, step: int, rate: float) -> None:
        """Writes the mean of the losses since the last line."""
        if self._losses:
            mean = sum(self._losses) / len(self._losses)
            self._losses.clear()
            row = {"loss": mean, "rate": rate, "pictures_per_second": self._display.speed}
            append_metrics(self._folder / "training.csv", step, row)
            self._scalars("training", step, row)

    def evaluating(self, step: int) -> None:
        """An evaluation begins."""
        self._display.evaluating(step)

    def evaluated(
        self, step: int, metrics: Metrics, samples: Sequence[Sample], found: Sequence[Detections]
    ) -> None:
        """An evaluation has ended."""
        self._samples = samples
        by_class = ", ".join(
            f"{plots.title_of(name.removeprefix('AP50_'))} {_text(value)}"
            for name, value in metrics.items()
            if name.startswith("AP50_")
        )
        self._display.say(f"step {step}: mAP50 {metrics['mAP50']:.3f} ({by_class})")
        self._scalars("validation", step, metrics)
        self._sheet(step, metrics["threshold"], samples, found)
        self._draw_curves()

    def _draw_curves(self) -> None:
        curves = plots.learning_curves(
            read_metrics(self._folder / "training.csv"),
            read_metrics(self._folder / "validation.csv"),
        )
        write_whole(self._folder / "curves.png", curves)

    def improved(self, step: int, metrics: Metrics, weights: Path) -> None:
        """The evaluation was the best one yet."""
        self._on_improved(step, metrics, weights, self._samples)

    def close(self) -> None:
        """Writes the last steps' losses, which no line has yet, draws the curves, ends the log."""
        if self._events is None:
            return
        if self._last is not None:
            self._log_losses(*self._last)
            self._draw_curves()
        self._events.close()

    def _scalars(self, group: str, step: int, metrics: Metrics) -> None:
        for name, value in metrics.items():
            if math.isfinite(value):
                self._events.add_scalar(f"{group}/{name}", value, step)
        self._events.flush()

    def _sheet(
        self, step: int, threshold: float, samples: Sequence[Sample], found: Sequence[Detections]
    ) -> None:
        """The same images each time, spread over all."""
        least = 0.3 if math.isnan(threshold) else threshold
        chosen = range(0, len(samples), max(1, -(-len(samples) // SHEET_IMAGES)))
        pairs = [Pair(samples[i], found[i][found[i].scores >= least]) for i in chosen]
        (self._folder / "validation").mkdir(exist_ok=True)
        image = sheet(pairs, f"Step {step}, score ≥ {least:.2f}", tile=280)
        write_whole(self._folder / "validation" / f"step_{step:06d}.png", image)


def _text(value: float) -> str:
    """A metric for a person; a class without faces has none."""
    return f"{value:.3f}" if math.isfinite(value) else "–"
