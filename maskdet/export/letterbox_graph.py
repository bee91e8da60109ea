"""`maskdet.images.letterbox` inside a TensorFlow graph, to the very pixel.

TensorFlow's own bilinear resizing rounds where OpenCV counts in whole numbers and cuts off: one
gray level in an eighth of the pixels, and some thousandths in a face's score.
"""

from __future__ import annotations

import tensorflow as tf

from maskdet.images.letterbox import GRAY, SHRINKING
from maskdet.networks.tensor import Tensor

STEP = 32
"""The network's sides are multiples of it."""
BITS = 11
"""Of OpenCV's weights: a pixel's two neighbors share 2^11."""


def fitted(images: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """Images letterboxed into the smallest input whose long side is `side`.

    Args:
        images: uint8 (batch, height, width, 3), any size.
        side: in pixels.

    Returns:
        float32 (batch, rows, columns, 3), both sides multiples of 32, and the factor from image
        pixels to input pixels.
    """
    shape = tf.shape(images)[1:3]
    edges = tf.cast(shape, tf.float64)  # as Python counts: no size may come out differently
    wanted = tf.round(edges * (side / tf.reduce_max(edges)))
    size = tf.maximum(tf.math.ceil(wanted / STEP) * STEP, STEP)
    factor = tf.reduce_min(size / edges)
    inner = tf.cast(tf.maximum(tf.round(edges * factor), 1), tf.int32)
    resized = tf.cond(
        factor < SHRINKING,
        lambda: _averaged(images, inner),
        lambda: _interpolated(images, inner),
    )
    below, beside = tf.unstack(tf.cast(size, tf.int32) - inner)
    edge = [[0, 0], [0, below], [0, beside], [0, 0]]
    canvas = tf.pad(resized, edge, constant_values=float(GRAY))
    return tf.ensure_shape(canvas, (images.shape[0], None, None, 3)), factor


def _averaged(images: Tensor, size: Tensor) -> Tensor:
    """OpenCV's INTER_AREA; float32, whole numbers."""
    means = tf.image.resize(images, size, tf.image.ResizeMethod.AREA)
    halved = tf.reduce_all(2 * size == tf.shape(images)[1:3])
    return tf.where(halved, tf.floor(means + 0.5), tf.round(means))


def _interpolated(images: Tensor, size: Tensor) -> Tensor:
    """OpenCV's INTER_LINEAR of bytes; float32, whole numbers."""
    shape = tf.shape(images)
    top, bottom, up, down = _neighbors(size[0], shape[1])
    left, right, before, behind = _neighbors(size[1], shape[2])
    pixels = tf.cast(images, tf.int32)
    rows = tf.gather(pixels, left, axis=2) * before[:, None]
    rows += tf.gather(pixels, right, axis=2) * behind[:, None]
    rows = tf.bitwise.right_shift(rows, 4)
    above = tf.gather(rows, top, axis=1) * up[:, None, None]
    below = tf.gather(rows, bottom, axis=1) * down[:, None, None]
    total = tf.bitwise.right_shift(above, 16) + tf.bitwise.right_shift(below, 16) + 2
    return tf.cast(tf.bitwise.right_shift(total, 2), tf.float32)


def _neighbors(count: Tensor, limit: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The two pixels that each of `count` new ones lies between, of `limit`, and their weights."""
    number = tf.cast(count, tf.float64)
    scale = 1 / (number / tf.cast(limit, tf.float64))
    place = tf.cast((tf.range(number, dtype=tf.float64) + 0.5) * scale - 0.5, tf.float32)
    first = tf.cast(tf.floor(place), tf.int32)
    part = place - tf.floor(place)
    part = tf.where((first < 0) | (first >= limit - 1), 0.0, part)
    first = tf.clip_by_value(first, 0, limit - 1)
    whole = float(2**BITS)
    weights = (tf.cast(tf.round(each * whole), tf.int32) for each in (1 - part, part))
    return (first, tf.minimum(first + 1, limit - 1), *weights)
