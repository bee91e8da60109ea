"""A network of one convolution and what trains it: fast, yet with all that a training keeps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
from keras import layers, ops

from maskdet.datasets.samples import Sample
from maskdet.training.augmentation.views import Augmentation
from maskdet.training.batches.loader import Loader
from maskdet.training.batches.maker import BatchMaker
from maskdet.training.trainer import Schedule, Trainer

VIEW = Augmentation(32, 40, (0.7, 1.5), mosaic=0.3, rotation=10, color=0.5, degrade=0.2)


class FaceCount:
    """Targets: how many faces there are."""

    def targets(
        self, boxes: np.ndarray, classes: np.ndarray, height: int, width: int
    ) -> dict[str, np.ndarray]:
        return {"faces": np.float32(len(boxes))}


class Small(keras.Model):
    """Learns how bright a picture is; batch norm has statistics that no gradient moves."""

    target_maker = FaceCount()

    def __init__(self, filters: int = 4) -> None:
        inputs = keras.Input((32, 32, 3))
        x = layers.Conv2D(filters, 3, 2)(layers.Rescaling(1 / 255)(inputs))
        x = layers.GlobalAveragePooling2D()(layers.BatchNormalization(momentum=0.8)(x))
        super().__init__(inputs, layers.Dense(1)(x))

    def compute_loss(self, x: Any, y: Any, y_pred: Any, *more: Any, **named: Any) -> Any:
        return ops.mean((y_pred[:, 0] - y["faces"] - ops.mean(x, axis=(1, 2, 3)) / 255) ** 2)


def make_network(filters: int = 4, start: Path | None = None) -> Small:
    keras.utils.set_random_seed(1)
    network = Small(filters)
    if start is not None:
        network.load_weights(start)
    network.compile(optimizer=keras.optimizers.AdamW(1e-2), jit_compile=False)
    network.optimizer.build(network.trainable_variables)
    return network


def make_samples(folder: Path) -> list[Sample]:
    random = np.random.default_rng(0)
    samples = []
    for number in range(6):
        file = folder / f"{number}.png"
        if not file.exists():
            coarse = random.integers(0, 256, (5, 4, 3), np.uint8)
            cv2.imwrite(str(file), cv2.resize(coarse, (32, 40)))
        boxes = np.array([[4, 4, 20, 20 + number]], np.float32)
        samples.append(Sample(file, 32, 40, boxes, np.array([number % 3])))
    return samples


def rising_then_falling(network: keras.Model, step: int) -> dict[str, float]:
    """Metrics whose best is at step 12."""
    return {"mAP50": 1 - abs(step - 12) / 100}


def make_trainer(
    pictures: Path,
    folder: Path,
    progress: Callable[[int, dict[str, float]], None] = lambda step, metrics: None,
    *,
    network: keras.Model | None = None,
    evaluate: Callable[[keras.Model, int], dict[str, float]] = rising_then_falling,
    steps: int = 18,
    minutes: float | None = None,
    start_share: float = 0.0,
    **more: Any,
) -> Trainer:
    """A run of 18 steps that evaluates every fourth and saves every third."""
    network = make_network() if network is None else network
    folder.mkdir(parents=True, exist_ok=True)
    samples, targets = make_samples(pictures), network.target_maker
    loader = Loader(BatchMaker(samples, [1] * 6, VIEW, targets, batch=4, seed=2))
    schedule = Schedule(
        steps,
        rate=1e-2,
        warm_up=5,
        final=0.1,
        average=0.9,
        evaluate_every=4,
        save_every=3,
        minutes=minutes,
        start_share=start_share,
    )
    return Trainer(network, loader, schedule, folder, evaluate, progress, **more)
