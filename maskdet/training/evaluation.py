"""All that is measured of a detector: COCO's metrics, and figures that matter to a monitor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from maskdet.detections import CLASS_NAMES, Detections, MaskState
from maskdet.training import metrics
from maskdet.training.dataset import Sample
from maskdet.training.precision import Matches

WIDE = 32
"""Faces of this width in pixels and more are those whose state a person, too, can tell."""
FALSE = "no face"
MISSED = "missed"


def width_name(low: float, high: float) -> str:
    """A range of widths as figures name it: ``16-32``, ``64+``."""
    return f"{low}-{high}" if high < metrics.WIDTHS[-1][1] else f"{low}+"


@dataclass(frozen=True, eq=False)
class Tally:
    """Faces of some widths in each picture: there are, found, found in their right state."""

    faces: np.ndarray
    found: np.ndarray
    right: np.ndarray


class Evaluation:
    """Detections held against the truth; matched once, summed up for any choice of pictures.

    Attributes:
        samples: the truth.
        found: detections of each sample's picture, down to a low score.
        threshold: the score from which a detection counts as shown.
        chosen: whether that threshold was chosen here, as the best one by F1.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        found: Sequence[Detections],
        threshold: float | None = None,
    ) -> None:
        """Matches detections and faces.

        Args:
            samples: one or more.
            found: as many.
            threshold: for recall, precision, states and confusion; None: the best by F1.
        """
        self.samples, self.found = list(samples), list(found)
        by_class = metrics.coco_eval(samples, found, ((0, math.inf), *metrics.WIDTHS))
        faces = metrics.coco_eval(
            [replace(each, classes=np.zeros_like(each.classes)) for each in samples],
            [Detections(each.boxes, each.scores, np.zeros(len(each))) for each in found],
            ((0, math.inf), *metrics.WIDTHS),
        )
        ranges = range(1 + len(metrics.WIDTHS))  # the first holds all widths
        self._classes = [
            [Matches.of(by_class, index, width) for index in range(len(CLASS_NAMES))]
            for width in ranges
        ]
        self._faces = [Matches.of(faces, 0, width) for width in ranges]
        self.thresholds = {"all": Matches.pooled(self._classes[0]).best_threshold()}
        for name, matches in zip(CLASS_NAMES, self._classes[0], strict=True):
            self.thresholds[name] = matches.best_threshold()
        self.chosen = threshold is None
        best = self.thresholds["all"]["threshold"]
        self.threshold = (0.5 if math.isnan(best) else best) if threshold is None else threshold
        self._tally()

    def _tally(self) -> None:
        """Counts in each picture at the threshold."""
        self._shown = [each[each.scores >= self.threshold] for each in self.found]
        self._owners = [
            metrics.pair(sample, shown)
            for sample, shown in zip(self.samples, self._shown, strict=True)
        ]
        self._answers = np.array([len(shown) for shown in self._shown])
        self._tallies = [self._count(low, high) for low, high in ((0, math.inf), *metrics.WIDTHS)]
        self._wide = self._count(WIDE, math.inf)

    def _count(self, low: float, high: float) -> Tally:
        rows = []
        for sample, shown, owner in zip(self.samples, self._shown, self._owners, strict=True):
            width = sample.boxes[:, 2] - sample.boxes[:, 0]
            here = (width >= low) & (width < high)
            hit = here & (owner >= 0)
            right = shown.states[owner[hit]] == sample.classes[hit]
            rows.append((here.sum(), hit.sum(), right.sum()))
        return Tally(*np.array(rows, np.float64).T)

    def figures(self, weights: np.ndarray | None = None) -> dict[str, float]:
        """Every figure by name; NaN where there is nothing to measure it on.

        Args:
            weights: (pictures,), how many times each picture stands in the set; None: once.

        Returns:
            ``mAP50``, ``mAP`` (IoU .5:.95), ``AP50_<class>``, ``AP_<class>``; ``face_AP50``, of
            faces whatever their class; at the threshold ``precision`` and ``recall`` of faces,
            ``right_state`` of the found ones and of those ``32+`` pixels wide; and by width
            ``AP50_16-32``, ``face_AP50_16-32``, ``recall_16-32``, ``right_state_16-32``.
        """
        if weights is None:
            weights = np.ones(len(self.samples))
        by_class = np.array([each.average_precision(weights) for each in self._classes[0]])
        figures = {
            "mAP50": metrics.mean_of_known(by_class[:, 0]),
            "mAP": metrics.mean_of_known(by_class),
        }
        for name, values in zip(CLASS_NAMES, by_class, strict=True):
            figures[f"AP50_{name}"] = float(values[0])
            figures[f"AP_{name}"] = float(values.mean())
        figures["face_AP50"] = _ap50(self._faces[0], weights)
        hits, answers = weights @ self._tallies[0].found, weights @ self._answers
        figures["precision"] = hits / answers if answers else math.nan
        figures |= _rates(self._tallies[0], weights)
        figures[f"right_state_{WIDE}+"] = _rates(self._wide, weights)["right_state"]
        return figures | self._by_width(weights)

    def _by_width(self, weights: np.ndarray) -> dict[str, float]:
        figures = {}
        for index, limits in enumerate(metrics.WIDTHS, 1):
            name = width_name(*limits)
            each = np.array([_ap50(matches, weights) for matches in self._classes[index]])
            figures[f"AP50_{name}"] = metrics.mean_of_known(each)
            figures[f"face_AP50_{name}"] = _ap50(self._faces[index], weights)
            for key, value in _rates(self._tallies[index], weights).items():
                figures[f"{key}_{name}"] = value
        return figures

    def intervals(
        self, resamplings: int = 300, seed: int = 0, level: float = 0.95
    ) -> dict[str, tuple[float, float]]:
        """Bootstrap intervals (Efron 1979) of the figures, pictures drawn with repetition.

        The threshold stays as it is. A figure that no resampling can measure has NaN.
        """
        random = np.random.default_rng(seed)
        count = len(self.samples)
        draws = random.multinomial(count, np.full(count, 1 / count), resamplings)
        rows = [self.figures(weights.astype(np.float64)) for weights in draws]
        ends = [(1 - level) / 2, (1 + level) / 2]
        return {name: _interval(np.array([row[name] for row in rows]), ends) for name in rows[0]}

    def curves(self) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Score, precision and recall at IoU .5 for each class, and for ``face`` whatever its."""
        curves = zip(CLASS_NAMES, self._classes[0], strict=True)
        return {name: each.curve() for name, each in (*curves, ("face", self._faces[0]))}

    def confusion(self) -> tuple[list[str], list[str], np.ndarray]:
        """At the threshold: names of the truth, names of what was said, counts (truth, said)."""
        truth, said = [*CLASS_NAMES, FALSE], [*(state.name for state in MaskState), MISSED]
        counts = np.zeros((len(truth), len(said)), int)
        for sample, shown, owner in zip(self.samples, self._shown, self._owners, strict=True):
            hit = owner >= 0
            np.add.at(counts, (sample.classes[hit], shown.states[owner[hit]]), 1)
            np.add.at(counts[:, -1], sample.classes[~hit], 1)
            false = np.setdiff1d(np.arange(len(shown)), owner)
            np.add.at(counts[-1], shown.states[false], 1)
        unsure = int(MaskState.unsure)
        if not counts[:, unsure].any():
            counts, said = np.delete(counts, unsure, axis=1), [*CLASS_NAMES, MISSED]
        return truth, said, counts

    def mistakes(self) -> np.ndarray:
        """At the threshold, in each picture (pictures,): faces missed, false, or misjudged."""
        faces = self._tallies[0]
        return np.asarray(faces.faces - faces.right + self._answers - faces.found)

    def faces(self, weights: np.ndarray | None = None) -> dict[str, int]:
        """How many faces there are: of each class, and by width."""
        if weights is None:
            weights = np.ones(len(self.samples))
        by_class = dict(zip(CLASS_NAMES, self._classes[0], strict=True))
        counts = {name: weights @ matches.faces for name, matches in by_class.items()}
        for limits, tally in zip(metrics.WIDTHS, self._tallies[1:], strict=True):
            counts[width_name(*limits)] = weights @ tally.faces
        return {name: int(count) for name, count in counts.items()}


def _ap50(matches: Matches, weights: np.ndarray) -> float:
    return float(matches.average_precision(weights, slice(0, 1))[0])


def _rates(tally: Tally, weights: np.ndarray) -> dict[str, float]:
    faces, found, right = (weights @ counts for counts in (tally.faces, tally.found, tally.right))
    return {
        "recall": found / faces if faces else math.nan,
        "right_state": right / found if found else math.nan,
    }


def _interval(values: np.ndarray, ends: list[float]) -> tuple[float, float]:
    known = values[~np.isnan(values)]
    if not known.size:
        return math.nan, math.nan
    low, high = np.quantile(known, ends)
    return float(low), float(high)
