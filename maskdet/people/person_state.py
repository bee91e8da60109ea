"""The state of one person's mask, weighed over all frames so far.

A hidden Markov model with the three states: a frame's calibrated probabilities are evidence, which
counts less for a small or blurred face and for a frame that comes soon after another (a second of
images says the same at 5 and at 30 frames a second). Belief is limited, so that a true change
shows within a second, and a new state must clearly win before it replaces the one before.

Belief decides when a state changes. How certain it is, is another matter: a face that the model
takes for something else is taken for it in every frame. There the mean of the frames'
probabilities is honest (docs/people_measured.md), and nobody has a state before that suffices.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from maskdet.detections import CLASS_NAMES, Detections, MaskState

STATES = len(CLASS_NAMES)
CHANGE_S = 60.0
"""Mean seconds after which somebody changes how the mask is worn, as far as the model assumes."""
CORRELATION_S = 0.22
"""Seconds within which two frames mostly repeat each other's mistakes."""
MAX_PROBABILITY = 0.97
"""No frame is trusted further than this."""
MAX_BELIEF = 0.99
"""Belief is limited to this: what was seen for long does not outweigh a true change."""
MIN_EVIDENCE = 0.45
"""Weight of frames that a first state needs; one large sharp face in one frame has 0.6."""
FIRST_BELIEF = 0.75
"""Belief from which on a person has a first state."""
NEW_BELIEF = 0.93
"""Belief from which on another state replaces it."""
FIRST_MEAN = 0.7
"""Mean probability that a first state needs, too."""
MEAN_S = 2.0
"""Time constant of that mean, seconds."""
RECENT_S = 0.35
"""Time constant, seconds, of the mean by which another state shows quickly."""
RECENT_MEAN = 0.8
"""That mean's value from which on it does: a worn mask is sure in most images (.97 and more in 90 %
of the validation faces), a hand at the mouth in some of them alone."""
LASTING_MEAN = 0.55
"""Value of the mean over `MEAN_S` from which on a less sure state shows, too, after seconds."""
FULL_WIDTH = 32.0
"""Pixels from which on a face's width takes nothing from its evidence."""
MIN_WEIGHT = 0.15
"""Share of its evidence that the smallest and most blurred face keeps."""
_FIRST_SHARE = 0.6
_SHARP_DETAIL = 0.28
"""Ratio of step to deviation from which on a face is sharp."""
_SAMPLES = 24


class StateFilter:
    """Belief in the states of one person.

    Attributes:
        state: how the mask is worn; `unsure` until there is enough evidence.
    """

    def __init__(self) -> None:
        self.state = MaskState.unsure
        self._belief = [1 / STATES] * STATES
        self._mean = [1 / STATES] * STATES
        self._recent = [1 / STATES] * STATES
        self._evidence = 0.0

    @property
    def certainty(self) -> float:
        """Probability that `state` is right; of `unsure` that no state is."""
        if self.state is MaskState.unsure:
            return 1 - max(self._mean)
        return self._mean[self.state]

    def update(self, probabilities: Sequence[float], weight: float, seconds: float | None) -> bool:
        """Takes a frame's evidence in.

        Args:
            probabilities: of the three states, summing up to 1.
            weight: of this face's image, 0-1.
            seconds: since the evidence before; None: this is the first.

        Returns:
            Whether `state` has changed.
        """
        share = _FIRST_SHARE if seconds is None else 1 - math.exp(-seconds / CORRELATION_S)
        self._forget(seconds or 0.0)
        self._evidence += weight * share
        least = (1 - MAX_PROBABILITY) / (STATES - 1)
        belief = [
            b * min(max(p, least), MAX_PROBABILITY) ** (weight * share)
            for b, p in zip(self._belief, probabilities, strict=True)
        ]
        self._belief = _limited(belief)
        follow = 1.0 if seconds is None else weight * (1 - math.exp(-seconds / MEAN_S))
        self._mean = _followed(self._mean, probabilities, follow)
        follow = 1.0 if seconds is None else 1 - math.exp(-seconds / RECENT_S)
        self._recent = _followed(self._recent, probabilities, follow)
        if not self._decide():
            return False
        if seconds is not None and max(self._mean) != self._mean[self.state]:
            self._mean = list(probabilities)  # what was worn before says nothing of it
        return True

    def _forget(self, seconds: float) -> None:
        mixed = 1 - math.exp(-seconds / CHANGE_S)
        self._belief = [b + mixed * (1 / STATES - b) for b in self._belief]

    def _decide(self) -> bool:
        best = self._belief.index(max(self._belief))
        is_first = self.state is MaskState.unsure
        needed = FIRST_BELIEF if is_first else NEW_BELIEF
        if best == self.state or self._belief[best] < needed:
            return False
        if is_first and (self._evidence < MIN_EVIDENCE or self._mean[best] < FIRST_MEAN):
            return False
        if not is_first and self._recent[best] < RECENT_MEAN and self._mean[best] < LASTING_MEAN:
            return False
        self.state = MaskState(best)
        return True


