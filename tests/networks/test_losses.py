"""Losses against numbers worked out by hand, and their gradients at the extremes."""

from __future__ import annotations

import math
from collections.abc import Callable

import keras
import numpy as np
import pytest
import tensorflow as tf

from maskdet.networks import losses

Loss = Callable[..., tf.Tensor]
LN2, LN9 = math.log(2), math.log(9)


def value(loss: Loss, *arguments: object) -> np.ndarray:
    tensors = [tf.constant(a, tf.float32) if isinstance(a, list) else a for a in arguments]
    return keras.ops.convert_to_numpy(loss(*tensors))


@pytest.mark.parametrize(
    ("label", "logit", "expected"),
    [
        # −α (1 − p)² log p of a positive, −(1 − α) p² log(1 − p) of a negative
        (1.0, 0.0, 0.25 * 0.25 * LN2),
        (0.0, 0.0, 0.75 * 0.25 * LN2),
        # sure and right (p = .9) hardly counts
        (1.0, LN9, 0.25 * 0.01 * math.log(10 / 9)),
        (0.0, -LN9, 0.75 * 0.01 * math.log(10 / 9)),
        # sure and wrong
        (1.0, -LN9, 0.25 * 0.81 * math.log(10)),
        (0.0, LN9, 0.75 * 0.81 * math.log(10)),
        # where sigmoid and logarithm alone would give 0 · ∞
        (1.0, -1000.0, 0.25 * 1000),
        (0.0, 1000.0, 0.75 * 1000),
        (1.0, 1000.0, 0.0),
        (0.0, -1000.0, 0.0),
    ],
)
def test_focal(label: float, logit: float, expected: float) -> None:
    np.testing.assert_allclose(
        value(losses.focal, [label], [logit]), [expected], rtol=1e-5, atol=1e-9
    )


def test_focal_without_focus_is_cross_entropy() -> None:
    loss = value(losses.focal, [1.0, 0.0, 1.0], [0.0, 0.0, LN9], 0.5, 0.0)
    np.testing.assert_allclose(2 * loss, [LN2, LN2, math.log(10 / 9)], rtol=1e-5)


@pytest.mark.parametrize(
    ("quality", "label", "logit", "expected"),
    [
        # q times the cross-entropy to q of a positive, α p² times that to 0 of a negative
        (1.0, 1.0, 0.0, LN2),
        (0.5, 1.0, 0.0, 0.5 * LN2),
        (0.9, 1.0, LN9, -0.9 * (0.9 * math.log(0.9) + 0.1 * math.log(0.1))),
        (0.9, 0.0, 0.0, 0.75 * 0.25 * LN2),
        (0.0, 0.0, LN9, 0.75 * 0.81 * math.log(10)),
        # a face whose box does not touch it says nothing of its class
        (0.0, 1.0, 0.0, 0.0),
    ],
)
def test_varifocal(quality: float, label: float, logit: float, expected: float) -> None:
    loss = value(losses.varifocal, [quality], [label], [logit])
    np.testing.assert_allclose(loss, [expected], rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("quality", [0.3, 0.5, 0.9])
def test_varifocal_is_least_where_the_score_is_the_iou(quality: float) -> None:
    x = tf.Variable([math.log(quality / (1 - quality))])
    with tf.GradientTape() as tape:
        loss = losses.varifocal(tf.constant([quality]), tf.constant([1.0]), x)
    assert tape.gradient(loss, x).numpy() == pytest.approx([0.0], abs=1e-6)


@pytest.mark.parametrize(
    ("distance", "sigma", "expected"),
    [
        (0.0, 3.0, 0.0),
        # below 1/9 a parabola
        (0.05, 3.0, 0.5 * 9 * 0.0025),
        # at the knee both formulas give 1/18
        (1 / 9, 3.0, 1 / 18),
        # then a line
        (1.0, 3.0, 1 - 1 / 18),
        (-1.0, 3.0, 1 - 1 / 18),
        # Girshick's own: the knee at 1
        (0.5, 1.0, 0.125),
        (2.0, 1.0, 1.5),
    ],
)
def test_smooth_l1(distance: float, sigma: float, expected: float) -> None:
    one = value(losses.smooth_l1, [[0.0] * 4], [[distance, 0.0, 0.0, 0.0]], sigma)
    np.testing.assert_allclose(one, [expected], rtol=1e-5)
    four = value(losses.smooth_l1, [[7.0] * 4], [[7.0 + distance] * 4], sigma)
    np.testing.assert_allclose(four, [4 * expected], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("target", "prediction", "expected"),
    [
        # equal
        ([0, 0, 4, 2], [0, 0, 4, 2], 0.0),
        # one in the other: IoU 1/4, the hull is the larger one
        ([0, 0, 8, 8], [0, 0, 4, 4], 0.75),
        # half over: IoU 1/3, the hull is the union
        ([0, 0, 4, 2], [2, 0, 6, 2], 2 / 3),
        # diagonal: IoU 1/7, hull 9, union 7
        ([0, 0, 2, 2], [1, 1, 3, 3], 1 - 1 / 7 + 2 / 9),
        # touching, then apart: the gap counts
        ([0, 0, 1, 1], [1, 0, 2, 1], 1.0),
        ([0, 0, 1, 1], [2, 0, 3, 1], 1 + 1 / 3),
        # a point in the corner, and two points at one place: no division by zero
        ([0, 0, 2, 2], [0, 0, 0, 0], 1.0),
        ([1, 1, 1, 1], [1, 1, 1, 1], 1.0),
    ],
)
def test_giou(target: list[int], prediction: list[int], expected: float) -> None:
    assert value(losses.giou, [target], [prediction]) == pytest.approx([expected], abs=1e-6)
    assert value(losses.giou, [prediction], [target]) == pytest.approx([expected], abs=1e-6)


@pytest.mark.parametrize("label", [0.0, 1.0])
@pytest.mark.parametrize("logit", [-1e30, -1000.0, -1.0, 0.0, 1.0, 1000.0, 1e30])
def test_focal_gradient_is_finite(label: float, logit: float) -> None:
    x = tf.Variable([logit])
    with tf.GradientTape() as tape:
        loss = losses.focal(tf.constant([label]), x)
    assert np.isfinite(tape.gradient(loss, x).numpy()).all()


@pytest.mark.parametrize("name", ["smooth_l1", "giou"])
@pytest.mark.parametrize(
    ("target", "prediction"),
    [
        ([0, 0, 0, 0], [0, 0, 0, 0]),  # what anchors of the background are compared with
        ([0, 0, 0, 0], [-1e6, -1e6, 1e6, 1e6]),
        ([0, 0, 10, 10], [0, 0, 10, 10]),
        ([0, 0, 10, 10], [1e6, 1e6, 1e6, 1e6]),
    ],
)
def test_box_gradient_is_finite(name: str, target: list[float], prediction: list[float]) -> None:
    x = tf.Variable([prediction], dtype=tf.float32)
    with tf.GradientTape() as tape:
        loss = getattr(losses, name)(tf.constant([target], tf.float32), x)
    assert np.isfinite(tape.gradient(loss, x).numpy()).all()
