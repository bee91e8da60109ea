"""One TensorFlow graph from image to faces: what `maskdet.runtimes` does around a network.

It follows `maskdet.images.letterbox` and `maskdet.runtimes.decoding` step by step; tests hold the
two to the same faces.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from maskdet.export.letterbox_graph import fitted
from maskdet.model.decision import MIN_VOTER_SHARE, Calibration
from maskdet.networks import box_coding
from maskdet.networks.faster_rcnn.rpn import level_anchors
from maskdet.networks.plans import Network
from maskdet.networks.retinanet import RetinaNet
from maskdet.networks.tensor import Tensor
from maskdet.runtimes.decoding import (
    ANCHOR_SUPPRESSION_IOU,
    MAX_CANDIDATES,
    MAX_DETECTIONS,
    SUPPRESSION_IOU,
    VOTING_IOU,
)

MIN_SCORE = 0.001
"""Lowest score given: a caller of such a graph chooses for itself."""


def detection_function(
    network: Network, side: int, calibration: Calibration
) -> Callable[[Tensor], dict[str, Tensor]]:
    """A network as the function that the Object Detection API exports.

    Args:
        network: built for even sides.
        side: long side in pixels that images are resized to.
        calibration: of the scores.

    Returns:
        A function of images uint8 RGB (batch, height, width, 3) to ``detection_boxes`` (batch, M,
        4) as ymin xmin ymax xmax in 0–1, ``detection_scores`` (batch, M), best first,
        ``detection_classes`` (batch, M), from 1, and ``num_detections`` (batch,), all float32.
        What is behind the number is padding: score 0.
    """
    limit, overlap = MAX_DETECTIONS, ANCHOR_SUPPRESSION_IOU
    if not isinstance(network, RetinaNet):
        limit, overlap = min(limit, network.plan.after), SUPPRESSION_IOU

    def detect(images: Tensor) -> dict[str, Tensor]:
        canvas, factor = fitted(images, side)
        boxes, scores, classes = _candidates(network, canvas, calibration)
        edges = tf.cast(tf.shape(images)[1:3], tf.float32)
        boxes = box_coding.clip(boxes / tf.cast(factor, tf.float32), edges[0], edges[1])
        found = tf.map_fn(
            lambda image: _suppress(image, limit, overlap),
            (boxes, scores, classes),
            fn_output_signature=(tf.float32, tf.float32, tf.float32, tf.float32),
        )
        boxes, scores, classes, numbers = found
        boxes = tf.gather(boxes, [1, 0, 3, 2], axis=-1) / tf.tile(edges, [2])
        batch = images.shape[0]
        return {
            "detection_boxes": _named(boxes, (batch, limit, 4), "detection_boxes"),
            "detection_scores": _named(scores, (batch, limit), "detection_scores"),
            "detection_classes": _named(classes, (batch, limit), "detection_classes"),
            "num_detections": _named(numbers, (batch,), "num_detections"),
        }

    return detect


def _candidates(
    network: Network, canvas: Tensor, calibration: Calibration
) -> tuple[Tensor, Tensor, Tensor]:
    """Boxes (batch, n, 4) in input pixels, their scores and classes (batch, n)."""
    first, second = network(canvas, training=False)
    if not isinstance(network, RetinaNet):
        clipped = tf.clip_by_value(first, 1e-7, 1 - 1e-6)
        real = tf.cast(first > 0, tf.float32)  # the others are padding
        first = _calibrated(tf.math.log(clipped / (1 - clipped)), calibration) * real
        return second, tf.reduce_max(first, -1), tf.argmax(first, -1, tf.int32)
    first = _calibrated(first, calibration)
    best = tf.reduce_max(first, axis=-1)
    best, order = tf.math.top_k(best, tf.minimum(MAX_CANDIDATES, tf.shape(best)[1]))
    anchors = tf.gather(_anchors(network, tf.shape(canvas)), order)
    deltas = tf.gather(second, order, batch_dims=1)
    classes = tf.argmax(tf.gather(first, order, batch_dims=1), -1, tf.int32)
    return box_coding.decode(anchors, deltas, network.plan.deviations), best, classes


def _calibrated(logits: Tensor, calibration: Calibration) -> Tensor:
    """Probabilities of the classes, as `Calibration.probabilities` has them."""
    slopes, shifts = (
        tf.constant(values, tf.float32) for values in (calibration.slopes, calibration.shifts)
    )
    return tf.sigmoid(logits * slopes + shifts)


def _anchors(network: RetinaNet, shape: Tensor) -> Tensor:
    grid = network.plan.anchors
    levels = [
        level_anchors(
            (shape[1] + stride - 1) // stride,
            (shape[2] + stride - 1) // stride,
            stride,
            grid.shapes(size),
        )
        for stride, size in zip(grid.strides, grid.sizes, strict=True)
    ]
    return tf.concat(levels, axis=0)


def _suppress(
    image: tuple[Tensor, Tensor, Tensor], limit: int, overlap: float
) -> tuple[Tensor, ...]:
    """One image's boxes after suppression, padded, and their number."""
    boxes, scores, classes = image
    real = tf.reduce_all(boxes[:, 2:] > boxes[:, :2], axis=1) & (
        scores >= MIN_SCORE * MIN_VOTER_SHARE
    )
    boxes, scores, classes = (tf.boolean_mask(each, real) for each in (boxes, scores, classes))
    kept = tf.image.non_max_suppression(boxes, scores, limit, overlap, MIN_SCORE)
    boxes = _voted(kept, boxes, scores)
    scores, classes = tf.gather(scores, kept), tf.gather(classes, kept)
    kept = tf.image.non_max_suppression(
        boxes, scores, limit, VOTING_IOU
    )  # voters draw some together
    missing = limit - tf.size(kept)
    boxes = tf.pad(tf.gather(boxes, kept), [[0, missing], [0, 0]])
    scores = tf.pad(tf.gather(scores, kept), [[0, missing]])
    classes = tf.pad(tf.gather(classes, kept), [[0, missing]])
    return boxes, scores, tf.cast(classes + 1, tf.float32), tf.cast(tf.size(kept), tf.float32)


def _voted(kept: Tensor, boxes: Tensor, scores: Tensor) -> Tensor:
    """The kept boxes where all boxes of their face say, as `maskdet.boxes.vote` has it."""
    overlap = box_coding.iou(tf.gather(boxes, kept)[None], boxes[None])[0]
    voters = (overlap >= VOTING_IOU) & (
        scores >= MIN_VOTER_SHARE * tf.gather(scores, kept)[:, None]
    )
    weights = tf.cast(tf.where(voters, scores, 0.0), tf.float64)
    voted = weights @ tf.cast(boxes, tf.float64) / tf.reduce_sum(weights, axis=1, keepdims=True)
    return tf.cast(voted, tf.float32)


def _named(value: Tensor, shape: tuple[int | None, ...], name: str) -> Tensor:
    return tf.identity(tf.ensure_shape(value, shape), name=name)
