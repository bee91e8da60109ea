"""Looking a data set over: what is in it, what is wrong with it, what a network cannot learn."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from maskdet import boxes as box_ops
from maskdet.datasets.builder import shown_box
from maskdet.datasets.problems import Problems
from maskdet.datasets.samples import DataSet, Sample
from maskdet.errors import DatasetError
from maskdet.model.anchors import AnchorGrid

TINY_PIXELS = 8
"""Pixels of the shorter side below which a face is hardly one."""
DUPLICATE_IOU = 0.9
"""IoU from which on two boxes mark the same face."""
MIN_ANCHOR_IOU = 0.3
"""IoU with its best anchor below which a box is not learned from (or badly)."""
KINDS = {
    "tiny": f"boxes of less than {TINY_PIXELS} pixels",
    "twice": "boxes that mark a face twice",
    "unfit": "boxes that no anchor fits",
}


def measure_boxes(data: DataSet, problems: Problems, grid: AnchorGrid, long_side: int) -> None:
    """Notes boxes that are tiny, that mark a face twice, or that no anchor fits.

    Args:
        data: to measure.
        problems: takes the notes, under the titles of `KINDS`.
        grid: a network's anchors.
        long_side: what training resizes an image's long side to.
    """
    for sample, places in zip(data.samples, data.places, strict=True):
        boxes = sample.boxes.astype(np.float64)
        if not len(boxes):
            continue
        sides = boxes[:, 2:] - boxes[:, :2]
        for i in np.flatnonzero(sides.min(axis=1) < TINY_PIXELS):
            problems.note(KINDS["tiny"], places[i], f"{sides[i, 0]:g}×{sides[i, 1]:g}")
        overlap = np.triu(box_ops.iou(boxes, boxes), 1)
        for i, j in np.argwhere(overlap > DUPLICATE_IOU):
            text = f"as {places[i]} (IoU {overlap[i, j]:.2f})"
            problems.note(KINDS["twice"], places[j], text)
        best = best_iou(boxes * (long_side / max(sample.width, sample.height)), grid)
        for i in np.flatnonzero(best < MIN_ANCHOR_IOU):
            text = f"box {shown_box(boxes[i].tolist())} (best IoU {best[i]:.2f})"
            problems.note(KINDS["unfit"], places[i], text)


def best_iou(boxes: np.ndarray, grid: AnchorGrid) -> np.ndarray:
    """Each box's IoU (N,) with the anchor that fits it best, in the input's pixels.

    Of equal anchors, the one whose center is nearest overlaps most, so only that one is compared.
    """
    best = np.zeros(len(boxes))
    centers = box_ops.centers(boxes)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    for stride, size in zip(grid.strides, grid.sizes, strict=True):
        cells = (np.maximum(np.rint(centers / stride - 0.5), 0) + 0.5) * stride
        for shape in grid.shapes(size):
            low = np.maximum(boxes[:, :2], cells - shape / 2)
            high = np.minimum(boxes[:, 2:], cells + shape / 2)
            common = np.clip(high - low, 0, None).prod(axis=1)
            best = np.maximum(best, common / (area + shape.prod() - common))
    return best


def measure_images(samples: Iterable[Sample], problems: Problems) -> None:
    """Adds to the problems each image that is broken or of another size than annotated."""
    for sample in samples:
        try:
            sample.read()
        except DatasetError as error:
            problems.add_line(str(error))


def describe(data: DataSet) -> dict[str, Any]:
    """Content of a data set: numbers of images and boxes, and their sizes in pixels."""
    counts = np.zeros(len(data.names), int)
    for sample in data.samples:
        np.add.at(counts, sample.classes, 1)
    boxes = np.concatenate([np.zeros((0, 4)), *(sample.boxes for sample in data.samples)])
    sizes = np.array([(s.width, s.height) for s in data.samples]).reshape(-1, 2)
    faces = np.array([len(sample.boxes) for sample in data.samples])
    return {
        "pictures": len(data.samples),
        "without_objects": int((faces == 0).sum()),
        "parts": dict(Counter(sample.part for sample in data.samples if sample.part)),
        "boxes": int(counts.sum()),
        "classes": dict(zip(data.names, counts.tolist(), strict=True)),
        "boxes_in_a_picture": _spread(faces),
        "picture_width": _spread(sizes[:, 0]),
        "picture_height": _spread(sizes[:, 1]),
        "box_width": _spread(box_ops.widths(boxes)),
        "box_height": _spread(boxes[:, 3] - boxes[:, 1]),
    }


def _spread(values: np.ndarray) -> dict[str, float]:
    """Least, middle and greatest of some values; empty of none."""
    if not len(values):
        return {}
    least, middle, greatest = np.percentile(values, (0, 50, 100))
    return {"min": float(least), "median": float(middle), "max": float(greatest)}
