"""Batches by number: the same number gives the same batch, so that a run can go on anywhere."""

from __future__ import annotations

import multiprocessing
import signal
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from typing import Any

import cv2
import numpy as np

from maskdet.datasets.samples import Sample, scene_names
from maskdet.detections import CLASS_NAMES
from maskdet.errors import MaskdetError
from maskdet.networks.targets import TargetMaker
from maskdet.training.augmentation.copy_paste import CopyPaste
from maskdet.training.augmentation.views import Augmentation

Batch = tuple[np.ndarray, dict[str, np.ndarray]]
"""Images uint8 RGB (batch, size, size, 3), and the network's targets stacked."""

_BATCH_TIMEOUT_S = 5.0
"""Seconds of waiting for a batch after which to look whether its process lives."""


class Loader:
    """Draws samples by weight and turns them into batches, some steps ahead of their use."""

    def __init__(
        self,
        samples: Sequence[Sample],
        weights: Sequence[float] | np.ndarray,
        augmentation: Augmentation,
        target_maker: TargetMaker,
        *,
        batch: int,
        seed: int = 0,
        threads: int = 2,
        processes: int = 0,
        paste: CopyPaste | None = None,
        sizes: Sequence[int] = (),
    ) -> None:
        """Reads nothing yet.

        Args:
            samples: what is drawn from.
            weights: how often each is drawn, relative to the others.
            augmentation: makes views of them.
            target_maker: the network's; pickled where there are processes.
            batch: images in a batch.
            seed: of all that is drawn.
            threads: that make batches, where there are no processes.
            processes: that make batches: they keep more than a few cores busy, as threads, which
                wait for each other, cannot.
            paste: lays faces over others.
            sizes: sides of views that batches take in turn, by chance, in place of the
                augmentation's own; a batch holds about as many pixels whatever its size.
        """
        self._samples = list(samples)
        total = np.cumsum(np.asarray(weights, np.float64))
        self._cumulative = total / total[-1]
        self._families: dict[tuple[int, ...], list[Sample]] = {}
        for sample in self._samples:
            self._families.setdefault(sample.labelled, []).append(sample)
        self._augmentations = [replace(augmentation, size=size) for size in sizes] or [augmentation]
        self._pixels = batch * augmentation.size**2
        self._target_maker = target_maker
        self._seed = seed
        self._threads = threads
        self._processes = processes
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

    def batches(self, first: int, end: int) -> Iterator[Batch]:
        """Batches `first` … `end` − 1, made ahead of their use."""
        ahead: deque[Future[Batch]] = deque()
        with self._pool() as pool:
            make = _make_batch if self._processes else self.batch
            try:
                for number in range(first, end):
                    ahead.append(pool.submit(make, number))
                    if len(ahead) > 2 * (self._processes or self._threads):
                        yield _result(ahead.popleft(), pool)
                while ahead:
                    yield _result(ahead.popleft(), pool)
            except BrokenProcessPool:
                raise MaskdetError(
                    "a process that makes batches was killed, perhaps for want of memory; lower "
                    "schedule.processes, then --resume"
                ) from None
            finally:
                pool.shutdown(cancel_futures=True)

    def _pool(self) -> Executor:
        if not self._processes:
            return ThreadPoolExecutor(self._threads, "loader")
        # spawned: a fork would inherit the locks of a GPU's driver
        return ProcessPoolExecutor(
            self._processes, multiprocessing.get_context("spawn"), _take_loader, (self,)
        )

    def _one(
        self, augmentation: Augmentation, random: np.random.Generator
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        sample = self._samples[int(np.searchsorted(self._cumulative, random.random(), "right"))]
        family = self._families[sample.labelled]

        def another() -> Sample:
            return self._pasted(family[int(random.integers(len(family)))], random)

        view = augmentation.view(self._pasted(sample, random), another, random)
        height, width = view.image.shape[:2]
        target = self._target_maker.targets(view.boxes, view.classes, height, width)
        known = np.zeros(len(CLASS_NAMES), np.float32)
        known[list(sample.labelled)] = 1
        return view.image[:, :, ::-1], {**target, "known": known}

    def _pasted(self, sample: Sample, random: np.random.Generator) -> Sample:
        return self._paste(sample, random) if self._paste else sample


def _result(batch: Future[Batch], pool: Executor) -> Batch:
    """A batch, when it is made; or what went wrong."""
    while not wait([batch], _BATCH_TIMEOUT_S).done:
        if isinstance(pool, ProcessPoolExecutor):
            _end_if_one_was_killed(pool)
    return batch.result()


def _end_if_one_was_killed(pool: Any) -> None:
    """Breaks a pool that waits for the rest of a batch whose process was killed in the middle.

    It reads that batch from a pipe which all have open, itself too, and so comes to no end by
    itself; there is no public way to close it.
    """
    makers = list((pool._processes or {}).values())
    if all(maker.is_alive() for maker in makers):
        return
    for maker in makers:
        maker.kill()
    pool._result_queue._writer.close()


_loader: Loader | None = None
"""Of a process that makes batches."""


def _take_loader(loader: Loader) -> None:
    global _loader
    _loader = loader
    cv2.setNumThreads(1)  # the processes share the cores already
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the run itself ends these


def _make_batch(number: int) -> Batch:
    assert _loader is not None  # this process began with it
    return _loader.batch(number)


def draw_weights(samples: Sequence[Sample], rare: float) -> np.ndarray:
    """Weights (N,) that favor images of the class seen least, by `rare` times."""
    if not samples:
        return np.zeros(0)
    classes = np.concatenate([sample.classes for sample in samples]).astype(int)
    counts = np.bincount(classes[classes >= 0], minlength=len(CLASS_NAMES))
    rarest = min(samples[0].labelled, key=lambda index: counts[index])
    if counts[rarest] * len(CLASS_NAMES) >= counts.sum():
        return np.ones(len(samples))
    return np.array([rare if (sample.classes == rarest).any() else 1.0 for sample in samples])


def scene_weights(samples: Sequence[Sample], scene: str, limit: int) -> np.ndarray:
    """Weights (N,) by which no scene counts as more than `limit` images.

    Args:
        samples: of a data set.
        scene: see `maskdet.datasets.samples.scene_names`.
        limit: images.
    """
    weights = np.ones(len(samples))
    names = scene_names(samples, scene)
    counts = Counter(names)
    for index, name in enumerate(names):
        if name is not None:
            weights[index] = min(1.0, limit / counts[name])
    return weights
