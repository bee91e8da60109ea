"""The training loop: batch, step, weight average, evaluation, checkpoint."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import keras
import numpy as np

from maskdet.errors import ConfigError, DatasetError
from maskdet.model.registry import CHECKPOINT
from maskdet.training import checkpoint
from maskdet.training.batches.maker import Batch

Evaluate = Callable[[keras.Model, int], dict[str, float]]
"""Metrics of the network as it stands at a step; ``mAP50`` chooses the best weights."""
Progress = Callable[[int, dict[str, float]], None]
"""Called at every step with its values."""
Improved = Callable[[int, dict[str, float], Path], None]
"""Called at every new best: its step, its metrics and the file of its weights."""
AVERAGE_INTERVAL_STEPS = 8
"""Steps from one update of the mean weights to the next: copying them costs a little."""


@dataclass(frozen=True)
class Schedule:
    """Learning rate and rhythm; `maskdet.training.settings.ScheduleSettings` explains each."""

    steps: int
    rate: float
    warm_up: int
    final: float
    average: float
    evaluate_every: int
    save_every: int
    minutes: float | None = None
    start_share: float = 0.0

    def rate_at(self, step: int, minutes: float = 0.0) -> float:
        """Linear warm-up, then half a cosine, by the steps or by the minutes learned."""
        if step < self.warm_up:
            return self.rate * (step + 1) / self.warm_up
        done = (step - self.warm_up) / max(1, self.steps - self.warm_up)
        if self.minutes is not None:
            done = max(done, minutes / self.minutes)
        return self.rate * (
            self.final + (1 - self.final) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
        )

    def is_over(self, minutes: float) -> bool:
        """Whether the run's time has been used."""
        return self.minutes is not None and minutes >= self.minutes


class Batches(Protocol):
    """A run's batches, by number."""

    def batches(self, first: int, end: int) -> Iterator[Batch]:
        """Batches `first` … `end` − 1."""


class Trainer:
    """Trains a compiled network in a folder, where a later one can take over."""

    def __init__(
        self,
        network: keras.Model,
        loader: Batches,
        schedule: Schedule,
        folder: Path,
        evaluate: Evaluate,
        progress: Progress,
        improved: Improved | None = None,
    ) -> None:
        """The network is compiled and holds the weights it starts from; the folder exists."""
        self._network = network
        self._loader = loader
        self._schedule = schedule
        self._folder = folder
        self._evaluate = evaluate
        self._progress = progress
        self._improved = improved
        self._average = [array.copy() for array in network.get_weights()]
        self._start = [array.copy() for array in self._average] if schedule.start_share else []
        self._step = 0
        self._best = -1.0
        self._minutes_before = 0.0
        self._began = time.monotonic()

    @property
    def best_weights(self) -> Path:
        """Where the best weights are kept."""
        return self._folder / "best.weights.h5"

    @property
    def step(self) -> int:
        """Batches learned."""
        return self._step

    @property
    def minutes(self) -> float:
        """Minutes learned, earlier parts of the run among them."""
        return self._minutes_before + (time.monotonic() - self._began) / 60

    @property
    def is_over(self) -> bool:
        """Whether the schedule has come to its end."""
        return self._step >= self._schedule.steps or self._schedule.is_over(self.minutes)

    def resume(self) -> bool:
        """Goes back to the folder's checkpoint; False if it has none.

        Raises:
            DatasetError: the checkpoint is broken or another network's.
        """
        file = self._folder / CHECKPOINT
        if not file.is_file():
            return False
        state = checkpoint.load(file)
        try:
            self._network.set_weights(state.weights)
            checkpoint.restore_optimizer(self._network.optimizer, self._network, state.optimizer)
            if state.seeds:
                checkpoint.restore_seeds(self._network, state.seeds)
        except ValueError:
            raise DatasetError(
                f"{file}: is another network's; keep the settings, or choose another --output"
            ) from None
        self._average, self._step, self._best = state.average, state.step, state.best
        self._minutes_before = state.minutes
        return True

    def run(self, until: int | None = None, stopping: Callable[[], bool] = lambda: False) -> None:
        """Learns until the schedule's end, or that step; or until asked to stop, between steps.

        Args:
            until: the step to end at; None: the schedule's last, or the one at the end of its time.
            stopping: asked after every step.

        Raises:
            ConfigError: the loss is not a number any more: the learning rate is too high.
        """
        end = self._schedule.steps if until is None else until
        self._began = time.monotonic()
        for images, targets in self._loader.batches(self._step, end):
            rate = self._schedule.rate_at(self._step, self.minutes)
            self._network.optimizer.learning_rate = rate
            loss = float(self._network.train_on_batch(images, targets))
            if not math.isfinite(loss):
                raise ConfigError(
                    f"training has failed: loss {loss} at step {self._step}; lower schedule.rate, "
                    "then --resume"
                )
            self._step += 1
            self._update_average()
            metrics = {"loss": loss, "rate": rate, "minutes": self.minutes}
            last = self._step == end or self._schedule.is_over(self.minutes)
            if self._step % self._schedule.evaluate_every == 0 or last:
                metrics |= self._evaluation()
            self._progress(self._step, metrics)
            stop = stopping()
            if self._step % self._schedule.save_every == 0 or last or stop:
                self._save()
            if last or stop:
                return

    def _update_average(self) -> None:
        if self._step % AVERAGE_INTERVAL_STEPS:
            return
        # early on the mean follows closely: weights from before the warm-up are worth nothing
        decay = (
            min(self._schedule.average, (1 + self._step) / (10 + self._step))
            ** AVERAGE_INTERVAL_STEPS
        )
        for mean, array in zip(self._average, self._network.get_weights(), strict=True):
            np.multiply(mean, decay, out=mean)
            mean += (1 - decay) * array

    def _evaluation(self) -> dict[str, float]:
        """Metrics of the weights worth keeping, which are kept if they are the best."""
        weights = self._network.get_weights()
        self._network.set_weights(self._worth_keeping())
        metrics = self._evaluate(self._network, self._step)
        if metrics["mAP50"] > self._best:
            self._best = metrics["mAP50"]
            checkpoint.save_weights(self.best_weights, self._network)
            if self._improved is not None:
                self._improved(self._step, metrics, self.best_weights)
        self._network.set_weights(weights)
        return metrics

    def _worth_keeping(self) -> checkpoint.Weights:
        """The averaged weights, or a point on the line from those that the run began from."""
        share = self._schedule.start_share
        if not share:
            return self._average
        pairs = zip(self._start, self._average, strict=True)
        return [share * start + (1 - share) * mean for start, mean in pairs]

    def _save(self) -> None:
        state = checkpoint.State(
            self._step,
            self._network.get_weights(),
            checkpoint.optimizer_values(self._network.optimizer),
            self._average,
            self._best,
            self.minutes,
            checkpoint.seed_values(self._network),
        )
        checkpoint.save(self._folder / CHECKPOINT, state)
