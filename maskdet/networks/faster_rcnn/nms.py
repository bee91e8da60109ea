"""Non-maximum suppression of whole batches at once, in tensors of fixed size."""

from __future__ import annotations

import numpy as np
from keras import ops

from maskdet.networks import box_coding
from maskdet.networks.tensor import Tensor


def greedy_keep(boxes: Tensor, threshold: float) -> Tensor:
    """Which boxes greedy suppression keeps.

    A box goes if a kept one before it overlaps it by more than the threshold. That is the only
    fixed point of "kept = not suppressed by a kept one", since a box depends on earlier ones
    alone; each round settles at least one more box, and in practice a few rounds settle all.

    Args:
        boxes: (batch, N, 4), best first; N fixed.
        threshold: of IoU.

    Returns:
        bool (batch, N).
    """
    count = boxes.shape[1]
    earlier = ops.convert_to_tensor(np.triu(np.ones((count, count), bool), 1))
    rivals = ops.cast(
        ops.logical_and(box_coding.iou(boxes, boxes) > threshold, earlier[None]), "float32"
    )

    def settle(kept: Tensor) -> Tensor:
        pressure = ops.einsum("bi,bij->bj", kept, rivals)
        return ops.cast(pressure < 0.5, "float32")

    first = ops.ones_like(boxes[..., 0])
    kept, _ = ops.while_loop(
        lambda kept, before: ops.any(kept != before),
        lambda kept, before: (settle(kept), kept),
        (settle(first), first),
        maximum_iterations=count,
    )
    return kept > 0.5
