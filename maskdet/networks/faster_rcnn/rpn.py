"""Region proposal network (Ren et al. 2015) on a feature pyramid (Lin et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from maskdet.model.anchors import AnchorGrid
from maskdet.networks import box_coding
from maskdet.networks.faster_rcnn.nms import greedy_keep
from maskdet.networks.pyramid import conv
from maskdet.networks.tensor import Tensor

NEVER = -1e9
"""Logit of what is not a proposal at all."""
_SUPPRESSION_IOU = 0.7
"""IoU above which the lower of a level's boxes goes."""


def rpn_head(
    pyramid: Sequence[Tensor], channels: int, per_cell: int, *, separable: bool, norm: bool
) -> tuple[list[Tensor], list[Tensor]]:
    """Objectness logits (batch, n) and box deltas (batch, n, 4) of each level's anchors."""
    shared = conv(channels, 3, "rpn_conv", separable=separable, use_bias=not norm)
    start: Any = keras.initializers.RandomNormal(stddev=0.01, seed=1)
    objectness = layers.Conv2D(per_cell, 1, kernel_initializer=start, name="rpn_objectness")
    deltas = layers.Conv2D(per_cell * 4, 1, kernel_initializer=start, name="rpn_deltas")
    logits, boxes = [], []
    for level, features in enumerate(pyramid, 3):
        x = shared(features)
        if norm:
            x = layers.BatchNormalization(momentum=0.97, name=f"rpn_bn_p{level}")(x)
        x = layers.ReLU(6, name=f"rpn_relu_p{level}")(x)
        logits.append(layers.Reshape((-1,), name=f"rpn_objectness_p{level}")(objectness(x)))
        boxes.append(layers.Reshape((-1, 4), name=f"rpn_deltas_p{level}")(deltas(x)))
    return logits, boxes


@dataclass(frozen=True)
class Proposer:
    """Chooses proposals of a fixed number.

    Attributes:
        grid: the anchors.
        deviations: scale of the box deltas.
        before: best anchors of each level that suppression looks at.
        after: proposals of an image.
    """

    grid: AnchorGrid
    deviations: Sequence[float]
    before: int = 200
    after: int = 100

    def propose(
        self, logits: Sequence[Tensor], deltas: Sequence[Tensor], height: Tensor, width: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Proposals of a batch; no gradient flows through them.

        Args:
            logits: of each level (batch, n).
            deltas: of each level (batch, n, 4).
            height: of the input in pixels.
            width: of the input in pixels.

        Returns:
            Boxes (batch, after, 4), best first, and which of them are real: bool (batch, after).
        """
        parts = []
        levels = zip(logits, deltas, self.grid.strides, self.grid.sizes, strict=True)
        for score, delta, stride, size in levels:
            # rounded up; without negative numbers, which ONNX would divide toward 0
            rows, columns = ((edge + stride - 1) // stride for edge in (height, width))
            anchors = level_anchors(rows, columns, stride, self.grid.shapes(size))
            parts.append(self._best(score, delta, anchors))
        boxes = box_coding.clip(ops.concatenate([part[0] for part in parts], 1), height, width)
        scores = ops.concatenate([part[1] for part in parts], axis=1)
        # each level alone, yet all in one loop
        kept = greedy_keep(ops.reshape(boxes, (-1, self.before, 4)), _SUPPRESSION_IOU)
        scores = ops.where(ops.reshape(kept, (-1, scores.shape[1])), scores, NEVER)
        scores, order = ops.top_k(scores, self.after)
        boxes = ops.take_along_axis(boxes, order[..., None], axis=1)
        return ops.stop_gradient(boxes), scores > NEVER / 2

    def _best(self, logits: Tensor, deltas: Tensor, anchors: Tensor) -> tuple[Tensor, Tensor]:
        """The level's best boxes (batch, before, 4) and their logits, NEVER for padding."""
        logits = ops.stop_gradient(ops.cast(logits, "float32"))
        # so that there are enough, however small the level
        padded = ops.pad(logits, [[0, 0], [0, self.before]], constant_values=NEVER)
        scores, order = ops.top_k(padded, self.before)
        order = ops.minimum(order, ops.shape(logits)[1] - 1)
        near = ops.take(anchors, order, axis=0)
        moved = ops.take_along_axis(ops.cast(deltas, "float32"), order[..., None], axis=1)
        return box_coding.decode(near, ops.stop_gradient(moved), self.deviations), scores


def level_anchors(rows: Tensor, columns: Tensor, stride: int, shapes: np.ndarray) -> Tensor:
    """Anchors (rows · columns · per cell, 4), as `AnchorGrid.levels` makes them."""
    y = (ops.cast(ops.arange(rows), "float32") + 0.5) * stride
    x = (ops.cast(ops.arange(columns), "float32") + 0.5) * stride
    grid_x, grid_y = ops.meshgrid(x, y)
    centers = ops.expand_dims(ops.stack([grid_x, grid_y], axis=-1), 2)
    half = ops.convert_to_tensor((shapes / 2).astype(np.float32))
    return ops.reshape(ops.concatenate([centers - half, centers + half], axis=-1), (-1, 4))
