"""Calibration: the distance of scores from probabilities, and what removes it.

A detection of score s should find a face of its class in s of all cases. Focal loss gives less
confidence than there is reason for; two numbers a class correct it (Platt 1999, with his targets).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from maskdet.datasets.samples import Sample
from maskdet.detections import CLASS_NAMES, Detections
from maskdet.evaluation import coco
from maskdet.evaluation.precision_recall import Matches
from maskdet.model.decision import Calibration

BINS = 10
MIN_CALIBRATED_SCORE = 0.1
"""Detections below it are shown to nobody: they would make every error look small."""
FITTED_FROM = 0.05
MIN_FITTED_DETECTIONS = 10
"""Detections of either kind, right and wrong, that a class's fit takes."""


@dataclass(frozen=True, eq=False)
class Reliability:
    """Detections in bins of their score.

    Attributes:
        counts: (bins,), detections.
        scores: (bins,), their mean score; NaN in an empty bin.
        precision: (bins,), how many of them found a face of their class; NaN likewise.
    """

    counts: np.ndarray
    scores: np.ndarray
    precision: np.ndarray

    @classmethod
    def of(cls, matches: Matches) -> Reliability:
        """Of the detections that someone might see, at the first IoU."""
        chosen = matches.counted[0] & (matches.scores >= MIN_CALIBRATED_SCORE)
        scores, hits = matches.scores[chosen], matches.hits[0][chosen]
        index = np.minimum((scores * BINS).astype(int), BINS - 1)
        counts = np.bincount(index, minlength=BINS)
        some = np.where(counts, counts, np.nan)
        sums = (np.bincount(index, values, minlength=BINS) for values in (scores, hits))
        return cls(counts, *(total / some for total in sums))

    @property
    def error(self) -> float:
        """The expected calibration error (Naeini et al. 2015; of detections, Küppers et al. 2020).

        The mean distance of score and precision over the detections; NaN without any.
        """
        if not self.counts.any():
            return float("nan")
        gaps = np.nan_to_num(np.abs(self.precision - self.scores))
        return float(gaps @ self.counts / self.counts.sum())


def fit(samples: Sequence[Sample], found: Sequence[Detections]) -> Calibration:
    """The calibration that makes the network's scores of each class probabilities.

    Its scores of a face's other classes count, too: states are distinguished by it.

    Args:
        samples: the truth.
        found: detections with the network's own probabilities.
    """
    probability = np.concatenate([_probabilities(each) for each in found])
    truth = np.concatenate([_truth(*pair) for pair in zip(samples, found, strict=True)])
    pairs = []
    for index in range(len(CLASS_NAMES)):
        chosen = probability[:, index] >= FITTED_FROM
        pairs.append(platt(probability[chosen, index], truth[chosen] == index))
    slopes, shifts = zip(*pairs, strict=True)
    return Calibration(slopes, shifts)


def _probabilities(found: Detections) -> np.ndarray:
    assert found.probabilities is not None
    return found.probabilities.astype(np.float64)


def _truth(sample: Sample, found: Detections) -> np.ndarray:
    """The class (N,) of the face that each detection found, −1 where there is none."""
    owner = coco.pair(sample, found)
    classes = np.full(len(found), -1)
    classes[owner[owner >= 0]] = sample.classes[owner >= 0]
    return classes


def apply(calibration: Calibration, found: Detections) -> Detections:
    """Detections with the network's own probabilities, scored again, best first."""
    raw = np.clip(_probabilities(found), 1e-9, 1 - 1e-7)
    probability = calibration.probabilities(np.log(raw / (1 - raw)))
    scores, states = probability.max(axis=1), probability.argmax(axis=1)
    order = np.argsort(-scores, kind="stable")
    return replace(found, scores=scores, states=states, probabilities=probability)[order]


def platt(scores: np.ndarray, hits: np.ndarray) -> tuple[float, float]:
    """Slope and shift that make probabilities of scores' logits, by Newton's method.

    With too few scores to learn from, or scores that are contrary to the truth, they stay.

    Args:
        scores: (N,).
        hits: bool (N,), whether each is right.
    """
    right, wrong = int(hits.sum()), int((~hits).sum())
    if min(right, wrong) < MIN_FITTED_DETECTIONS:
        return 1.0, 0.0
    scores = np.clip(scores, 1e-9, 1 - 1e-7)
    inputs = np.stack([np.log(scores / (1 - scores)), np.ones(len(scores))])
    targets = np.where(hits, (right + 1) / (right + 2), 1 / (wrong + 2))
    values = np.array([1.0, 0.0])
    for _ in range(50):
        probability = 1 / (1 + np.exp(-np.clip(values @ inputs, -50, 50)))
        curvature = (inputs * (probability * (1 - probability))) @ inputs.T + 1e-6 * np.eye(2)
        step = np.linalg.solve(curvature, inputs @ (probability - targets))
        values = values - np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-8:
            break
    slope, shift = map(float, values)
    return (slope, shift) if slope > 0 else (1.0, 0.0)  # worse than chance: nothing to learn from


def named(calibration: Calibration) -> dict[str, dict[str, float]]:
    """A calibration as a model card has it."""
    pairs = zip(calibration.slopes, calibration.shifts, strict=True)
    return {
        name: {"slope": round(slope, 4), "shift": round(shift, 4)}
        for name, (slope, shift) in zip(CLASS_NAMES, pairs, strict=True)
    }
