"""Decoding against arrays written by hand: a grid of four cells, one anchor of 8 × 8 each."""

from __future__ import annotations

import math

import numpy as np
import pytest

from maskdet.detections import Detections
from maskdet.model.anchors import AnchorGrid, encode
from maskdet.model.decision import Calibration, DecisionRule
from maskdet.runtimes import decoding
from maskdet.runtimes.decoding import (
    AnchorDecoder,
    Quantized,
    RegionDecoder,
    decoder_for,
    judged,
)

GRID = AnchorGrid(strides=(8,), sizes=(8.0,), ratios=(1.0,))
# its anchors: (0 0 8 8), (8 0 16 8), (0 8 8 16), (8 8 16 16)
SIZE = (16, 16)
DEVIATIONS = (0.1, 0.1, 0.2, 0.2)
NEVER = -20.0


def decode(
    logits: list[list[float]],
    boxes: dict[int, list[float]] | None = None,
    *,
    picture: tuple[int, int] = SIZE,
    factor: float = 1.0,
    min_score: float = 0.05,
) -> Detections:
    """Decodes logits (4, 3) and the boxes wished at some anchors; the others' stay as they are."""
    deltas = np.zeros((4, 4), np.float32)
    anchors = GRID.anchors(*SIZE)
    for index, box in (boxes or {}).items():
        deltas[index] = encode(anchors[index : index + 1], np.array([box]), DEVIATIONS)
    rule = DecisionRule.from_min_score(min_score)
    decoder = AnchorDecoder(GRID, DEVIATIONS, rule)
    return decoder.decode(np.array(logits, np.float32), deltas, SIZE, picture, factor)


def logit(score: float) -> float:
    return math.log(score / (1 - score))


def test_scores_states_and_order() -> None:
    found = decode([[logit(0.6), -3, -3], [-9] * 3, [-3, -3, logit(0.9)], [-3, logit(0.7), -3]])
    np.testing.assert_allclose(found.scores, [0.9, 0.7, 0.6], rtol=1e-6)
    assert found.states.tolist() == [2, 1, 0]
    np.testing.assert_allclose(found.boxes, [[0, 8, 8, 16], [8, 8, 16, 16], [0, 0, 8, 8]])


@pytest.mark.parametrize(
    ("least", "faces"),
    [
        (0.0, 4),  # all
        (0.05, 3),
        (0.5, 2),  # exactly .5 is kept
        (0.51, 1),
        (1.0, 0),  # no network is ever that sure
    ],
)
def test_least_score(least: float, faces: int) -> None:
    logits = [[NEVER, NEVER, s] for s in (-200.0, logit(0.1), 0.0, logit(0.8))]
    assert len(decode(logits, min_score=least)) == faces


def test_no_face() -> None:
    found = decode([[NEVER] * 3] * 4)
    assert len(found) == 0
    assert found.boxes.shape == (0, 4)


def test_the_picture_is_what_boxes_are_in() -> None:
    """A picture of 40 × 80 in an input of 16 × 16 has a factor of .2; padding holds no face."""
    found = decode([[3, 0, 0], [2, 0, 0], [1, 0, 0], [0, 0, 0]], picture=(40, 80), factor=0.2)
    # the lower two anchors lie wholly in the padding
    np.testing.assert_allclose(found.boxes, [[0, 0, 40, 40], [40, 0, 80, 40]], rtol=1e-6)


def test_boxes_are_cut_to_the_picture() -> None:
    found = decode([[3, 0, 0], *[[NEVER] * 3] * 3], {0: [-6, -2, 30, 9]}, picture=(7, 13))
    np.testing.assert_allclose(found.boxes, [[0, 0, 13, 7]], atol=1e-5)


