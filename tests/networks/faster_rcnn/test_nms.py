"""Suppression of batches against the plain greedy one in numpy."""

from __future__ import annotations

import numpy as np
import pytest
from keras import ops

from maskdet import boxes as box_ops
from maskdet.networks.faster_rcnn.nms import greedy_keep


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.7])
def test_it_keeps_what_greedy_suppression_keeps(threshold: float) -> None:
    random = np.random.default_rng(0)
    corner = random.uniform(0, 40, (3, 60, 2))
    boxes = np.concatenate([corner, corner + random.uniform(5, 30, (3, 60, 2))], axis=2)
    boxes = boxes.astype(np.float32)
    kept = ops.convert_to_numpy(greedy_keep(ops.convert_to_tensor(boxes), threshold))
    for picture in range(3):
        wanted = box_ops.nms(boxes[picture], -np.arange(60.0), threshold, 60)
        assert np.flatnonzero(kept[picture]).tolist() == sorted(wanted.tolist())


def test_a_chain_is_settled_to_its_end() -> None:
    """Each box overlaps the next one only: every other one goes, however long the chain."""
    x = np.arange(40, dtype=np.float32) * 4
    boxes = np.stack([x, np.zeros(40), x + 10, np.full(40, 10)], axis=1).astype(np.float32)
    kept = ops.convert_to_numpy(greedy_keep(ops.convert_to_tensor(boxes[None]), 0.4))
    assert kept[0].tolist() == [True, False] * 20
