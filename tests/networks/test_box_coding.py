"""Boxes as tensors, against numbers worked out by hand and against the same in numpy."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf

from maskdet import boxes as box_ops
from maskdet.networks import box_coding


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ([0, 0, 4, 2], [0, 0, 4, 2], 1.0),
        ([0, 0, 8, 8], [0, 0, 4, 4], 0.25),
        ([0, 0, 2, 2], [1, 1, 3, 3], 1 / 7),
        ([0, 0, 1, 1], [2, 0, 3, 1], 0.0),
        ([1, 1, 1, 1], [1, 1, 1, 1], 0.0),  # points: no division by zero
    ],
)
def test_iou_of_boxes_and_their_others(
    one: list[float], other: list[float], expected: float
) -> None:
    iou = box_coding.aligned_iou(tf.constant([one], tf.float32), tf.constant([other], tf.float32))
    assert keras.ops.convert_to_numpy(iou) == pytest.approx([expected], abs=1e-6)


def test_iou_of_all_with_all() -> None:
    random = np.random.default_rng(0)
    corners = random.uniform(0, 50, (2, 9, 2)).astype(np.float32)
    first, second = np.concatenate([corners, corners + random.uniform(1, 50, (2, 9, 2))], axis=-1)
    iou = box_coding.iou(tf.constant([first], tf.float32), tf.constant([second], tf.float32))
    np.testing.assert_allclose(iou.numpy()[0], box_ops.iou(first, second), atol=1e-5)
