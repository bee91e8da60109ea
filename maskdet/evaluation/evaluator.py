"""All that is measured of a detector: COCO's metrics, and metrics that matter to a monitor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from maskdet import boxes as box_ops
from maskdet.datasets.samples import Sample
from maskdet.detections import CLASS_NAMES, Detections, MaskState
from maskdet.evaluation import coco
from maskdet.evaluation.calibration import Reliability
from maskdet.evaluation.precision_recall import Matches
from maskdet.model.decision import DecisionRule

WIDE_FACE_PIXELS = 32
"""Faces of this width in pixels and more are those whose state a person, too, can see."""
FALSE = "no face"
MISSED = "missed"


def width_name(low: float, high: float) -> str:
    """A range of widths as metrics name it: ``16-32``, ``64+``."""
    return f"{low}-{high}" if high < coco.WIDTHS[-1][1] else f"{low}+"


@dataclass(frozen=True, eq=False)
class Tally:
    """Faces of some kind in each image.

    Attributes:
        faces: there are.
        found: whatever their state.
        right: found in their right state.
        unsure: found, but their state was not called.
        masked: found with a mask, correctly or not.
    """

    faces: np.ndarray
    found: np.ndarray
    right: np.ndarray
    unsure: np.ndarray
    masked: np.ndarray


class Evaluation:
    """Detections held against the truth; matched once, summed up for any choice of images.

    Attributes:
        samples: the truth.
        found: detections of each sample's image, down to a low score.
        rule: decides which detections count as shown, and which as unsure.
        chosen: whether its lowest score was chosen here, as the best one by F1.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        found: Sequence[Detections],
        rule: DecisionRule | None = None,
    ) -> None:
        """Matches detections and faces.

        Args:
            samples: one or more.
            found: as many.
            rule: for recall, precision, states and confusion; None: one lowest score, the best
                by F1.
        """
        self.samples, self.found = list(samples), list(found)
        by_class = coco.coco_eval(samples, found, ((0, math.inf), *coco.WIDTHS))
        faces = coco.coco_eval_faces(samples, found, ((0, math.inf), *coco.WIDTHS))
        ranges = range(1 + len(coco.WIDTHS))  # the first holds all widths
        self._classes = [
            [Matches.of(by_class, index, width) for index in range(len(CLASS_NAMES))]
            for width in ranges
        ]
        self._faces = [Matches.of(faces, 0, width) for width in ranges]
        self.thresholds = {"all": Matches.pooled(self._classes[0]).best_threshold()}
        for name, matches in zip(CLASS_NAMES, self._classes[0], strict=True):
            self.thresholds[name] = matches.best_threshold()
        self.reliability = {
            "all": Reliability.of(Matches.pooled(self._classes[0])),
            **dict(zip(CLASS_NAMES, map(Reliability.of, self._classes[0]), strict=True)),
        }
        self.chosen = rule is None
        best = self.thresholds["all"]["threshold"]
        self.rule = rule or DecisionRule.from_min_score(0.5 if math.isnan(best) else best)
        self.shown = [self.rule.apply(each) for each in found]
        self._tally()

    def _tally(self) -> None:
        """Counts in each image, of what is shown."""
        self._owners = [
            coco.pair(sample, shown) for sample, shown in zip(self.samples, self.shown, strict=True)
        ]
        self._answers = np.array([len(shown) for shown in self.shown])
        self._tallies = [self._count(low, high) for low, high in ((0, math.inf), *coco.WIDTHS)]
        self._wide = self._count(WIDE_FACE_PIXELS, math.inf)
        self._wide_bare = self._count(WIDE_FACE_PIXELS, math.inf, MaskState.without_mask)

    def _count(self, low: float, high: float, state: MaskState | None = None) -> Tally:
        rows = []
        for sample, shown, owner in zip(self.samples, self.shown, self._owners, strict=True):
            width = box_ops.widths(sample.boxes)
            here = (width >= low) & (width < high)
            if state is not None:
                here &= sample.classes == state
            hit = here & (owner >= 0)
            found_states = shown.states[owner[hit]]
            kinds = (
                found_states == sample.classes[hit],
                found_states == MaskState.unsure,
                found_states == 0,
            )
            rows.append((here.sum(), hit.sum(), *(kind.sum() for kind in kinds)))
        return Tally(*np.array(rows, np.float64).T)

    def metrics(self, weights: np.ndarray | None = None) -> dict[str, float]:
        """Every figure by name; NaN where there is nothing to measure it on.

        Args:
            weights: (images,), how many times each image stands in the set; None: once.

        Returns:
            ``mAP50``, ``mAP`` (IoU .5:.95), ``AP50_<class>``, ``AP_<class>``; ``face_AP50``, of
            faces whatever their class; of what is shown ``precision`` and ``recall`` of faces,
            ``right_state`` of the found ones (an unsure one is not), ``unsure`` of them, and
            ``right_when_called`` of the others; all three of those ``32+`` pixels wide, with
            ``masked_bare_32+``, the share of bare ones taken for masked; and by width
            ``AP50_16-32``, ``face_AP50_16-32``, ``recall_16-32``, ``right_state_16-32``,
            ``unsure_16-32``, ``right_when_called_16-32``.
        """
        if weights is None:
            weights = np.ones(len(self.samples))
        by_class = np.array([each.average_precision(weights) for each in self._classes[0]])
        metrics = {
            "mAP50": coco.mean_of_known(by_class[:, 0]),
            "mAP": coco.mean_of_known(by_class),
        }
        for name, values in zip(CLASS_NAMES, by_class, strict=True):
            metrics[f"AP50_{name}"] = float(values[0])
            metrics[f"AP_{name}"] = float(values.mean())
        metrics["face_AP50"] = _ap50(self._faces[0], weights)
        metrics["precision"] = _share(weights @ self._tallies[0].found, weights @ self._answers)
        metrics |= _rates(self._tallies[0], weights)
        for name, value in _rates(self._wide, weights).items():
            if name != "recall":
                metrics[f"{name}_{WIDE_FACE_PIXELS}+"] = value
        bare = self._wide_bare
        metrics[f"masked_bare_{WIDE_FACE_PIXELS}+"] = _share(
            weights @ bare.masked, weights @ bare.found
        )
        return metrics | self._by_width(weights)

    def _by_width(self, weights: np.ndarray) -> dict[str, float]:
        metrics = {}
        for index, limits in enumerate(coco.WIDTHS, 1):
            name = width_name(*limits)
            each = np.array([_ap50(matches, weights) for matches in self._classes[index]])
            metrics[f"AP50_{name}"] = coco.mean_of_known(each)
            metrics[f"face_AP50_{name}"] = _ap50(self._faces[index], weights)
            for key, value in _rates(self._tallies[index], weights).items():
                metrics[f"{key}_{name}"] = value
        return metrics

    def intervals(
        self, resamplings: int = 300, seed: int = 0, level: float = 0.95
    ) -> dict[str, tuple[float, float]]:
        """Bootstrap intervals (Efron 1979) of the metrics, images drawn with repetition.

        What is shown stays as it is. A figure that no resampling can measure has NaN.
        """
        random = np.random.default_rng(seed)
        count = len(self.samples)
        draws = random.multinomial(count, np.full(count, 1 / count), resamplings)
        rows = [self.metrics(weights.astype(np.float64)) for weights in draws]
        ends = [(1 - level) / 2, (1 + level) / 2]
        return {name: _interval(np.array([row[name] for row in rows]), ends) for name in rows[0]}

    def curves(self) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Score, precision and recall at IoU .5 for each class, and for ``face`` whatever its."""
        curves = zip(CLASS_NAMES, self._classes[0], strict=True)
        return {name: each.curve() for name, each in (*curves, ("face", self._faces[0]))}

    def confusion(self) -> tuple[list[str], list[str], np.ndarray]:
        """Of what is shown: names of the truth, of the states found, counts."""
        truth, found_states = [*CLASS_NAMES, FALSE], [*(state.name for state in MaskState), MISSED]
        counts = np.zeros((len(truth), len(found_states)), int)
        for sample, shown, owner in zip(self.samples, self.shown, self._owners, strict=True):
            hit = owner >= 0
            np.add.at(counts, (sample.classes[hit], shown.states[owner[hit]]), 1)
            np.add.at(counts[:, -1], sample.classes[~hit], 1)
            false = np.setdiff1d(np.arange(len(shown)), owner)
            np.add.at(counts[-1], shown.states[false], 1)
        unsure = int(MaskState.unsure)
        if not counts[:, unsure].any():
            counts, found_states = np.delete(counts, unsure, axis=1), [*CLASS_NAMES, MISSED]
        return truth, found_states, counts

    def points(self) -> dict[str, tuple[float, float]]:
        """Recall and precision of what is shown: each class, and ``face`` whatever its state."""
        counts = self.confusion()[2]
        faces, shown = counts[:-1].sum(), counts[:, :-1].sum()
        found = counts[:-1, :-1].sum()
        points = {"face": (_share(found, faces), _share(found, shown))}
        for index, name in enumerate(CLASS_NAMES):
            right = counts[index, index]
            points[name] = (
                _share(right, counts[index].sum()),
                _share(right, counts[:, index].sum()),
            )
        return points

    def mistakes(self) -> np.ndarray:
        """Of what is shown, in each image (images,): faces missed, false, or misjudged."""
        faces = self._tallies[0]
        return np.asarray(faces.faces - faces.right + self._answers - faces.found)

    def faces(self, weights: np.ndarray | None = None) -> dict[str, int]:
        """Number of faces: of each class, and by width."""
        if weights is None:
            weights = np.ones(len(self.samples))
        by_class = dict(zip(CLASS_NAMES, self._classes[0], strict=True))
        counts = {name: weights @ matches.faces for name, matches in by_class.items()}
        for limits, tally in zip(coco.WIDTHS, self._tallies[1:], strict=True):
            counts[width_name(*limits)] = weights @ tally.faces
        return {name: int(count) for name, count in counts.items()}


def _ap50(matches: Matches, weights: np.ndarray) -> float:
    return float(matches.average_precision(weights, slice(0, 1))[0])


def _rates(tally: Tally, weights: np.ndarray) -> dict[str, float]:
    counts = (tally.faces, tally.found, tally.right, tally.unsure)
    faces, found, right, unsure = (weights @ count for count in counts)
    return {
        "recall": _share(found, faces),
        "right_state": _share(right, found),
        "unsure": _share(unsure, found),
        "right_when_called": _share(right, found - unsure),
    }


def _share(part: float, whole: float) -> float:
    return part / whole if whole else math.nan


def _interval(values: np.ndarray, ends: list[float]) -> tuple[float, float]:
    known = values[~np.isnan(values)]
    if not known.size:
        return math.nan, math.nan
    low, high = np.quantile(known, ends)
    return float(low), float(high)
