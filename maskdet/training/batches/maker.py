"""Batches by number: the same number gives the same batch, so that a run can go on anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from maskdet.datasets.samples import Sample
from maskdet.detections import CLASS_NAMES
from maskdet.networks.targets import TargetMaker
from maskdet.training.augmentation.copy_paste import CopyPaste
from maskdet.training.augmentation.views import Augmentation

Batch = tuple[np.ndarray, dict[str, np.ndarray]]
"""Images uint8 RGB (batch, size, size, 3), and the network's targets stacked."""


class BatchMaker:
    """Draws samples by weight and turns views of them into batches."""

    def __init__(
        self,
        samples: Sequence[Sample],
        weights: Sequence[float] | np.ndarray,
        augmentation: Augmentation,
        target_maker: TargetMaker,
        *,
        batch: int,
        seed: int = 0,
        paste: CopyPaste | None = None,
        sizes: Sequence[int] = (),
    ) -> None:
        """Reads nothing yet.

        Args:
            samples: what is drawn from.
            weights: how often each is drawn, relative to the others.
            augmentation: makes views of them.
            target_maker: the network's.
            batch: images in a batch.
            seed: of all that is drawn.
            paste: lays faces over others.
            sizes: sides of views that batches take in turn, by chance, instead of the
                augmentation's own; a batch holds about as many pixels whatever its size.
        """
        self._samples = list(samples)
        total = np.cumsum(np.asarray(weights, np.float64))
        self._cumulative = total / total[-1]
        self._families: dict[tuple[int, ...], list[Sample]] = {}
        for sample in self._samples:
            self._families.setdefault(sample.labeled, []).append(sample)
        self._augmentations = [replace(augmentation, size=size) for size in sizes] or [augmentation]
        self._pixels = batch * augmentation.size**2
        self._target_maker = target_maker
        self._seed = seed
        self._paste = paste

    def batch(self, number: int) -> Batch:
        """The batch of that number."""
        random = np.random.default_rng((self._seed, number))
        augmentation = self._augmentations[int(random.integers(len(self._augmentations)))]
        count = max(1, round(self._pixels / augmentation.size**2))
        views = (self._one(augmentation, random) for _ in range(count))
        images, targets = zip(*views, strict=True)
        stacked = {key: np.stack([target[key] for target in targets]) for key in targets[0]}
        return np.stack(images), stacked

    def _one(
        self, augmentation: Augmentation, random: np.random.Generator
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        sample = self._samples[int(np.searchsorted(self._cumulative, random.random(), "right"))]
        family = self._families[sample.labeled]

        def another() -> Sample:
            return self._pasted(family[int(random.integers(len(family)))], random)

        view = augmentation.view(self._pasted(sample, random), another, random)
        height, width = view.image.shape[:2]
        target = self._target_maker.targets(view.boxes, view.classes, height, width)
        known = np.zeros(len(CLASS_NAMES), np.float32)
        known[list(sample.labeled)] = 1
        return view.image[:, :, ::-1], {**target, "known": known}

    def _pasted(self, sample: Sample, random: np.random.Generator) -> Sample:
        return self._paste(sample, random) if self._paste else sample
