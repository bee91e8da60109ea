"""Box arithmetic against values worked out by hand, and its laws on any boxes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from maskdet import boxes

SQUARE = [0, 0, 10, 10]
coordinates = st.floats(-1000, 1000, width=32)
some_boxes = arrays(np.float32, st.tuples(st.integers(0, 12), st.just(4)), elements=coordinates)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (SQUARE, SQUARE, 1.0),
        (SQUARE, [5, 0, 15, 10], 1 / 3),  # 50 of 150
        (SQUARE, [2, 2, 4, 4], 0.04),  # one inside the other
        (SQUARE, [10, 0, 20, 10], 0.0),  # touching: the right edge is outside
        (SQUARE, [20, 20, 30, 30], 0.0),
        (SQUARE, [5, 5, 5, 5], 0.0),  # a point
        ([5, 5, 5, 5], [5, 5, 5, 5], 0.0),  # no division by zero
        (SQUARE, [10, 10, 0, 0], 0.0),  # inside out
    ],
)
def test_iou(first: list[int], second: list[int], expected: float):
    found = boxes.iou(np.array([first], float), np.array([second], float))
    assert found.shape == (1, 1) and found[0, 0] == pytest.approx(expected)


@given(some_boxes, some_boxes)
def test_iou_is_symmetric_and_between_0_and_1(first: np.ndarray, second: np.ndarray):
    found = boxes.iou(first, second)
    assert found.shape == (len(first), len(second))
    assert ((found >= 0) & (found <= 1 + 1e-5)).all()
    np.testing.assert_allclose(found, boxes.iou(second, first).T, rtol=1e-5)


def test_area_and_clip():
    many = np.array([SQUARE, [-5, -5, 5, 5], [8, 8, 30, 40], [7, 7, 3, 3]], float)
    assert boxes.area(many).tolist() == [100, 100, 22 * 32, 0]
    assert boxes.clip(many, 12, 9).tolist() == [
        [0, 0, 10, 9],
        [0, 0, 5, 5],
        [8, 8, 12, 9],
        [7, 7, 3, 3],
    ]


@pytest.mark.parametrize(
    ("scores", "threshold", "limit", "kept"),
    [
        ([0.9, 0.8, 0.7], 0.5, 10, [0, 2]),  # the second overlaps the first by 0.67
        ([0.8, 0.9, 0.7], 0.5, 10, [1, 2]),  # the better one stays
        ([0.9, 0.8, 0.7], 0.7, 10, [0, 1, 2]),  # no two overlap that much
        ([0.9, 0.8, 0.7], 0.5, 1, [0]),
        ([0.5, 0.5, 0.5], 0.5, 10, [0, 2]),  # equal scores keep their order
    ],
)
def test_nms(scores: list[float], threshold: float, limit: int, kept: list[int]):
    faces = np.array([[0, 0, 10, 10], [2, 0, 12, 10], [50, 0, 60, 10]], float)
    assert boxes.nms(faces, np.array(scores), threshold, limit).tolist() == kept


def test_nms_of_nothing():
    assert boxes.nms(np.zeros((0, 4)), np.zeros(0), 0.5, 10).tolist() == []


@given(some_boxes, st.randoms(use_true_random=False))
def test_what_nms_keeps_does_not_overlap_and_what_it_drops_does(faces: np.ndarray, random):
    scores = np.array([random.random() for _ in faces])
    kept = boxes.nms(faces, scores, 0.5, 100)
    overlaps = boxes.iou(faces[kept], faces[kept])
    assert (np.triu(overlaps, 1) <= 0.5).all()
    assert (np.diff(scores[kept]) <= 0).all()
    for dropped in set(range(len(faces))) - set(kept.tolist()):
        better = kept[scores[kept] >= scores[dropped]]
        assert (boxes.iou(faces[[dropped]], faces[better]) > 0.5).any()


def test_those_vote_that_lie_close_by_their_scores():
    """IoU .8 has a say, .6 has none, nor has another face's box or one of a third."""
    faces = np.array([[0, 0, 10, 10], [0, 0, 10, 8], [0, 0, 10, 6], [40, 0, 50, 10]], np.float32)
    faces = np.concatenate([faces, faces[1:2] + 1])
    scores = np.array([0.6, 0.4, 0.5, 0.5, 0.2])
    voted = boxes.vote(np.array([0, 3]), faces, scores, 0.7, 0.5)
    np.testing.assert_allclose(voted, [[0, 0, 10, 9.2], [40, 0, 50, 10]], rtol=1e-6)
    assert voted.dtype == np.float32


def test_a_vote_does_not_leave_a_picture() -> None:
    rng = np.random.default_rng(0)
    faces = np.tile(np.float32([[0, 0, 7, 260]]), (500, 1))
    faces[:, 0] = rng.uniform(0, 1, 500)
    scores = rng.uniform(0.5, 1, 500).astype(np.float32)
    voted = boxes.vote(np.arange(500), faces, scores, 0.7, 0.5)
    assert (voted[:, 2:] == [7, 260]).all()


def test_nobody_votes():
    assert boxes.vote(np.zeros(0, int), np.zeros((0, 4)), np.zeros(0), 0.7, 0.5).shape == (0, 4)


@pytest.mark.parametrize(
    ("matrix", "expected"),
    [
        ([[1, 0, 0], [0, 1, 0]], [0, 0, 4, 2]),
        ([[2, 0, 5], [0, 3, 7]], [5, 7, 13, 13]),  # grown and moved
        ([[0, -1, 0], [1, 0, 0]], [-2, 0, 0, 4]),  # a quarter turn
        # an eighth turn of a circle stays as wide: no corners to enclose
        ([[0.5**0.5, -(0.5**0.5), 0], [0.5**0.5, 0.5**0.5, 0]], None),
    ],
)
def test_warped_boxes_by_hand(matrix: list[list[float]], expected: list[float] | None) -> None:
    if expected is None:
        box = boxes.warp(np.array([[0.0, 0, 4, 4]]), np.array(matrix))[0]
        np.testing.assert_allclose(box[2:] - box[:2], [4, 4], rtol=1e-6)
    else:
        box = boxes.warp(np.array([[0.0, 0, 4, 2]]), np.array(matrix, float))
        np.testing.assert_allclose(box, [expected], atol=1e-6)


def test_no_boxes_warp_into_none() -> None:
    assert boxes.warp(np.zeros((0, 4)), np.eye(3)[:2]).shape == (0, 4)
