"""Precision and recall of detections already matched, of any choice of the images.

pycocotools matches each image once; from its matches average precision follows for a subset of
the images, or for one drawn with repetition, in milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pycocotools.cocoeval import COCOeval

RECALLS = np.linspace(0, 1, 101)
"""Where COCO reads the precision."""


@dataclass(frozen=True, eq=False)
class Matches:
    """Detections of one class, best first, and the faces that they were to find.

    Attributes:
        scores: (N,), falling.
        images: (N,), index of each one's image.
        hits: bool (IoUs, N), whether it found a face of its own.
        counted: bool (IoUs, N); False for what is neither right nor wrong, as it found a face
            that is ignored.
        faces: (images,), number of faces in each.
    """

    scores: np.ndarray
    images: np.ndarray
    hits: np.ndarray
    counted: np.ndarray
    faces: np.ndarray

    @classmethod
    def of(cls, evaluation: COCOeval, category: int, width: int = 0) -> Matches:
        """Matches of pycocotools for one category and range of widths, both by index."""
        count = len(evaluation.params.imgIds)
        start = (category * len(evaluation.params.areaRng) + width) * count
        results = evaluation.evalImgs[start : start + count]
        faces = np.array(
            [0 if r is None else (np.array(r["gtIgnore"]) == 0).sum() for r in results]
        )
        each = [(i, r) for i, r in enumerate(results) if r is not None]
        ious = len(evaluation.params.iouThrs)
        scores = np.concatenate([np.zeros(0), *(r["dtScores"] for _, r in each)])
        images = np.repeat([i for i, _ in each], [len(r["dtScores"]) for _, r in each])
        none = np.zeros((ious, 0))
        ignored = np.concatenate([none, *(r["dtIgnore"] for _, r in each)], axis=1) > 0
        matched = np.concatenate([none, *(r["dtMatches"] for _, r in each)], axis=1) > 0
        order = np.argsort(-scores, kind="stable")  # as pycocotools does
        hits, counted = (matched & ~ignored)[:, order], ~ignored[:, order]
        return cls(scores[order], images[order].astype(np.int64), hits, counted, faces)

    @classmethod
    def pooled(cls, parts: Sequence[Matches]) -> Matches:
        """Several classes' matches as if they were one's."""
        scores = np.concatenate([part.scores for part in parts])
        order = np.argsort(-scores, kind="stable")
        return cls(
            scores[order],
            np.concatenate([part.images for part in parts])[order],
            np.concatenate([part.hits for part in parts], axis=1)[:, order],
            np.concatenate([part.counted for part in parts], axis=1)[:, order],
            np.sum([part.faces for part in parts], axis=0),
        )

    def average_precision(self, weights: np.ndarray, ious: slice = slice(None)) -> np.ndarray:
        """COCO's average precision for each IoU; NaN where there are no faces.

        Args:
            weights: (images,), how many times each image stands in the set.
            ious: which of the IoUs.
        """
        total = weights @ self.faces
        hits, counted = self.hits[ious], self.counted[ious]
        if not total:
            return np.full(len(hits), np.nan)
        drawn = weights[self.images]
        pairs = zip(hits, counted, strict=True)
        return np.array([_average(drawn, hit, count, total) for hit, count in pairs])

    def curve(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Score, precision and recall at the first IoU, one for every different score, falling.

        With no faces at all recall is NaN.
        """
        counted = self.counted[0]
        scores, hits = self.scores[counted], self.hits[0][counted]
        last = np.append(scores[1:] != scores[:-1], True)[: len(scores)]
        found, answers = np.cumsum(hits)[last], np.arange(1, len(scores) + 1)[last]
        total = self.faces.sum()
        return scores[last], found / answers, found / total if total else found * np.nan

    def best_threshold(self) -> dict[str, float]:
        """The lowest score to show for the best F1 at the first IoU; NaN if nothing was found."""
        scores, precision, recall = self.curve()
        both = precision + recall
        f1 = np.where(both > 0, 2 * precision * recall / np.where(both > 0, both, 1), 0)
        if not len(f1) or f1.max() == 0:
            return dict.fromkeys(("threshold", "f1", "precision", "recall"), float("nan"))
        best = int(f1.argmax())
        # rounded down, so that the face of that very score is still shown
        threshold = np.floor(scores[best] * 1e4) / 1e4
        values = (threshold, f1[best], precision[best], recall[best])
        return dict(
            zip(("threshold", "f1", "precision", "recall"), map(float, values), strict=True)
        )


def _average(drawn: np.ndarray, hits: np.ndarray, counted: np.ndarray, total: float) -> float:
    """One IoU's average precision; precision only matters where a face is found."""
    answers = np.cumsum(drawn * counted)[hits]
    found = np.cumsum(drawn[hits])
    precision = found / np.maximum(answers, 1e-9)
    envelope = np.append(np.maximum.accumulate(precision[::-1])[::-1], 0.0)
    return float(envelope[np.searchsorted(found / total, RECALLS, "left")].mean())
