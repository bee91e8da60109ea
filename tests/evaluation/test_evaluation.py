"""Metrics of detections whose right values can be worked out by hand, or by pycocotools itself."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from maskdet.datasets.samples import Sample
from maskdet.detections import CLASS_NAMES, Detections
from maskdet.evaluation import coco
from maskdet.evaluation.evaluator import Evaluation
from maskdet.evaluation.precision_recall import Matches
from maskdet.model.decision import DecisionRule

WITH, WITHOUT, WRONG, UNSURE = range(4)


def sample(*faces: tuple[float, float, float, int]) -> Sample:
    """A picture of square faces: left, top, side, class."""
    boxes = np.array([[x, y, x + side, y + side] for x, y, side, _ in faces], np.float32)
    classes = np.array([index for *_, index in faces], np.int64)
    return Sample(Path("a.png"), 400, 400, boxes.reshape(-1, 4), classes)


def found(*faces: tuple[float, float, float, int, float]) -> Detections:
    """Square detections: left, top, side, state, score."""
    boxes = np.array([[x, y, x + side, y + side] for x, y, side, *_ in faces], np.float32)
    return Detections(boxes.reshape(-1, 4), [f[4] for f in faces], [f[3] for f in faces])


def scene(seed: int, pictures: int = 30, digits: int = 2) -> tuple[list[Sample], list[Detections]]:
    """Random faces, found more or less: shifted, missed, doubled, mistaken.

    With few digits scores are often equal.
    """
    random = np.random.default_rng(seed)
    samples, answers = [], []
    for _ in range(pictures):
        cells = random.permutation(16)[: random.integers(0, 8)]
        sides = random.choice([10, 16, 24, 32, 40, 64, 90], len(cells))
        faces = [
            (cell % 4 * 100, cell // 4 * 100, side, int(random.integers(3)))
            for cell, side in zip(cells, sides, strict=True)
        ]
        shown = [
            (x + random.normal(0, 2), y + random.normal(0, 2), side * random.uniform(0.8, 1.2),
             state if random.random() < 0.8 else int(random.integers(3)),
             round(float(random.random()), digits))
            for x, y, side, state in faces for _ in range(random.integers(0, 3))
        ]  # fmt: skip
        shown += [(*random.uniform(0, 300, 2), 30, 1, 0.4) for _ in range(random.integers(0, 2))]
        samples.append(sample(*faces))
        answers.append(found(*shown))
    return samples, answers


def test_perfect_answers_are_worth_one() -> None:
    faces = [(10, 10, 20, WITH), (100, 10, 40, WITHOUT), (200, 10, 80, WRONG)]
    metrics = Evaluation([sample(*faces)], [found(*((*f, 0.9) for f in faces))]).metrics()
    measured = {name: value for name, value in metrics.items() if not name.endswith("0-16")}
    bad = {name for name in measured if name.startswith(("unsure", "masked_bare"))}
    assert measured == pytest.approx({name: float(name not in bad) for name in measured})
    assert all(math.isnan(metrics[name]) for name in metrics.keys() - measured.keys())


def test_average_precision_by_hand() -> None:
    # three faces with a mask; by score: right, wrong place, right; one is never found
    truth = [sample((0, 0, 40, WITH), (100, 0, 40, WITH)), sample((0, 0, 40, WITH))]
    given = [
        found((0, 0, 40, WITH, 0.9), (300, 300, 40, WITH, 0.8)),
        found((0, 0, 40, WITH, 0.7)),
    ]
    metrics = Evaluation(truth, given, rule=DecisionRule.from_min_score(0.75)).metrics()
    # recall ⅓ at precision 1, ⅔ at ⅔: 34 of 101 recalls read 1, 33 read ⅔, the rest 0
    expected = (34 + 33 * 2 / 3) / 101
    assert metrics["AP50_with_mask"] == pytest.approx(expected)
    assert metrics["mAP50"] == pytest.approx(expected)  # no other class has faces
    assert metrics["face_AP50"] == pytest.approx(expected)
    assert math.isnan(metrics["AP50_without_mask"])
    assert metrics["recall"] == pytest.approx(1 / 3)  # the one scored .7 is not shown
    assert metrics["precision"] == pytest.approx(1 / 2)


def test_a_wrong_state_counts_for_the_face_not_for_the_class() -> None:
    truth = [sample((0, 0, 20, WITH), (100, 0, 40, WITH), (200, 0, 40, WRONG))]
    given = [found((0, 0, 20, WITHOUT, 0.9), (100, 0, 40, WITH, 0.8), (200, 0, 40, WITH, 0.7))]
    metrics = Evaluation(truth, given, rule=DecisionRule.from_min_score(0.5)).metrics()
    assert metrics["face_AP50"] == 1
    assert metrics["recall"] == metrics["precision"] == 1
    assert metrics["right_state"] == pytest.approx(1 / 3)
    assert metrics["right_state_32+"] == pytest.approx(1 / 2)
    assert metrics["right_state_16-32"] == 0
    assert metrics["AP50_mask_weared_incorrect"] == 0


def test_mistakes_are_faces_that_are_missed_false_or_misjudged() -> None:
    truth = [sample((0, 0, 40, WITH), (100, 0, 40, WITH)) for _ in range(4)]
    given = [
        found((0, 0, 40, WITH, 0.9), (100, 0, 40, WITH, 0.8)),
        found((0, 0, 40, WITH, 0.9), (100, 0, 40, WRONG, 0.8)),
        found((0, 0, 40, WITH, 0.9), (300, 0, 40, WITH, 0.8)),  # one missed, one false
        found((0, 0, 40, WITH, 0.9), (100, 0, 40, WITH, 0.2)),  # one is not shown
    ]
    evaluation = Evaluation(truth, given, rule=DecisionRule.from_min_score(0.5))
    assert evaluation.mistakes().tolist() == [0, 1, 2, 1]


def test_a_curve_has_one_point_for_each_score() -> None:
    """Detections of one score come or go together, whatever their order."""
    hits = np.array([[True, False, True, False, True]])
    matches = Matches(
        np.array([0.9, 0.8, 0.8, 0.8, 0.4]),
        np.zeros(5, np.int64),
        hits,
        np.array([[True, True, True, True, True]]),
        np.array([4]),
    )
    scores, precision, recall = matches.curve()
    assert scores.tolist() == [0.9, 0.8, 0.4]
    np.testing.assert_allclose(precision, [1, 2 / 4, 3 / 5])
    np.testing.assert_allclose(recall, [1 / 4, 2 / 4, 3 / 4])


@pytest.mark.parametrize(
    ("extra", "expected"),
    [
        # a small face that is found must not count as a false large one …
        ([(100, 0, 20, WITH, 0.95)], 1.0),
        # … nor a large one's detection that is itself a little narrower than the range
        ([(200, 0, 31, WITH, 0.2)], 1.0),
        # a false detection of another width is no matter of this range
        ([(300, 300, 20, WITH, 0.95)], 1.0),
        # a false one of this width is
        ([(300, 300, 40, WITH, 0.95)], 0.5),
    ],
)
def test_precision_by_width_ignores_other_widths(
    extra: list[tuple[float, float, float, int, float]], expected: float
) -> None:
    truth = [sample((0, 0, 40, WITH), (100, 0, 20, WITH))]
    metrics = Evaluation(truth, [found((0, 0, 40, WITH, 0.5), *extra)]).metrics()
    assert metrics["AP50_32-64"] == pytest.approx(expected)
    assert metrics["face_AP50_32-64"] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("side", "name"), [(15, "0-16"), (16, "16-32"), (31, "16-32"), (32, "32-64"), (64, "64+")]
)
def test_each_width_belongs_to_one_range(side: float, name: str) -> None:
    truth, given = [sample((0, 0, side, WITH))], [found((0, 0, side, WITH, 0.9))]
    evaluation = Evaluation(truth, given)
    metrics = evaluation.metrics()
    for key in ("AP50", "face_AP50", "recall"):
        known = [n for n in ("0-16", "16-32", "32-64", "64+") if metrics[f"{key}_{n}"] == 1]
        assert known == [name]
    assert evaluation.faces()[name] == 1


@pytest.mark.parametrize("seed", range(3))
def test_figures_are_those_of_pycocotools(seed: int) -> None:
    samples, answers = scene(seed)
    metrics = Evaluation(samples, answers).metrics()
    theirs = coco.average_precision(coco.coco_eval(samples, answers))
    assert {name: metrics[name] for name in theirs} == pytest.approx(theirs, abs=1e-9)
    by_width = coco.coco_eval(samples, answers, coco.WIDTHS).eval["precision"][0, ..., 0]
    for index, name in enumerate(("0-16", "16-32", "32-64", "64+")):
        expected = by_width[..., index].mean(axis=0)
        assert metrics[f"AP50_{name}"] == pytest.approx(expected[expected >= 0].mean(), abs=1e-9)


@pytest.mark.parametrize("seed", range(3))
def test_weighted_pictures_are_as_good_as_repeated_ones(seed: int) -> None:
    samples, answers = scene(seed, pictures=8, digits=6)
    times = np.array([0, 3, 1, 0, 2, 1, 0, 1])
    weighted = Evaluation(samples, answers, rule=DecisionRule.from_min_score(0.5)).metrics(
        times.astype(float)
    )
    repeated = Evaluation(
        [s for s, n in zip(samples, times, strict=True) for _ in range(n)],
        [a for a, n in zip(answers, times, strict=True) for _ in range(n)],
        rule=DecisionRule.from_min_score(0.5),
    ).metrics()
    assert weighted == pytest.approx(repeated, nan_ok=True)


def test_intervals_are_the_seed_s_and_hold_the_figures() -> None:
    evaluation = Evaluation(*scene(4, pictures=60))
    intervals = evaluation.intervals(100, seed=1)
    assert intervals == evaluation.intervals(100, seed=1)
    assert intervals != evaluation.intervals(100, seed=2)
    for name, value in evaluation.metrics().items():
        low, high = intervals[name]
        assert low <= value <= high
        if not name.startswith(("unsure", "masked_bare")):  # there are none
            assert 0 < high - low < 0.9


def test_intervals_cover_the_truth() -> None:
    # each picture's one face is found with chance .7: the interval should hold .7 nearly always
    random = np.random.default_rng(0)
    covered = 0
    for _ in range(20):
        hits = random.random(60) < 0.7
        truth = [sample((0, 0, 40, WITH))] * 60
        given = [found((0, 0, 40, WITH, 0.9)) if hit else found() for hit in hits]
        low, high = Evaluation(truth, given, rule=DecisionRule.from_min_score(0.5)).intervals(60)[
            "recall"
        ]
        covered += low <= 0.7 <= high
    assert covered >= 17


def test_the_best_threshold_is_where_f1_is_highest() -> None:
    truth = [sample((0, 0, 40, WITH), (100, 0, 40, WITH), (200, 0, 40, WITHOUT))]
    given = [
        found(
            (0, 0, 40, WITH, 0.9),
            (100, 0, 40, WITH, 0.6),  # two of two at .6: F1 is 1
            (300, 0, 40, WITH, 0.3),
            (200, 300, 40, WITHOUT, 0.8),  # false
            (200, 0, 40, WITHOUT, 0.5),  # at .5 half of two is right: F1 is ⅔
        )
    ]
    evaluation = Evaluation(truth, given)
    best = evaluation.thresholds
    assert best["with_mask"] == pytest.approx(
        {"threshold": 0.6, "f1": 1, "precision": 1, "recall": 1}, abs=1e-4
    )
    assert best["without_mask"] == pytest.approx(
        {"threshold": 0.5, "f1": 2 / 3, "precision": 0.5, "recall": 1}, abs=1e-4
    )
    # all together: 3 of 4 right, 3 of 3 found
    assert best["all"]["f1"] == pytest.approx(6 / 7)
    assert evaluation.rule == DecisionRule.from_min_score(best["all"]["threshold"])
    assert math.isnan(best["mask_weared_incorrect"]["threshold"])
    # what scored exactly that much is shown
    assert evaluation.metrics()["recall"] == 1


def test_confusion_holds_missed_and_false() -> None:
    truth = [sample((0, 0, 40, WITH), (100, 0, 40, WITHOUT), (200, 0, 40, WRONG)), sample()]
    given = [
        found((0, 0, 40, WITH, 0.9), (100, 0, 40, WITH, 0.8), (200, 0, 40, WRONG, 0.1)),
        found((0, 0, 40, WITHOUT, 0.7)),
    ]
    names, answers, counts = Evaluation(
        truth, given, rule=DecisionRule.from_min_score(0.5)
    ).confusion()
    assert names == [*CLASS_NAMES, "no face"]
    assert answers == [*CLASS_NAMES, "missed"]
    assert counts.tolist() == [[1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 1, 0, 0]]


def test_a_detector_may_be_unsure() -> None:
    truth, given = [sample((0, 0, 40, WITH))], [found((0, 0, 40, UNSURE, 0.9))]
    evaluation = Evaluation(truth, given, rule=DecisionRule.from_min_score(0.5))
    _, answers, counts = evaluation.confusion()
    assert counts[WITH, answers.index("unsure")] == 1
    metrics = evaluation.metrics()
    assert metrics["face_AP50"] == 1
    assert metrics["AP50_with_mask"] == metrics["right_state"] == 0


def test_unsure_faces_are_neither_right_nor_called() -> None:
    """Of ten found, one is unsure, one is wrong; one is missed. What is measured by COCO stays."""
    places = [(40 * i, 0, 36, WITH) for i in range(8)] + [(0, y, 36, WITHOUT) for y in (60, 120)]
    boxes = sample(*places, (300, 300, 36, WITHOUT))
    probabilities = np.array([[0.9, 0.02, 0.0]] * 7 + [[0.5, 0.45, 0.0]] + [[0, 0.9, 0]] * 2)
    probabilities[-1] = [0.8, 0.1, 0]  # a hand taken for a mask
    best = probabilities.max(axis=1), probabilities.argmax(axis=1)
    given = Detections(boxes.boxes[:-1], *best, probabilities=probabilities)
    plain = Evaluation([boxes], [given], DecisionRule.from_min_score(0.3)).metrics()
    doubting = Evaluation([boxes], [given], DecisionRule((0.3,) * 4, certainty=0.7)).metrics()
    assert plain["right_state"] == plain["right_when_called"] == pytest.approx(0.9)
    assert doubting["right_state"] == doubting["right_state_32+"] == pytest.approx(0.8)
    assert doubting["unsure"] == doubting["unsure_32-64"] == pytest.approx(0.1)
    assert doubting["right_when_called"] == pytest.approx(8 / 9)
    assert doubting["recall"] == pytest.approx(10 / 11)
    assert doubting["masked_bare_32+"] == 0.5
    ap = [name for name in plain if "AP" in name]
    assert [plain[name] for name in ap] == pytest.approx([doubting[n] for n in ap], nan_ok=True)


@pytest.mark.parametrize(
    ("truth", "given"),
    [
        ([sample()], [found()]),
        ([sample()], [found((0, 0, 40, WITH, 0.9))]),
        ([sample((0, 0, 40, WITH))], [found()]),
    ],
)
def test_nothing_to_measure_is_nan_or_zero(truth: list[Sample], given: list[Detections]) -> None:
    evaluation = Evaluation(truth, given)
    metrics = evaluation.metrics()
    assert all(math.isnan(value) or value == 0 for value in metrics.values())
    assert evaluation.intervals(5).keys() == metrics.keys()
    assert evaluation.rule == DecisionRule.from_min_score(0.5)
