"""Decision: a network's output for its classes becomes a score and a state."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Self

import numpy as np

from maskdet import boxes as box_ops
from maskdet.detections import CLASS_NAMES, Detections, MaskState

_CLASSES = len(CLASS_NAMES)
MIN_VOTER_SHARE = 0.5
"""Share of a face's score from which on another box counts for where that face is."""
_MAX_LOGIT = 80.0
"""Logits are cut to this: e^89 is too large for a float32."""


@dataclass(frozen=True)
class Calibration:
    """Turns each class's logit into a probability (Platt 1999): σ(slope · logit + shift).

    Slopes are positive, so a class's detections keep their order.

    Attributes:
        slopes: one a class.
        shifts: one a class.
    """

    slopes: Sequence[float] = (1.0,) * _CLASSES
    shifts: Sequence[float] = (0.0,) * _CLASSES

    def probabilities(self, logits: np.ndarray) -> np.ndarray:
        """Probabilities float32 of logits, both (N, classes)."""
        logits = logits * np.asarray(self.slopes, np.float32) + np.asarray(self.shifts, np.float32)
        return 1 / (1 + np.exp(np.minimum(-logits, _MAX_LOGIT)))

    def logit(self, index: int, probability: float) -> float:
        """The logit of a class that becomes that probability; infinite at 0 and 1."""
        return (logit(probability) - self.shifts[index]) / self.slopes[index]


@dataclass(frozen=True)
class DecisionRule:
    """Decides which faces are shown, and whose state is called.

    The classes' probabilities exclude each other, so their sum is that of there being a face, and
    a state's share of the sum is how certain that state is. A calibrated card's rule asks for the
    sum alone: a face whose state is in doubt is a face all the same.

    Attributes:
        min_scores: lowest score shown, by value of `MaskState`; that of `unsure` is what the sum
            must reach for a face to be called so.
        min_face: what the sum must reach for any face to be shown.
        certainty: a face whose best state has a smaller share of the sum is unsure; 0: none is.
        width: faces narrower than this many pixels are unsure; 0: none is.
        calibration: of the probabilities.
    """

    min_scores: Sequence[float]
    certainty: float = 0.0
    width: float = 0.0
    calibration: Calibration = Calibration()
    min_face: float = 0.0

    @classmethod
    def from_min_score(cls, min_score: float) -> Self:
        """One lowest score for all, no face unsure, scores as the network gives them."""
        return cls((min_score,) * len(MaskState))

    @classmethod
    def from_min_face(cls, min_face: float) -> Self:
        """One lowest probability of there being a face, no face unsure."""
        return cls((0.0,) * len(MaskState), min_face=min_face)

    @property
    def limits(self) -> dict[str, float]:
        """The lowest scores by name: that of a face, or those of the states."""
        if self.min_face:
            return {"face": self.min_face}
        return {state.name: self.min_scores[state] for state in MaskState}

    def with_min_score(self, min_score: float) -> Self:
        """The same with one lowest score for all states.

        What is unsure stays so: a sum that did not show a face before does not do so now.
        """
        unsure = max(min_score, self.min_face, self.min_scores[MaskState.unsure])
        return replace(self, min_scores=(*(min_score,) * _CLASSES, unsure), min_face=0.0)

    def without_rejection(self, min_score: float) -> Self:
        """The same probabilities; every face down to that score is shown in its best state."""
        alike = (min_score,) * len(MaskState)
        return replace(self, min_scores=alike, certainty=0.0, width=0.0, min_face=0.0)

    @property
    def lowest_score(self) -> float:
        """A box whose best score is below it is never shown."""
        least = min(self.min_scores[:_CLASSES])
        if self.certainty or self.width:  # the best class has a third of the sum or more
            least = min(least, self.min_scores[MaskState.unsure] / _CLASSES)
        return max(least, self.min_face / _CLASSES)

    @cached_property  # asked for with each image
    def lowest_logit(self) -> float:
        """A box all whose logits are below it is never shown, nor counts for where one is."""
        least = self.lowest_score * MIN_VOTER_SHARE
        return min(self.calibration.logit(index, least) for index in range(_CLASSES))

    def apply(self, found: Detections) -> Detections:
        """The faces worth showing, best first; those too doubtful or too small are unsure.

        An unsure face's score is the probability that it is a face.

        Args:
            found: scored and in their best state; without probabilities of the classes only
                their size makes them unsure.
        """
        scores, states, sums = found.scores, found.states, found.face_scores
        if self.certainty or self.width:
            unsure = box_ops.widths(found.boxes) < self.width
            if found.probabilities is not None:
                unsure |= scores < self.certainty * found.probabilities.sum(axis=1)
            unsure &= sums >= self.min_scores[MaskState.unsure]
            states = np.where(unsure, np.int8(MaskState.unsure), states)
            scores = np.where(unsure, sums, scores)
        limits = np.asarray(self.min_scores, np.float32)
        kept = np.flatnonzero((scores >= limits[states]) & (sums >= np.float32(self.min_face)))
        kept = kept[np.argsort(-scores[kept], kind="stable")]
        return replace(found, scores=scores, states=states)[kept]

    def shown(self, found: Detections) -> np.ndarray:
        """Indices (K,) of the faces that `apply` shows, in its order."""
        ids = self.apply(replace(found, track_ids=np.arange(len(found)))).track_ids
        assert ids is not None
        return ids


EVERYTHING = DecisionRule.from_min_score(0.0)
"""Shows all there is."""


def logit(score: float) -> float:
    """The logit that a sigmoid turns into a score; infinite at 0 and 1."""
    if score <= 0:
        return -math.inf
    return math.log(score / (1 - score)) if score < 1 else math.inf
