"""Scores made honest, and limits chosen, on detections whose right values are known."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from maskdet.detections import Detections, MaskState
from maskdet.evaluation import calibration, thresholds
from maskdet.evaluation.calibration import Reliability
from maskdet.evaluation.precision_recall import Matches
from maskdet.evaluation.thresholds import Choice, best_certainty
from maskdet.model.decision import Calibration, DecisionRule
from tests.evaluation.test_evaluation import sample


def matches(scores: np.ndarray, hits: np.ndarray) -> Matches:
    """One class's detections at ten IoUs, all in one picture."""
    order = np.argsort(-scores)
    every = np.repeat(hits[None, order], 10, axis=0)
    zero = np.zeros(len(scores), np.int64)
    return Matches(scores[order], zero, every, np.ones_like(every), np.array([hits.sum()]))


def test_the_error_by_hand() -> None:
    """Ten detections of .35, of which six are right; ten of .95, all right; the rest is hidden."""
    scores = np.array([0.35] * 10 + [0.95] * 10 + [0.05] * 80)
    hits = np.array([True] * 6 + [False] * 4 + [True] * 10 + [False] * 80)
    reliability = Reliability.of(matches(scores, hits))
    assert reliability.counts.sum() == 20
    assert reliability.precision[3] == pytest.approx(0.6)
    assert reliability.scores[9] == pytest.approx(0.95)
    assert np.isnan(reliability.precision[5])
    assert reliability.error == pytest.approx((0.25 * 10 + 0.05 * 10) / 20)
    assert np.isnan(Reliability.of(matches(np.zeros(0), np.zeros(0, bool))).error)


@pytest.mark.parametrize(("slope", "shift"), [(3.0, 0.2), (0.5, -1.0), (1.0, 0.0)])
def test_a_fit_finds_what_scores_lack(slope: float, shift: float) -> None:
    """Detections are right as often as slope and shift say: the fit finds both again."""
    random = np.random.default_rng(0)
    logits = random.uniform(-2.9, 3, 20_000)
    hits = random.random(len(logits)) < 1 / (1 + np.exp(-(slope * logits + shift)))
    found = calibration.platt(1 / (1 + np.exp(-logits)), hits)
    assert found == (pytest.approx(slope, rel=0.06), pytest.approx(shift, abs=0.1))


@pytest.mark.parametrize("right", [0, 3, 50])
def test_a_class_with_too_little_to_learn_from_keeps_its_scores(right: int) -> None:
    """Nothing, nearly nothing, or scores that say the contrary of what is so."""
    scores = np.linspace(0.1, 0.9, 100)
    hits = np.arange(100) < right
    assert calibration.platt(scores, hits) == (1.0, 0.0)


@pytest.mark.parametrize("wrong", [3, 97])
def test_few_detections_of_either_kind_are_too_little_though_scores_are_right(wrong: int) -> None:
    hits = np.arange(100) >= wrong
    assert calibration.platt(np.linspace(0.1, 0.9, 100), hits) == (1.0, 0.0)


def test_a_fit_aims_at_platt_s_targets_not_at_0_and_1() -> None:
    """Where all scores are alike, the fit gives the mean of the targets, 31/32 and 1/12 here."""
    slope, shift = calibration.platt(np.full(40, 0.5), np.arange(40) < 30)
    assert slope == 1.0
    assert 1 / (1 + math.exp(-shift)) == pytest.approx((30 * 31 / 32 + 10 / 12) / 40, abs=1e-6)


def test_each_class_learns_from_its_scores_where_another_is_best() -> None:
    """A second class with a low score where the first is best, and never so there."""
    random = np.random.default_rng(1)
    truth, answers = [], []
    for _ in range(400):
        best = random.choice([0.2, 0.4, 0.6])
        hit = random.random() < best  # the first class's scores are honest
        truth.append(sample((0, 0, 40, 0)) if hit else sample((300, 300, 40, 0)))
        given = np.array([[best, best / 2, 0.01]])
        answers.append(Detections([[0, 0, 40, 40]], given.max(axis=1), [0], None, given))
    truth += [sample((0, 0, 40, 1))] * 12
    given = np.array([[0.01, 0.7, 0.01]])
    answers += [Detections([[0, 0, 40, 40]], [0.7], [1], None, given)] * 12
    scales = calibration.fit(truth, answers)
    done = calibration.apply(scales, answers[0]).probabilities
    assert done is not None and done[0, 1] < 0.1
    assert done[0, 0] == pytest.approx(answers[0].scores[0], abs=0.08)
    assert (scales.slopes[2], scales.shifts[2]) == (1, 0)