@pytest.mark.parametrize(
    ("second", "kept"),
    [
        ([0, 0, 8, 3], 2),  # IoU .375
        ([0, 0, 8, 4], 2),  # IoU .5 is not more than .5
        ([0, 0, 8, 4.5], 1),  # IoU .5625
        ([0, 0, 8, 5.5], 1),
    ],
)
def test_suppression(second: list[float], kept: int) -> None:
    """The better one stays, though they be of different states: a face has one state."""
    found = decode([[1, 0, 0], [NEVER, 2, NEVER], *[[NEVER] * 3] * 2], {1: second, 0: [0, 0, 8, 8]})
    assert len(found) == kept
    assert found.states[0] == 1
    np.testing.assert_allclose(found.boxes[0], second, atol=1e-5)


@pytest.mark.parametrize("min_score", [0.05, 0.5])
def test_a_box_close_to_the_best_has_a_say_in_where_the_face_is(min_score: float) -> None:
    """Whether it would be shown itself or not."""
    near, far = [0, 0, 8, 6], [0, 0, 8, 5]  # IoU .75 and .625
    logits = [[logit(0.6), -9, -9], [-9, logit(0.4), -9], [logit(0.5), -9, -9], [NEVER] * 3]
    found = decode(logits, {0: [0, 0, 8, 8], 1: near, 2: far}, min_score=min_score)
    np.testing.assert_allclose(found.boxes, [[0, 0, 8, 7.2]], atol=1e-5)
    assert found.states.tolist() == [0]
    np.testing.assert_allclose(found.scores, [0.6], rtol=1e-6)


def test_a_suppressed_box_suppresses_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """First over second, second over third, first and third apart: first and third stay."""
    monkeypatch.setattr(decoding, "ANCHOR_SUPPRESSION_IOU", 0.5)
    chain = {0: [0, 0, 8, 8], 1: [0, 2, 8, 10], 2: [0, 4, 8, 12]}
    found = decode([[3, 0, 0], [2, 0, 0], [1, 0, 0], [NEVER] * 3], chain)
    np.testing.assert_allclose(found.boxes, [chain[0], chain[2]], atol=1e-5)


def test_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MAX_DETECTIONS", 2)
    found = decode([[1, 0, 0], [3, 0, 0], [2, 0, 0], [0, 0, 0]])
    np.testing.assert_allclose(found.boxes, [[8, 0, 16, 8], [0, 8, 8, 16]])


