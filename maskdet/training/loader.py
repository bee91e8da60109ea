"""Batches by number: the same number gives the same batch, so that a run can go on anywhere."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol

import numpy as np

from maskdet.detections import CLASS_NAMES
from maskdet.training.augmentation import Augmentation
from maskdet.training.dataset import Sample
from maskdet.training.pasting import FacePaste

Batch = tuple[np.ndarray, dict[str, np.ndarray]]
"""Pictures float32 RGB 0–255 (batch, size, size, 3), and the network's targets stacked."""


class TargetMaker(Protocol):
    """A network, as far as the loader needs it."""

    def targets(
        self, boxes: np.ndarray, classes: np.ndarray, height: int, width: int
    ) -> dict[str, np.ndarray]:
        """What the network should answer for one picture."""


class Loader:
    """Draws samples by weight and turns them into batches, some steps ahead in threads."""

    def __init__(
        self,
        samples: Sequence[Sample],
        weights: Sequence[float] | np.ndarray,
        augmentation: Augmentation,
        network: TargetMaker,
        *,
        batch: int,
        seed: int = 0,
        threads: int = 2,
        paste: FacePaste | None = None,
    ) -> None:
        """Weights are how often each sample is drawn, relative to the others."""
        self._samples = list(samples)
        total = np.cumsum(np.asarray(weights, np.float64))
        self._cumulative = total / total[-1]
        self._families: dict[tuple[int, ...], list[Sample]] = {}
        for sample in self._samples:
            self._families.setdefault(sample.labelled, []).append(sample)
        self._augmentation = augmentation
        self._network = network
        self._batch = batch
        self._seed = seed
        self._threads = threads
        self._paste = paste

    def batch(self, number: int) -> Batch:
        """The batch of that number."""
        random = np.random.default_rng((self._seed, number))
        images, targets = zip(*(self._one(random) for _ in range(self._batch)), strict=True)
        stacked = {key: np.stack([target[key] for target in targets]) for key in targets[0]}
        return np.stack(images), stacked

    def batches(self, first: int, end: int) -> Iterator[Batch]:
        """Batches `first` … `end` − 1, made ahead of their use."""
        ahead: deque[Future[Batch]] = deque()
        with ThreadPoolExecutor(self._threads, "loader") as pool:
            try:
                for number in range(first, end):
                    ahead.append(pool.submit(self.batch, number))
                    if len(ahead) > 2 * self._threads:
                        yield ahead.popleft().result()
                while ahead:
                    yield ahead.popleft().result()
            finally:
                pool.shutdown(cancel_futures=True)

    def _one(self, random: np.random.Generator) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        sample = self._samples[int(np.searchsorted(self._cumulative, random.random(), "right"))]
        family = self._families[sample.labelled]

        def another() -> Sample:
            return self._pasted(family[int(random.integers(len(family)))], random)

        view = self._augmentation.view(self._pasted(sample, random), another, random)
        height, width = view.image.shape[:2]
        target = self._network.targets(view.boxes, view.classes, height, width)
        known = np.zeros(len(CLASS_NAMES), np.float32)
        known[list(sample.labelled)] = 1
        return view.image[:, :, ::-1].astype(np.float32), {**target, "known": known}

    def _pasted(self, sample: Sample, random: np.random.Generator) -> Sample:
        return self._paste(sample, random) if self._paste else sample


def draw_weights(samples: Sequence[Sample], rare: float) -> np.ndarray:
    """Weights (N,) that favour pictures of the class seen least, by `rare` times."""
    if not samples:
        return np.zeros(0)
    counts = np.bincount(
        np.concatenate([sample.classes for sample in samples]).astype(int),
        minlength=len(CLASS_NAMES),
    )
    rarest = min(samples[0].labelled, key=lambda index: counts[index])
    if counts[rarest] * len(CLASS_NAMES) >= counts.sum():
        return np.ones(len(samples))
    return np.array([rare if (sample.classes == rarest).any() else 1.0 for sample in samples])
