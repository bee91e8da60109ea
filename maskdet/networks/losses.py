"""Losses of one-stage detectors, element by element; sums and means are the network's."""

from __future__ import annotations

from keras import ops

from maskdet.networks import box_coding
from maskdet.networks.tensor import Tensor


def focal(labels: Tensor, logits: Tensor, alpha: float = 0.25, gamma: float = 2.0) -> Tensor:
    """Sigmoid focal loss (Lin et al. 2017), equation 5.

    Args:
        labels: 0 … 1, any shape.
        logits: of the same shape.
        alpha: weight of the positives; 1 − alpha is the negatives'.
        gamma: how much the well-classified are played down; 0 gives cross-entropy.

    Returns:
        Loss per element.
    """
    probability = ops.sigmoid(logits)
    distance = ops.abs(labels - probability)
    weight = labels * alpha + (1 - labels) * (1 - alpha)
    return weight * distance**gamma * _cross_entropy(labels, logits)


def quality_focal(wanted: Tensor, logits: Tensor, beta: float = 2.0) -> Tensor:
    """Quality focal loss (Li et al. 2020), equation 2: cross-entropy weighted by the distance.

    Args:
        wanted: probabilities, any shape.
        logits: of the same shape.
        beta: how much what is nearly right is played down.

    Returns:
        Loss per element, 0 where the wanted probability is given.
    """
    distance = ops.abs(wanted - ops.sigmoid(logits))
    return distance**beta * _cross_entropy(wanted, logits)


def varifocal(
    quality: Tensor, labels: Tensor, logits: Tensor, alpha: float = 0.75, gamma: float = 2.0
) -> Tensor:
    """Varifocal loss (Zhang et al. 2021), equation 2: a box's score learns to be its IoU.

    Args:
        quality: the wanted score where the label is 1: IoU of the predicted box with the true one.
        labels: 0 or 1, of the same shape.
        logits: of the same shape.
        alpha: weight of the negatives.
        gamma: how much the well-classified ones among them are played down.

    Returns:
        Loss per element.
    """
    wanted = labels * quality
    weight = wanted + (1 - labels) * alpha * ops.sigmoid(logits) ** gamma
    return weight * _cross_entropy(wanted, logits)


def smooth_l1(target: Tensor, prediction: Tensor, sigma: float = 3.0) -> Tensor:
    """Smooth L1 (Girshick 2015) whose parabola ends at 1 / sigma², summed over the last axis."""
    distance = ops.abs(target - prediction)
    squared = sigma * sigma
    loss = ops.where(distance < 1 / squared, 0.5 * squared * distance**2, distance - 0.5 / squared)
    return ops.sum(loss, axis=-1)


def giou(target: Tensor, prediction: Tensor) -> Tensor:
    """1 − generalized IoU (Rezatofighi et al. 2019) of boxes (…, 4), x1 y1 x2 y2."""
    hull = box_coding.area(
        ops.minimum(target[..., :2], prediction[..., :2]),
        ops.maximum(target[..., 2:], prediction[..., 2:]),
    )
    overlap, union = box_coding.overlap_and_union(target, prediction)
    return 1 - overlap / ops.maximum(union, 1e-6) + (hull - union) / ops.maximum(hull, 1e-6)


def _cross_entropy(labels: Tensor, logits: Tensor) -> Tensor:
    """In its softplus form, finite for any logit."""
    return ops.softplus(logits) - labels * logits
