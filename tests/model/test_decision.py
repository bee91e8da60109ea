"""Scores and states against cases that can be worked out by hand."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from maskdet.detections import CLASS_NAMES, Detections, MaskState
from maskdet.model.decision import Calibration, DecisionRule, logit

MASK, BARE, WRONG, UNSURE = MaskState


def faces(*probabilities: tuple[float, float, float], width: float = 40.0) -> Detections:
    """Faces in a row, each in its best state."""
    given = np.array(probabilities, np.float32).reshape(-1, 3)
    left = 100.0 * np.arange(len(given))
    boxes = np.stack([left, 0 * left, left + width, 0 * left + 50], axis=1)
    return Detections(boxes, given.max(axis=1), given.argmax(axis=1), probabilities=given)


def test_calibration_is_platt_s_and_can_be_inverted() -> None:
    calibration = Calibration((2.0, 1.0, 0.5), (-1.0, 0.0, 3.0))
    logits = np.array([[0.5, 0.0, -6.0], [-400.0, 400.0, 0.0]], np.float32)
    expected = [[0.5, 0.5, 0.5], [0.0, 1.0, 1 / (1 + math.exp(-3))]]
    np.testing.assert_allclose(calibration.probabilities(logits), expected, atol=1e-6)
    assert [calibration.logit(i, 0.5) for i in range(3)] == pytest.approx([0.5, 0.0, -6.0])
    assert calibration.logit(0, 0.0) == -math.inf and calibration.logit(0, 1.0) == math.inf


def test_each_state_has_its_own_lowest_score() -> None:
    rule = DecisionRule((0.5, 0.3, 0.2, 0.4))
    given = faces((0.49, 0, 0), (0.5, 0, 0), (0, 0.3, 0), (0, 0.29, 0), (0, 0, 0.2), (0, 0, 0.19))
    shown = rule.apply(given)
    assert shown.states.tolist() == [MASK, BARE, WRONG]
    assert shown.scores.tolist() == pytest.approx([0.5, 0.3, 0.2])


@pytest.mark.parametrize(
    ("given", "state", "score"),
    [
        ((0.6, 0.2, 0.0), MASK, 0.6),  # .75 of .8
        ((0.6, 0.21, 0.0), UNSURE, 0.81),  # a little less of it
        ((0.3, 0.3, 0.2), UNSURE, 0.8),  # no state is likely, a face is
        ((0.9, 0.8, 0.0), UNSURE, 1.0),  # no probability is above 1
        ((0.2, 0.15, 0.0), None, None),  # neither a state nor surely a face
        ((0.45, 0.0, 0.0), None, None),  # no doubt of the state, but of the face
    ],
)  # fmt: skip
def test_a_doubtful_state_is_unsure(
    given: tuple[float, float, float], state: MaskState | None, score: float | None
) -> None:
    shown = DecisionRule((0.5, 0.5, 0.5, 0.4), certainty=0.75).apply(faces(given))
    assert shown.states.tolist() == ([] if state is None else [state])
    assert shown.scores.tolist() == pytest.approx([] if score is None else [score])


def test_a_card_asks_how_likely_a_face_is_whatever_its_state() -> None:
    rule = DecisionRule.from_min_face(0.3)
    given = faces((0.15, 0.16, 0.0), (0.15, 0.14, 0.0), (0.33, 0, 0), (0, 0, 0.29))
    assert rule.apply(given).scores.tolist() == pytest.approx([0.33, 0.16])
    assert replace(rule, certainty=0.6).apply(given).states.tolist() == [MASK, UNSURE]
    assert rule.limits == {"face": 0.3}
    # who asks for a score gets none below it, and no more unsure faces than before
    lower = replace(rule, certainty=0.6).with_min_score(0.2)
    assert lower.apply(given).scores.tolist() == pytest.approx([0.33, 0.31, 0.29])
    assert len(rule.with_min_score(0.34).apply(given)) == 0


@pytest.mark.parametrize(("width", "state"), [(9.9, UNSURE), (10.0, MASK)])
def test_a_small_face_is_unsure(width: float, state: MaskState) -> None:
    rule = DecisionRule((0.5,) * 4, width=10)
    assert rule.apply(faces((0.8, 0, 0), width=width)).states.tolist() == [state]
    third_party = replace(faces((0.8, 0, 0), width=width), probabilities=None)
    assert rule.apply(third_party).states.tolist() == [state]


def test_lower_scores_wanted_make_no_more_faces_unsure() -> None:
    """Far below the limit everything is doubtful: that is not a face whose state is in doubt."""
    rule = DecisionRule((0.5, 0.5, 0.5, 0.4), certainty=0.75)
    given = faces((0.1, 0.08, 0.0), (0.3, 0.25, 0.0), (0.02, 0.0, 0.0))
    assert rule.apply(given).states.tolist() == [UNSURE]
    assert rule.with_min_score(0.05).apply(given).states.tolist() == [UNSURE, MASK]
    # and a higher one counts for them, too
    assert len(rule.with_min_score(0.6).apply(given)) == 0
    assert rule.with_min_score(0.05).min_scores == (0.05, 0.05, 0.05, 0.4)


def test_shown_faces_come_best_first() -> None:
    given = faces((0.6, 0, 0), (0.45, 0.42, 0), (0.7, 0, 0))
    shown = DecisionRule((0.5,) * 4, certainty=0.75).apply(given)
    assert shown.scores.tolist() == pytest.approx([0.87, 0.7, 0.6])
    assert shown.boxes[:, 0].tolist() == [100, 200, 0]
    assert len(DecisionRule((0.5,) * 4, certainty=0.75).apply(Detections.empty())) == 0


@pytest.mark.parametrize("seed", range(5))
def test_nothing_below_the_least_logit_is_ever_shown(seed: int) -> None:
    random = np.random.default_rng(seed)
    calibration = Calibration(random.uniform(0.7, 1.5, 3), random.normal(0, 0.7, 3))
    limits, certainty = random.uniform(0.05, 0.9, 4), random.choice([0, 0.7])
    rule = DecisionRule(limits, certainty=float(certainty), calibration=calibration)
    if seed % 2:
        rule = replace(DecisionRule.from_min_face(limits[0]), calibration=calibration)
    given = calibration.probabilities(random.normal(-4, 3, (2000, 3)))
    logits = np.log(given.astype(np.float64) / (1 - given))
    raw = (logits - calibration.shifts) / calibration.slopes
    low = (raw < rule.lowest_logit - 1e-4).all(axis=1)
    assert low.any() and not low.all()
    assert len(rule.apply(faces(*given[low].tolist()))) == 0
    assert len(rule.apply(faces(*given.tolist()))) > 0


def test_a_logit_is_a_sigmoid_s_inverse() -> None:
    assert logit(0.5) == 0 and logit(0) == -math.inf and logit(1) == math.inf
    assert 1 / (1 + math.exp(-logit(0.2))) == pytest.approx(0.2)
    assert len(CLASS_NAMES) == 3