def probabilities_of(detections: Detections, row: int) -> list[float]:
    """Probabilities of the three states of one face, summing up to 1.

    A model that reports its best state alone has the rest of its score shared by the others.
    """
    if detections.probabilities is not None:
        row_values = [max(p, 1e-6) for p in detections.probabilities[row].tolist()]
        total = sum(row_values)
        return [p / total for p in row_values]
    state, score = int(detections.states[row]), float(detections.scores[row])
    if state >= STATES:
        return [1 / STATES] * STATES
    best = min(max(score, 0.5), MAX_PROBABILITY)
    return [best if i == state else (1 - best) / (STATES - 1) for i in range(STATES)]


def face_scores(detections: Detections) -> np.ndarray:
    """Probability that each detection is a face, whatever its state (N,)."""
    if detections.probabilities is None:
        return detections.scores
    return np.minimum(detections.probabilities.sum(axis=1), 1.0)


def weight_of(width: float, sharp: float) -> float:
    """Weight of a face's evidence, 0-1.

    Args:
        width: of the face, pixels.
        sharp: its `sharpness`.
    """
    size = min(max(width / FULL_WIDTH, MIN_WEIGHT), 1.0)
    return size * min(max(sharp / _SHARP_DETAIL, MIN_WEIGHT), 1.0)


def sharpness(image: np.ndarray, box: Sequence[float]) -> float:
    """Mean step between samples of a face's green channel, over their mean deviation.

    A box without any contrast, as outside the image, counts as sharp: nothing is known.

    Args:
        image: BGR uint8 (height, width, 3).
        box: x1, y1, x2, y2 in pixels.
    """
    height, width = image.shape[:2]
    left, top = max(int(box[0]), 0), max(int(box[1]), 0)
    right, bottom = min(int(box[2]) + 1, width), min(int(box[3]) + 1, height)
    across, down = max((right - left) // _SAMPLES, 1), max((bottom - top) // _SAMPLES, 1)
    face = image[top:bottom:down, left:right:across, 1].astype(np.float32)
    if face.shape[0] < 2 or face.shape[1] < 3:
        return _SHARP_DETAIL
    deviation = float(np.abs(face - face.mean()).mean())
    return (
        float(np.abs(face[:, 1:] - face[:, :-1]).mean()) / deviation
        if deviation > 1
        else _SHARP_DETAIL
    )


def _followed(mean: Sequence[float], newest: Sequence[float], share: float) -> list[float]:
    """The mean, moved by that share of the way to the newest values."""
    return [m + share * (value - m) for m, value in zip(mean, newest, strict=True)]


def _limited(belief: Sequence[float]) -> list[float]:
    """The belief as probabilities, none of them above its limit."""
    total = sum(belief)
    shares = [b / total for b in belief]
    highest = max(shares)
    if highest <= MAX_BELIEF:
        return shares
    best = shares.index(highest)
    rest = 1 - shares[best] or 1.0
    return [
        MAX_BELIEF if i == best else max(s / rest * (1 - MAX_BELIEF), 1e-4)
        for i, s in enumerate(shares)
    ]
