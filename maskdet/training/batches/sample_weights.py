"""Weights of samples, by which one is drawn more often than others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from maskdet.datasets.samples import Sample, scene_names
from maskdet.detections import CLASS_NAMES


def draw_weights(samples: Sequence[Sample], rare: float) -> np.ndarray:
    """Weights (N,) that favor images of the class seen least, by `rare` times."""
    if not samples:
        return np.zeros(0)
    classes = np.concatenate([sample.classes for sample in samples]).astype(int)
    counts = np.bincount(classes[classes >= 0], minlength=len(CLASS_NAMES))
    rarest = min(samples[0].labeled, key=lambda index: counts[index])
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