def test_padding_does_not_count_toward_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sure faces below the picture must not use up the places of one inside it."""
    monkeypatch.setattr(decoding, "MAX_DETECTIONS", 2)
    found = decode([[0, 0, 0], [0, 0, 0], [3, 0, 0], [3, 0, 0]], picture=(8, 16))
    np.testing.assert_allclose(found.boxes, [[0, 0, 8, 8], [8, 0, 16, 8]])


def test_only_the_best_candidates_are_processed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "MAX_CANDIDATES", 2)
    found = decode([[1, 0, 0], [3, 0, 0], [2, 0, 0], [0, 0, 0]])
    np.testing.assert_allclose(found.boxes, [[8, 0, 16, 8], [0, 8, 8, 16]])


def test_a_broken_network_makes_no_broken_boxes() -> None:
    """Outputs that are not numbers are not faces, and do not hide those there are."""
    logits = np.array([[5, 0, 0], [np.nan] * 3, [3, 0, 0], [2, 0, 0]], np.float32)
    deltas = np.zeros((4, 4), np.float32)
    deltas[0] = np.nan
    found = AnchorDecoder(GRID, DEVIATIONS, DecisionRule.from_min_score(0.05)).decode(
        logits, deltas, SIZE, SIZE, 1.0
    )
    np.testing.assert_allclose(found.boxes, [[0, 8, 8, 16], [8, 8, 16, 16]])


def test_half_precision_outputs() -> None:
    logits = np.array([[9, 0, 0], *[[NEVER] * 3] * 3], np.float16)
    found = AnchorDecoder(GRID, DEVIATIONS, DecisionRule.from_min_score(0.05)).decode(
        logits, np.zeros((4, 4), np.float16), SIZE, SIZE, 1.0
    )
    np.testing.assert_allclose(found.boxes, [[0, 0, 8, 8]])
    np.testing.assert_allclose(found.scores, [1 / (1 + math.exp(-9))], rtol=1e-3)


def test_regions_are_scaled_cut_and_suppressed() -> None:
    """A face, its worse double, which has a say, padding, one beside the picture."""
    scores = np.array([[0.1, 0.8, 0], [0.7, 0, 0], [0, 0, 0], [0.9, 0, 0]], np.float32)
    boxes = np.array([[0, 0, 40, 40], [2, 0, 40, 40], [0, 0, 9, 9], [90, 90, 99, 99]], np.float32)
    found = RegionDecoder(DecisionRule.from_min_score(0.05)).decode(
        scores, boxes, (96, 96), (40, 40), 2.0
    )
    np.testing.assert_allclose(found.boxes, [[0.7 / 1.5, 0, 20, 20]], rtol=1e-5)
    assert found.states.tolist() == [1] and found.scores[0] == pytest.approx(0.8)


def test_a_decoder_for_each_network() -> None:
    options = {"anchors": {"sizes": [8, 16, 32, 64, 128]}, "deviations": [1, 1, 1, 1]}
    assert isinstance(
        decoder_for("retinanet", options, DecisionRule.from_min_score(0.3)), AnchorDecoder
    )
    assert isinstance(
        decoder_for("faster_rcnn", {}, DecisionRule.from_min_score(0.3)), RegionDecoder
    )
    with pytest.raises(ValueError, match="unknown network 'yolo'"):
        decoder_for("yolo", {}, DecisionRule.from_min_score(0.3))


def test_scores_are_calibrated_before_they_are_compared() -> None:
    """The second class's logits mean more than they say: it wins, and its limit counts."""
    calibration = Calibration((1.0, 2.0, 1.0), (0.0, 1.0, 0.0))
    rule = DecisionRule((0.5, 0.9, 0.5, 0.5), calibration=calibration)
    logits = [[0.9, 0.8, NEVER], [0.9, 0.5, NEVER], [0.6, NEVER, NEVER], [-0.1, NEVER, NEVER]]
    decoder = AnchorDecoder(GRID, DEVIATIONS, rule)
    found = decoder.decode(np.array(logits, np.float32), np.zeros((4, 4)), SIZE, SIZE, 1.0)
    # 2 · .8 + 1 = 2.6, above the logit of .9; 2 · .5 + 1 = 2 is its best, yet below
    assert found.states.tolist() == [1, 0]
    expected = [1 / (1 + math.exp(-2.6)), 1 / (1 + math.exp(-0.6))]
    np.testing.assert_allclose(found.scores, expected, rtol=1e-5)
    assert found.probabilities is not None
    np.testing.assert_allclose(found.probabilities[1, 0], found.scores[1])


def test_an_unsure_box_does_not_outdo_a_sure_one_of_the_same_face() -> None:
    """Its score, of there being a face, is higher; what suppression goes by is not."""
    rule = DecisionRule((0.5,) * 4, certainty=0.7)
    logits = [[logit(0.6), logit(0.55), NEVER], [logit(0.8), NEVER, NEVER], *[[NEVER] * 3] * 2]
    deltas = np.zeros((4, 4), np.float32)
    deltas[0] = encode(GRID.anchors(*SIZE)[:1], np.array([[8, 0, 16, 8]]), DEVIATIONS)
    decoder = AnchorDecoder(GRID, DEVIATIONS, rule)
    found = decoder.decode(np.array(logits, np.float32), deltas, SIZE, SIZE, 1.0)
    assert found.states.tolist() == [0] and found.scores.tolist() == pytest.approx([0.8])


