"""Which scores are worth showing, and when a state is too doubtful to be called."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from maskdet import boxes as box_ops
from maskdet.datasets.samples import Sample
from maskdet.detections import Detections, MaskState
from maskdet.evaluation import coco
from maskdet.evaluation.evaluator import WIDE_FACE_PIXELS
from maskdet.model.card import Unsure
from maskdet.model.decision import DecisionRule

MIN_CORRECT_SHARE = 0.97
"""Share of right states, of all faces and of the wide ones, that is worth some unsure faces …"""
MAX_UNSURE_SHARE = 0.03
"""… but no more of the found ones than this."""
CERTAINTIES = tuple(round(0.5 + 0.05 * step, 2) for step in range(9))
"""A state that is less likely than the others together is never called."""
MIN_CERTAINTY = 0.6
"""A card has at least this, even where guesses would be right often enough."""
MIN_FACE = 0.28
"""How likely a face must be to be shown: a missed one weighs two and a half false boxes, most of
which are faces that nobody labeled. F1 is so flat around its best that it says less."""
NARROW_FACES_SHARE = 0.01
"""Share of the found faces that are narrower than the model can be trusted with …"""
MAX_UNSURE_WIDTH = 12.0
"""… in pixels at most: a set of portraits must not make all others unsure."""


@dataclass(frozen=True)
class Choice:
    """Consequences of a least certainty for the faces found.

    Attributes:
        certainty: of the state.
        unsure: share of the found faces whose state is not called.
        right: share of right states among the others.
        right_unsure: share of the unsure faces whose best state was right.
        right_wide: as `right`, of faces as wide as `maskdet.evaluation.evaluator.WIDE_FACE_PIXELS`.
    """

    certainty: float
    unsure: float
    right: float
    right_unsure: float
    right_wide: float = math.nan


def certainties(
    samples: Sequence[Sample], found: Sequence[Detections], rule: DecisionRule
) -> list[Choice]:
    """The trade-off of unsure faces and right states, certainty rising."""
    return [_choice(samples, found, replace(rule, certainty=each)) for each in CERTAINTIES]


def _choice(samples: Sequence[Sample], found: Sequence[Detections], rule: DecisionRule) -> Choice:
    certain = np.zeros(3)  # of faces whose state is called: all, right; unsure ones
    wide = np.zeros(2)  # of wide faces whose state is called: all, right
    right_unsure = 0
    for sample, each in zip(samples, found, strict=True):
        shown = rule.apply(each)
        owner = coco.pair(sample, shown)
        hit = owner >= 0
        states, truth = shown.states[owner[hit]], sample.classes[hit]
        unsure, right = states == MaskState.unsure, states == truth
        certain += (~unsure).sum(), right.sum(), unsure.sum()
        is_wide = box_ops.widths(sample.boxes[hit]) >= WIDE_FACE_PIXELS
        wide += (is_wide & ~unsure).sum(), (is_wide & right).sum()
        if unsure.any() and shown.probabilities is not None:
            guess = shown.probabilities[owner[hit]].argmax(axis=1)
            right_unsure += int((guess == truth)[unsure].sum())
    called, called_right, doubted = certain
    return Choice(
        rule.certainty,
        doubted / max(called + doubted, 1),
        called_right / called if called else math.nan,
        right_unsure / doubted if doubted else math.nan,
        wide[1] / wide[0] if wide[0] else math.nan,
    )


def best_certainty(choices: Sequence[Choice]) -> float:
    """The least certainty that makes enough states right, or the most that leaves few unsure.

    Where the wide faces' states cannot be right enough, those of all faces are: doubting more would
    make unsure many that are right.
    """
    bearable = [choice for choice in choices if choice.unsure <= MAX_UNSURE_SHARE]
    enough = [choice for choice in bearable if choice.right >= MIN_CORRECT_SHARE]
    wide_too = [
        choice for choice in enough if not choice.right_wide < MIN_CORRECT_SHARE
    ]  # NaN: there are none
    if enough:
        return min(choice.certainty for choice in wide_too or enough)
    return max((choice.certainty for choice in bearable), default=0.0)


def min_width(samples: Sequence[Sample], found: Sequence[Detections], rule: DecisionRule) -> float:
    """The width below which hardly any face was found, so that nothing indicates its state."""
    widths = [np.zeros(0)]
    for sample, each in zip(samples, found, strict=True):
        shown = rule.apply(each)
        owner = coco.pair(sample, shown)
        boxes = shown.boxes[owner[owner >= 0]]
        widths.append(box_ops.widths(boxes))
    every = np.concatenate(widths)
    return (
        min(MAX_UNSURE_WIDTH, float(np.floor(np.quantile(every, NARROW_FACES_SHARE))))
        if every.size
        else 0.0
    )


def choose(
    samples: Sequence[Sample], found: Sequence[Detections], certainty: float | None = None
) -> tuple[Unsure, list[Choice]]:
    """When a state is unsure, and the trade-off that the certainty was chosen from.

    Args:
        samples: the truth.
        found: calibrated detections down to a low score.
        certainty: what the card has; None: the best by these samples.
    """
    rule = DecisionRule.from_min_face(MIN_FACE)
    choices = certainties(samples, found, rule)
    if certainty is None:
        certainty = max(MIN_CERTAINTY, best_certainty(choices))
    return Unsure(certainty=certainty, width=min_width(samples, found, rule)), choices