def test_scores_are_applied_as_the_runtimes_do() -> None:
    raw = np.array([[0.5, 0.4, 0.1], [0.2, 0.6, 0.1]], np.float32)
    found = Detections(np.zeros((2, 4)), raw.max(axis=1), raw.argmax(axis=1), None, raw)
    scales = Calibration((1.0, 3.0, 1.0), (0.0, 1.5, 0.0))
    done = calibration.apply(scales, found)
    expected = scales.probabilities(np.log(raw / (1 - raw)))
    assert done.states.tolist() == [1, 1]  # the second class's .4 is worth more than .5
    np.testing.assert_allclose(done.scores, sorted(expected.max(axis=1), reverse=True), rtol=1e-5)
    named = calibration.named(scales)
    assert named["without_mask"] == {"slope": 3.0, "shift": 1.5}


@pytest.mark.parametrize(
    ("choices", "certainty"),
    [
        # the first that is right enough
        ([(0.4, 0, 0.9), (0.5, 0.02, 0.975), (0.6, 0.04, 0.98), (0.7, 0.2, 0.99)], 0.5),
        # none is: the last that leaves few unsure
        ([(0.4, 0, 0.9), (0.5, 0.02, 0.91), (0.6, 0.03, 0.92), (0.7, 0.2, 0.99)], 0.6),
        ([(0.4, 0.3, 0.9)], 0.0),
    ],
)
def test_the_least_certainty_is_a_trade_off(
    choices: list[tuple[float, float, float]], certainty: float
) -> None:
    assert best_certainty([Choice(*each, 0.5) for each in choices]) == certainty


def test_the_wide_faces_must_be_right_as_well() -> None:
    choices = [(0.5, 0, 0.98, 0.5, 0.96), (0.6, 0.01, 0.98, 0.5, 0.97), (0.7, 0.02, 1, 0.5, 1)]
    assert best_certainty([Choice(*each) for each in choices]) == 0.6
    choices = [(0.5, 0, 0.96, 0.5, 1.0), (0.6, 0.01, 0.97, 0.5, 1.0)]
    assert best_certainty([Choice(*each) for each in choices]) == 0.6
    choices = [(0.5, 0, 0.97, 0.5, 0.9), (0.6, 0.01, 0.98, 0.5, 0.96)]  # they cannot be
    assert best_certainty([Choice(*each) for each in choices]) == 0.5


def test_the_trade_off_counts_unsure_faces() -> None:
    """A hundred faces: every fifth in doubt, and half of those wrong."""
    places = [(40 * (i % 10), 40 * (i // 10), 30, 0) for i in range(100)]
    truth = sample(*places)
    given = np.tile([0.9, 0.05, 0.0], (100, 1))
    given[::5] = [0.5, 0.4, 0.0]
    given[::10] = [0.4, 0.5, 0.0]
    answers = Detections(truth.boxes, given.max(axis=1), given.argmax(axis=1), None, given)
    rule = DecisionRule((0.3,) * 4)
    rows = {row.certainty: row for row in thresholds.certainties([truth], [answers], rule)}
    assert (rows[0.5].unsure, rows[0.5].right) == (0, pytest.approx(0.9))
    assert rows[0.6].unsure == pytest.approx(0.2)
    assert rows[0.6].right == 1 and rows[0.6].right_unsure == pytest.approx(0.5)
    assert math.isnan(rows[0.5].right_wide)  # all are narrow
    twice = replace(truth, boxes=2 * truth.boxes, width=2 * truth.width, height=2 * truth.height)
    wide = thresholds.certainties([twice], [replace(answers, boxes=twice.boxes)], rule)
    right = {row.certainty: row.right_wide for row in wide}
    assert right[0.5] == pytest.approx(0.9) and right[0.6] == 1
    assert thresholds.min_width([truth], [answers], rule) == thresholds.MAX_UNSURE_WIDTH
    unsure, choices = thresholds.choose([truth], [answers])
    assert unsure.width == thresholds.MAX_UNSURE_WIDTH and len(choices) == len(rows)
    assert unsure.certainty == thresholds.MIN_CERTAINTY  # .55 alone would leave few unsure
    shown = DecisionRule((0.3,) * 4, certainty=0.6).apply(answers)
    assert (shown.states == MaskState.unsure).sum() == 20