@pytest.mark.parametrize("min_score", [0.0, 0.02, 0.3, 0.5, 0.77, 1.0])
@pytest.mark.parametrize(("scale", "zero"), [(0.11, 40), (0.05, -128), (0.3, 127)])
def test_eight_bits_give_what_their_floats_give(min_score: float, scale: float, zero: int) -> None:
    random = np.random.default_rng(3)
    count = len(GRID.anchors(256, 256))
    rule = DecisionRule(
        (min_score, *(0.4,) * 3),
        certainty=0.6,
        calibration=Calibration((0.7, 1.3, 1.0), (0.5, -0.5, 0.0)),
    )
    decoder = AnchorDecoder(GRID, DEVIATIONS, rule)
    pair = [Quantized(random.integers(-128, 128, (count, n), np.int8), scale, zero) for n in (3, 4)]
    floats = [each[np.arange(count)] for each in pair]
    assert floats[0].dtype == np.float32
    exact = (pair[0].values.astype(float) - zero) * scale
    np.testing.assert_allclose(floats[0], exact, rtol=1e-5)
    found = decoder.decode(*pair, (256, 256), (256, 256), 1.0)
    expected = decoder.decode(*floats, (256, 256), (256, 256), 1.0)
    np.testing.assert_array_equal(found.boxes, expected.boxes)
    np.testing.assert_array_equal(found.scores, expected.scores)
    np.testing.assert_array_equal(found.states, expected.states)


@pytest.mark.parametrize("least", [-99.0, -1.305, -1.245, 0.005, 0.195, 2.6, math.inf, -math.inf])
def test_eight_bits_are_compared_as_they_are(least: float) -> None:
    values = np.arange(-128, 127, dtype=np.int8).reshape(-1, 3)
    quantized = Quantized(values, 0.01, -1)
    every = quantized[np.arange(len(values))]
    expected = np.flatnonzero((every >= np.float32(least)).any(axis=1))
    np.testing.assert_array_equal(quantized.reaching(least), expected)


@pytest.mark.parametrize(("least", "states"), [(0.3, [1, 1]), (0.0, [1, 0, 1]), (0.5, [1])])
def test_a_face_has_one_state(least: float, states: list[int]) -> None:
    """Models that suppress class by class give a doubtful face twice; so does who wants all."""
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 9], [20, 0, 30, 10]])
    found = Detections(boxes, np.array([0.5, 0.6, 0.4]), np.array([0, 1, 1]))
    assert judged(DecisionRule.from_min_score(least), found, found.states).states.tolist() == states


CROWD = Detections(
    np.array([[0, 0, 10, 10], [0, 0, 10, 8], [0, 0, 10, 9], [30, 0, 40, 10]]),
    np.array([0.9, 0.8, 0.7, 0.6]),
    np.array([0, 0, 1, 1]),
)


@pytest.mark.parametrize(
    ("classes", "scores"),
    [([0, 0, 1, 1], [0.9, 0.8, 0.6]), ([0, 3, 1, 1], [0.9, 0.6]), (None, [0.9, 0.8, 0.7, 0.6])],
    ids=["one class", "two classes of one state", "suppressed over all classes"],
)
def test_two_faces_that_a_file_s_own_suppression_keeps_stay(
    classes: list[int] | None, scores: list[float]
) -> None:
    """Boxes of one class overlap by .8 here; the file's suppression allowed that."""
    numbers = None if classes is None else np.array(classes)
    found = judged(DecisionRule.from_min_score(0.3), CROWD, numbers)
    np.testing.assert_allclose(found.scores, scores)


@pytest.mark.parametrize("least", [0.0, 0.3])
def test_boxes_that_are_none_are_left_out(least: float) -> None:
    """Inside out, empty, or not finite, as files give them."""
    boxes = np.array(
        [
            [0, 0, 9, 9],
            [9, 0, 0, 9],
            [0, 9, 9, 0],
            [5, 5, 5, 9],
            [np.nan, 0, 9, 9],
            [0, 0, np.inf, 9],
        ]
    )
    found = Detections(boxes, np.full(6, 0.9), np.zeros(6))
    assert judged(DecisionRule.from_min_score(least), found, found.states).boxes.tolist() == [
        [0, 0, 9, 9]
    ]
