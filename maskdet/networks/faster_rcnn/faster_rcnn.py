"""Faster R-CNN (Ren et al. 2015) with a feature pyramid (Lin et al. 2017) and RoIAlign."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from keras import ops

from maskdet.model.network_plans import FasterRCNNPlan
from maskdet.networks import box_coding, losses
from maskdet.networks.backbones import BACKBONES
from maskdet.networks.faster_rcnn.roi_align import roi_align
from maskdet.networks.faster_rcnn.roi_head import box_head, match_regions, sample_regions
from maskdet.networks.faster_rcnn.rpn import Proposer, rpn_head
from maskdet.networks.pyramid import feature_pyramid
from maskdet.networks.targets import FasterRCNNTargets
from maskdet.networks.tensor import Tensor


class FasterRCNN(keras.Model):
    """The network with its losses; images are RGB 0–255 (batch, height, width, 3).

    Its outputs are class scores (batch, proposals, classes), 0 for padding, and boxes
    (batch, proposals, 4) in input pixels.
    """

    def __init__(
        self,
        plan: FasterRCNNPlan,
        height: int | None = None,
        width: int | None = None,
        *,
        even: bool = False,
    ) -> None:
        """Builds it with random weights; arguments as `RetinaNet` has them."""
        super().__init__(name="faster_rcnn")
        self.plan = plan
        inputs = keras.Input((height, width, 3), name="image")
        pyramid = feature_pyramid(
            BACKBONES[plan.backbone].build(inputs),
            plan.channels,
            separable=plan.separable,
            norm=plan.norm,
            even=even,
        )
        logits, deltas = rpn_head(
            pyramid,
            plan.channels,
            plan.anchors.per_cell,
            separable=plan.separable,
            norm=plan.norm,
        )
        # the box head reads strides 8, 16 and 32: coarser cells blur even a face that fills all
        self.trunk = keras.Model(inputs, [pyramid[:3], logits, deltas], name="trunk")
        values = 4 * plan.classes if plan.class_boxes else 4
        self.head = box_head(plan.pool, plan.channels, plan.units, plan.classes, values)
        self._proposer = Proposer(plan.anchors, plan.deviations, plan.before, plan.after)
        self._seed = keras.random.SeedGenerator(0)
        self.built = True

    def call(self, images: Tensor, training: bool = False) -> list[Tensor]:
        """Scores and boxes; while training what `compute_loss` needs instead."""
        features, logits, deltas = self.trunk(images, training=training)
        _, height, width, _ = ops.shape(images)
        regions, real = self._proposer.propose(logits, deltas, height, width)
        if training:
            return [
                *features,
                ops.concatenate(logits, 1),
                ops.concatenate(deltas, 1),
                regions,
                real,
            ]
        class_logits, moves = self._second_stage(features, regions)
        scores = ops.softmax(ops.cast(class_logits, "float32"))[..., :-1]
        scores = scores * ops.cast(real, "float32")[..., None]
        moves = self._of_class(ops.cast(moves, "float32"), ops.argmax(scores, axis=-1))
        boxes = box_coding.decode(regions, moves, self.plan.head_deviations)
        return [scores, box_coding.clip(boxes, height, width)]

    def _second_stage(self, features: Sequence[Tensor], regions: Tensor) -> tuple[Tensor, Tensor]:
        """Class logits (batch, R, classes + 1) and deltas (batch, R, values) of regions."""
        plan = self.plan
        pooled = roi_align(
            features,
            plan.anchors.strides[: len(features)],
            regions,
            size=plan.pool,
            samples=plan.samples,
            canonical=plan.canonical,
        )
        number = regions.shape[1]
        flat = ops.reshape(pooled, (-1, plan.pool, plan.pool, plan.channels))
        logits, deltas = self.head(flat)
        return (
            ops.reshape(logits, (-1, number, logits.shape[-1])),
            ops.reshape(deltas, (-1, number, deltas.shape[-1])),
        )

    def _of_class(self, deltas: Tensor, classes: Tensor) -> Tensor:
        """The deltas (batch, R, 4) that belong to each region's class (batch, R)."""
        if not self.plan.class_boxes:
            return deltas
        chosen = ops.one_hot(classes, self.plan.classes, dtype=deltas.dtype)[..., None]
        split = ops.reshape(deltas, (-1, *deltas.shape[1:2], self.plan.classes, 4))
        return ops.sum(split * chosen, axis=2)

    @property
    def target_maker(self) -> FasterRCNNTargets:
        """The maker of its targets, wherever the batches are made."""
        return FasterRCNNTargets(self.plan.anchors)

    def compute_loss(
        self,
        x: Tensor | None = None,
        y: dict[str, Tensor] | None = None,
        y_pred: Sequence[Tensor] | None = None,
        sample_weight: Tensor | None = None,
        training: bool = True,
    ) -> Tensor:
        """Sum of both stages' class and box losses.

        Args:
            x: images (batch, height, width, 3).
            y: targets in batches, and ``known`` (batch, classes): 0 for a class that the
                image's data set does not label.
            y_pred: of `call` while training.
            sample_weight: not used.
            training: not used.
        """
        assert x is not None and y is not None and y_pred is not None
        *features, logits, deltas, regions, real = y_pred
        first = self._proposal_loss(x, y, ops.cast(logits, "float32"), ops.cast(deltas, "float32"))
        return first + self._region_loss(features, regions, real, y)

    def _proposal_loss(
        self, x: Tensor, y: dict[str, Tensor], logits: Tensor, deltas: Tensor
    ) -> Tensor:
        """Focal where the paper draws anchors at random: the same balance, and no draw."""
        wanted = y["anchors"]
        face = ops.cast(wanted > 0, "float32")
        total = ops.maximum(ops.sum(face), 1.0)
        entropy = losses.focal(face, logits) * ops.cast(wanted >= 0, "float32")
        anchors = ops.convert_to_tensor(self.plan.anchors.anchors(x.shape[1], x.shape[2]))
        target = box_coding.encode(anchors, y["anchor_boxes"], self.plan.deviations)
        distance = losses.smooth_l1(target, deltas) * face
        return (ops.sum(entropy) + ops.sum(distance)) / total

    def _region_loss(
        self, features: Sequence[Tensor], regions: Tensor, real: Tensor, y: dict[str, Tensor]
    ) -> Tensor:
        plan = self.plan
        # the truth stands among the regions, or there would be no faces to learn from at first
        regions = ops.concatenate([regions, y["boxes"]], axis=1)
        real = ops.concatenate([real, y["classes"] >= 0], axis=1)
        match = match_regions(regions, real, y["boxes"], y["classes"])
        index, counts = sample_regions(match, plan.regions, 0.25, self._seed)
        regions = ops.take_along_axis(regions, index[..., None], axis=1)
        match = ops.take_along_axis(match, index, axis=1)
        face = ops.cast(ops.logical_and(match >= 0, counts), "float32")
        owner = ops.maximum(match, 0)
        classes = ops.take_along_axis(ops.cast(y["classes"], "int32"), owner, axis=1)
        logits, moves = self._second_stage(features, regions)
        known = ops.concatenate([y["known"], ops.ones_like(y["known"][:, :1])], axis=1)
        hidden = (1.0 - known)[:, None, :] * -1e4  # classes that this data set does not label
        label = ops.where(match >= 0, classes, plan.classes)
        entropy = ops.sparse_categorical_crossentropy(
            label, ops.cast(logits, "float32") + hidden, from_logits=True
        )
        boxes = ops.take_along_axis(y["boxes"], owner[..., None], axis=1)
        wanted = box_coding.encode(regions, boxes, plan.head_deviations)
        distance = losses.smooth_l1(
            wanted, self._of_class(ops.cast(moves, "float32"), ops.maximum(classes, 0)), sigma=1.0
        )
        total = ops.maximum(ops.sum(ops.cast(counts, "float32")), 1.0)
        learned = ops.cast(counts, "float32")
        return (ops.sum(entropy * learned) + ops.sum(distance * face)) / total
