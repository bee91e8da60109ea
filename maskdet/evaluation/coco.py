"""COCO metrics of faces and their states, and values that matter to a monitor."""

from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from maskdet import boxes as box_ops
from maskdet.datasets.samples import Sample
from maskdet.detections import CLASS_NAMES, Detections

MAX_DETECTIONS = 300
"""Detections of an image that count; its crowds have more faces than COCO's 100."""
MIN_FURTHER_PROBABILITY = 0.001
"""A face's other states count from this probability on: calibration makes small ones smaller."""
WIDTHS = ((0, 16), (16, 32), (32, 64), (64, 10_000))
"""Face widths in pixels of the original image, from … below."""

_MIN_IOU = 0.5
"""Overlap from which a detection has found a face, in `pair`."""


def coco_eval(
    samples: Sequence[Sample],
    found: Sequence[Detections],
    widths: Sequence[tuple[float, float]] = ((0, math.inf),),
) -> COCOeval:
    """Runs pycocotools' evaluation; `eval["precision"]` is (10 IoUs, 101 recalls, class, width, 1).

    Args:
        samples: the truth.
        found: detections of each sample's image; where they have probabilities, a face counts
            for each of its states.
        widths: ranges of face width in pixels, from … below, each evaluated alone: faces of
            other widths are ignored in it, and so are detections of other widths that match none.
    """
    with contextlib.redirect_stdout(io.StringIO()):  # it prints its progress
        truth = COCO()
        truth.dataset = _truth(samples)
        truth.createIndex()
        rows = _rows([each.every_state(MIN_FURTHER_PROBABILITY) for each in found])
        answer = truth.loadRes(rows) if len(rows) else _nothing(truth)
        for row in answer.dataset["annotations"]:
            row["area"] = row["bbox"][2]
        evaluation = COCOeval(truth, answer, "bbox")
        evaluation.params.maxDets = [MAX_DETECTIONS]
        # ranges hold both their ends there, and ask for what stands under "area": the width here
        evaluation.params.areaRng = [[low, np.nextafter(high, 0)] for low, high in widths]
        evaluation.params.areaRngLbl = [f"{low}-{high}" for low, high in widths]
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation


def coco_eval_faces(
    samples: Sequence[Sample],
    found: Sequence[Detections],
    widths: Sequence[tuple[float, float]],
) -> COCOeval:
    """The same of faces whatever their state: one class, scored by how likely each is a face."""
    return coco_eval(
        [replace(each, classes=np.zeros_like(each.classes)) for each in samples],
        [Detections(each.boxes, each.face_scores, np.zeros(len(each))) for each in found],
        widths,
    )


def average_precision(evaluation: COCOeval) -> dict[str, float]:
    """``mAP50``, ``mAP`` (.5:.95) and ``AP50_<class>``; NaN for a class that has no faces."""
    precision = evaluation.eval["precision"][..., 0, 0]
    by_class = np.where(precision < 0, np.nan, precision).mean(axis=1)
    return {
        "mAP50": mean_of_known(by_class[0]),
        "mAP": mean_of_known(by_class),
        **{f"AP50_{name}": float(by_class[0, index]) for index, name in enumerate(CLASS_NAMES)},
    }


def mean_of_known(values: np.ndarray) -> float:
    """Mean of what is not NaN; NaN if nothing is left."""
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else math.nan


def _truth(samples: Sequence[Sample]) -> dict[str, Any]:
    annotations: list[dict[str, Any]] = []
    for image, sample in enumerate(samples, 1):
        for (x1, y1, x2, y2), index in zip(
            sample.boxes.tolist(), sample.classes.tolist(), strict=True
        ):
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": image,
                    "category_id": index + 1,
                    "bbox": [x1, y1, x2 - x1, y2 - y1],
                    "area": x2 - x1,
                    "iscrowd": 0,
                }
            )
    images = [
        {"id": image, "width": sample.width, "height": sample.height}
        for image, sample in enumerate(samples, 1)
    ]
    categories = [{"id": index, "name": name} for index, name in enumerate(CLASS_NAMES, 1)]
    return {"info": {}, "images": images, "annotations": annotations, "categories": categories}


def _rows(found: Sequence[Detections]) -> np.ndarray:
    """Detections as pycocotools reads them: image, x, y, width, height, score, class."""
    rows = [
        np.column_stack(
            [
                np.full(len(each), image),
                each.boxes[:, :2],
                each.boxes[:, 2:] - each.boxes[:, :2],
                each.scores,
                each.states + 1,
            ]
        )
        for image, each in enumerate(found, 1)
    ]
    return np.concatenate(rows).astype(np.float64)


def _nothing(truth: COCO) -> COCO:
    answer = COCO()
    answer.dataset = {**truth.dataset, "annotations": []}
    answer.createIndex()
    return answer


def pair(sample: Sample, found: Detections) -> np.ndarray:
    """For each true face the index of the detection that found it, whatever its state, or −1.

    The best detections choose first, as in COCO's matching.
    """
    owner = np.full(len(sample.boxes), -1)
    ious = box_ops.iou(found.boxes, sample.boxes)
    for index in np.argsort(-found.scores, kind="stable"):
        free = np.where(owner < 0, ious[index], 0)
        if free.size and free.max() >= _MIN_IOU:
            owner[free.argmax()] = index
    return owner
