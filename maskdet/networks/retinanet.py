"""RetinaNet (Lin et al. 2017): backbone → feature pyramid → shared class and box subnets."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import keras
from keras import layers, ops

from maskdet.model.network_plans import RetinaNetPlan
from maskdet.networks import box_coding, losses
from maskdet.networks.backbones import BACKBONES
from maskdet.networks.matching import IGNORED
from maskdet.networks.pyramid import conv, feature_pyramid
from maskdet.networks.targets import RetinaNetTargets
from maskdet.networks.tensor import Tensor


class RetinaNet(keras.Model):
    """The network with its loss; images are RGB 0–255 (batch, height, width, 3).

    Its outputs are class logits (batch, N, classes) and box deltas (batch, N, 4), N anchors in
    the order of `AnchorGrid.anchors`.
    """

    def __init__(
        self,
        plan: RetinaNetPlan,
        height: int | None = None,
        width: int | None = None,
        *,
        even: bool = False,
    ) -> None:
        """Builds it with random weights.

        Args:
            plan: what it is built from.
            height: of its images; None: any.
            width: of its images; None: any.
            even: both will be multiples of 32; for export.
        """
        inputs = keras.Input((height, width, 3), name="image")
        features = BACKBONES[plan.backbone].build(inputs)
        pyramid = feature_pyramid(
            features, plan.channels, separable=plan.separable, norm=plan.norm, even=even
        )
        per_cell = plan.anchors.per_cell
        # the bias gives every anchor a score of .01 at first: else the background drowns the rest
        prior = keras.initializers.Constant(-math.log(99))
        logits = _subnet(pyramid, plan, "class", per_cell, plan.classes, prior)
        deltas = _subnet(pyramid, plan, "box", per_cell, 4, "zeros")
        super().__init__(inputs=inputs, outputs=[logits, deltas], name="retinanet")
        self.plan = plan

    @property
    def target_maker(self) -> RetinaNetTargets:
        """The maker of its targets, wherever the batches are made."""
        return RetinaNetTargets(self.plan.anchors, self.plan.matcher)

    def compute_loss(
        self,
        x: Tensor | None = None,
        y: dict[str, Tensor] | None = None,
        y_pred: Sequence[Tensor] | None = None,
        sample_weight: Tensor | None = None,
        training: bool = True,
    ) -> Tensor:
        """Class loss plus weighted box loss, both over the number of positive anchors.

        Args:
            x: images (batch, height, width, 3).
            y: targets in batches, and ``known`` (batch, classes): 0 for a class that the
                image's data set does not label, whose logits are then left out; and, where a
                teacher answers too, what `_teacher_loss` reads.
            y_pred: the outputs.
            sample_weight: not used.
            training: not used.
        """
        assert x is not None and y is not None and y_pred is not None
        logits, deltas = (ops.cast(output, "float32") for output in y_pred)
        labels = ops.one_hot(y["classes"], self.plan.classes, dtype="float32")
        positive = ops.cast(y["classes"] >= 0, "float32")
        counted = ops.cast(y["classes"] != IGNORED, "float32")
        total = ops.maximum(ops.sum(positive), 1.0)
        entropy = self._class_loss(x, y["boxes"], labels, logits, deltas) * y["known"][:, None, :]
        class_loss = ops.sum(ops.sum(entropy, axis=-1) * counted) / total
        box_loss = ops.sum(self._box_loss(x, y["boxes"], deltas) * positive) / total
        loss = class_loss + self.plan.box_weight * box_loss
        return loss + self._teacher_loss(x, y, logits, deltas) if "teacher_classes" in y else loss

    def _teacher_loss(
        self, x: Tensor, y: dict[str, Tensor], logits: Tensor, deltas: Tensor
    ) -> Tensor:
        """Distance of class and box from a teacher's, both over the faces it sees.

        Args:
            x: images.
            y: ``teacher_classes`` (batch, N, classes), probabilities; ``teacher_deltas``
                (batch, N, 4), each of the weight that the teacher gives its face.
            logits: (batch, N, classes).
            deltas: (batch, N, 4).
        """
        faces = ops.max(y["teacher_classes"], axis=-1)
        total = ops.maximum(ops.sum(faces), 1.0)
        class_loss = ops.sum(losses.quality_focal(y["teacher_classes"], logits)) / total
        boxes = self._boxes(x, y["teacher_deltas"])
        box_loss = ops.sum(self._box_loss(x, boxes, deltas) * faces) / total
        return class_loss + self.plan.box_weight * box_loss

    def _class_loss(
        self, x: Tensor, boxes: Tensor, labels: Tensor, logits: Tensor, deltas: Tensor
    ) -> Tensor:
        """Loss (batch, N, classes) of every anchor's logits."""
        if self.plan.class_loss == "focal":
            return losses.focal(labels, logits)
        quality = ops.stop_gradient(box_coding.aligned_iou(boxes, self._boxes(x, deltas)))
        return losses.varifocal(quality[..., None], labels, logits)

    def _box_loss(self, x: Tensor, boxes: Tensor, deltas: Tensor) -> Tensor:
        """Loss (batch, N) of every anchor's box; meaningless where there is no target."""
        if self.plan.box_loss == "giou":
            return losses.giou(boxes, self._boxes(x, deltas))
        wanted = box_coding.encode(self._anchors(x), boxes, self.plan.deviations)
        return losses.smooth_l1(wanted, deltas)

    def _boxes(self, x: Tensor, deltas: Tensor) -> Tensor:
        """Where deltas (batch, N, 4) put the anchors' boxes."""
        return box_coding.decode(self._anchors(x), deltas, self.plan.deviations)

    def _anchors(self, x: Tensor) -> Tensor:
        _, height, width, _ = x.shape
        return ops.convert_to_tensor(self.plan.anchors.anchors(height, width))


def _subnet(
    pyramid: Sequence[Tensor],
    plan: RetinaNetPlan,
    name: str,
    per_cell: int,
    values: int,
    bias: Any,
) -> Tensor:
    """One subnet, its convolutions shared by all levels: (batch, N, values)."""
    shared = [
        conv(
            plan.channels,
            3,
            f"{name}_conv{i}",
            separable=plan.separable,
            use_bias=not plan.norm,
        )
        for i in range(plan.depth)
    ]
    last = conv(
        per_cell * values,
        3,
        f"{name}_output",
        separable=plan.separable,
        bias_initializer=bias,
        **_small_start(plan.separable),
    )
    outputs = []
    for level, x in enumerate(pyramid, 3):
        for i, layer in enumerate(shared):
            x = layer(x)
            if plan.norm:
                bn = layers.BatchNormalization(momentum=0.97, name=f"{name}_bn{i}_p{level}")
                x = bn(x)
            x = layers.ReLU(6, name=f"{name}_relu{i}_p{level}")(x)
        outputs.append(layers.Reshape((-1, values), name=f"{name}_p{level}")(last(x)))
    return layers.Concatenate(axis=1, name=f"{name}_all")(outputs)


def _small_start(separable: bool) -> dict[str, Any]:
    """The paper's σ = .01, where the kernel is a plain one."""
    if separable:
        return {"pointwise_initializer": keras.initializers.RandomNormal(stddev=0.01, seed=1)}
    return {"kernel_initializer": keras.initializers.RandomNormal(stddev=0.01, seed=1)}
