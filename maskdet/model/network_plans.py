"""Plans of networks: plain values that a card keeps, settings give, and a network is built from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from maskdet.model.anchors import AnchorGrid


@dataclass(frozen=True)
class RetinaNetPlan:
    """All that a RetinaNet is built from; what a model card keeps of it.

    Attributes:
        backbone: a key of `maskdet.networks.backbones.BACKBONES`.
        classes: number of classes, each with its own sigmoid.
        anchors: where the anchors stand.
        channels: of pyramid and subnets; the paper has 256.
        depth: convolutions of each subnet before its last; the paper has 4.
        separable: depthwise-separable convolutions in pyramid and subnets.
        norm: batch norm there, the subnets' own for each level since statistics differ.
        deviations: scale of the box deltas.
        matcher: ``iou`` (the paper's) or ``atss``.
        box_loss: ``smooth_l1`` (the paper's) or ``giou``.
        box_weight: of the box loss beside the class loss.
        class_loss: ``focal`` (the paper's) or ``varifocal``: a score then shows how well its box
            lies, too.
    """

    backbone: str = "efficientnet_lite0"
    classes: int = 3
    anchors: AnchorGrid = field(default_factory=AnchorGrid)
    channels: int = 64
    depth: int = 3
    separable: bool = True
    norm: bool = True
    deviations: tuple[float, float, float, float] = (0.1, 0.1, 0.2, 0.2)
    matcher: Literal["iou", "atss"] = "atss"
    box_loss: Literal["smooth_l1", "giou"] = "giou"
    box_weight: float = 2.0
    class_loss: Literal["focal", "varifocal"] = "focal"


@dataclass(frozen=True)
class FasterRCNNPlan:
    """All that a Faster R-CNN is built from; what a model card keeps of it.

    Attributes:
        backbone: a key of `maskdet.networks.backbones.BACKBONES`.
        classes: number of classes beside the background.
        anchors: of the region proposal network.
        channels: of the pyramid.
        separable: depthwise-separable convolutions in pyramid and proposal network.
        norm: batch norm there.
        deviations: scale of the proposal network's box deltas.
        head_deviations: scale of the box head's.
        units: of each fully connected layer.
        pool: rows and columns that a region is resampled to.
        samples: RoIAlign's points along a side of each of these.
        canonical: side in pixels of a region that is read at stride 16.
        before: best anchors of each level that become candidates.
        after: proposals of an image.
        regions: of an image that the box head learns from.
        class_boxes: a box for each class instead of one for all.
    """

    backbone: str = "efficientnet_lite0"
    classes: int = 3
    anchors: AnchorGrid = field(default_factory=AnchorGrid)
    channels: int = 64
    separable: bool = True
    norm: bool = True
    deviations: tuple[float, float, float, float] = (1.0, 1.0, 1.0, 1.0)
    head_deviations: tuple[float, float, float, float] = (0.1, 0.1, 0.2, 0.2)
    units: int = 256
    pool: int = 7
    samples: int = 2
    canonical: float = 160.0
    before: int = 200
    after: int = 100
    regions: int = 64
    class_boxes: bool = False
