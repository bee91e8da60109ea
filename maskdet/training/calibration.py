"""How far scores are probabilities, and what makes them so.

A detection of score s should find a face of its class in s of all cases. Focal loss teaches less
confidence than there is reason for; two numbers a class mend that (Platt 1999, with his targets).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from maskdet.detections import CLASS_NAMES, Detections
from maskdet.judging import Calibration
from maskdet.training.precision import Matches

BINS = 10
LOWEST = 0.1
"""Detections below it are shown to nobody: they would make every error look small."""
FITTED_FROM = 0.05
ENOUGH = 10
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
        scores, hits = _judged(matches, LOWEST)
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


def fit(classes: Sequence[Matches]) -> Calibration:
    """The calibration that makes the scores of these detections probabilities.

    Args:
        classes: each class's detections, scored by the network itself. A class with too few of
            them keeps its scores.
    """
    pairs = [_platt(*_judged(matches, FITTED_FROM)) for matches in classes]
    slopes, shifts = zip(*pairs, strict=True)
    return Calibration(slopes, shifts)


def apply(calibration: Calibration, found: Detections) -> Detections:
    """Detections with the network's own probabilities, scored anew, best first."""
    assert found.probabilities is not None
    raw = np.clip(found.probabilities.astype(np.float64), 1e-9, 1 - 1e-7)
    said = calibration.probabilities(np.log(raw / (1 - raw)))
    scores, states = said.max(axis=1), said.argmax(axis=1)
    order = np.argsort(-scores, kind="stable")
    return replace(found, scores=scores, states=states, probabilities=said)[order]


def _judged(matches: Matches, least: float) -> tuple[np.ndarray, np.ndarray]:
    """Scores from a lowest one on, and whether each is right."""
    chosen = matches.counted[0] & (matches.scores >= least)
    return matches.scores[chosen], matches.hits[0][chosen]


def _platt(scores: np.ndarray, hits: np.ndarray) -> tuple[float, float]:
    """Slope and shift of the logits, by Newton's method."""
    right, wrong = int(hits.sum()), int((~hits).sum())
    if min(right, wrong) < ENOUGH:
        return 1.0, 0.0
    scores = np.clip(scores, 1e-9, 1 - 1e-7)
    inputs = np.stack([np.log(scores / (1 - scores)), np.ones(len(scores))])
    targets = np.where(hits, (right + 1) / (right + 2), 1 / (wrong + 2))
    values = np.array([1.0, 0.0])
    for _ in range(50):
        said = 1 / (1 + np.exp(-np.clip(values @ inputs, -50, 50)))
        curvature = (inputs * (said * (1 - said))) @ inputs.T + 1e-6 * np.eye(2)
        step = np.linalg.solve(curvature, inputs @ (said - targets))
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
