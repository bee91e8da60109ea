"""Sweeps: how well faces are found by share of the view, tilt, bad light and bad cameras.

A mean over images hides that a model fails close to the camera or in the dark. Each sweep makes
views of annotated images that differ in one thing alone, and measures each step alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from maskdet import boxes as box_ops
from maskdet.datasets.samples import Sample
from maskdet.detections import Detections, MaskState
from maskdet.evaluation import coco
from maskdet.evaluation.sweep_views import condition_view, empty_views, size_views, tilted_view
from maskdet.images import conditions
from maskdet.model.decision import DecisionRule

Detect = Callable[[list[np.ndarray]], list[Detections]]
"""From images (BGR uint8) to calibrated detections down to a low score."""

SHARES = (0.02, 0.03, 0.05, 0.08, 0.12, 0.2, 0.3, 0.4, 0.6, 0.8, 0.9)  # face / view width
TILTS = (15, 30, 45)
"""Degrees by which images are turned, every other one the other way."""
MIN_WIDTH = 24.0
"""Narrower faces are left out of all but the size sweep: light and tilt do not make them hard."""
EMPTY_VIEWS = 100
_BATCH = 8


@dataclass(frozen=True)
class Step:
    """Measurement at one step of a sweep.

    Attributes:
        sweep: ``size``, ``cut``, ``tilt``, ``condition`` or ``empty``.
        name: the share of the width, degrees, the condition, or ``pictures``.
        level: the severity; 0 where there is none.
        faces: how many; of ``empty``, images.
        found: share of them; of ``empty``, images with a false face; NaN without any.
        right: share of the found ones in their right state (unsure is not right); 0 where none is
            found, NaN without any face.
        unsure: share of the found ones whose state was not called, likewise.
    """

    sweep: str
    name: str
    level: int
    faces: int
    found: float
    right: float
    unsure: float

    def record(self) -> dict[str, Any]:
        """Plain values, for JSON and cards: NaN is None."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: None if value != value else value for name, value in values.items()}


def run(
    samples: Sequence[Sample], detect: Detect, rule: DecisionRule, faces: int = 120
) -> list[Step]:
    """All sweeps.

    Args:
        samples: annotated images.
        detect: the model, every face down to a low score.
        rule: decides what is shown.
        faces: how many each step has at most.
    """
    steps = []
    for cut in (False, True):
        for share in SHARES:
            made = list(size_views(samples, share, faces, cut=cut))
            steps.append(measure("cut" if cut else "size", f"{share:g}", 0, made, detect, rule))
    chosen = _with_wide_faces(samples, faces)
    steps.append(measure("condition", "none", 0, chosen, detect, rule, MIN_WIDTH))
    for degrees in TILTS:
        made = [tilted_view(sample, degrees * (-1) ** i) for i, sample in enumerate(chosen)]
        steps.append(measure("tilt", str(degrees), 0, made, detect, rule, MIN_WIDTH))
    for name in conditions.CONDITIONS:
        for severity in range(1, 6):
            made = [condition_view(sample, name, severity) for sample in chosen]
            steps.append(measure("condition", name, severity, made, detect, rule, MIN_WIDTH))
    steps.append(measure_empty(list(empty_views(samples, EMPTY_VIEWS)), detect, rule))
    return steps


def for_card(steps: Sequence[Step]) -> dict[str, Any]:
    """Sweeps as a card has them: by name, lists with one value for each step.

    A card is read at every start, so it has the shares found and right alone.
    """
    table: dict[str, Any] = {}
    for step in steps:
        values = step.record()
        if step.sweep == "empty":
            table["empty"] = {"images": step.faces, "with_false_face": values["found"]}
            continue
        name = step.name if step.sweep == "condition" else step.sweep
        row = table.setdefault(name, {"faces": [], "found": [], "right": []})
        if step.sweep != "condition":
            unit = "degrees" if step.sweep == "tilt" else "share_of_width"
            row.setdefault(unit, []).append(float(step.name))
        for key in ("faces", "found", "right"):
            row[key].append(values[key])
    for name in conditions.CONDITIONS:
        table[name].pop("faces")  # those of ``none``
    return table


def gate(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """Values that a monitor should reach in every step, as rows of the report's gate.

    Steps without any face count for none; the value is None where no step has one.
    """
    if not steps:
        return []
    steps = [step for step in steps if step.faces]
    sizes = [step for step in steps if step.sweep == "size" and float(step.name) >= 0.03]
    called = [step for step in sizes if float(step.name) >= 0.08]
    empty = [step for step in steps if step.sweep == "empty"]
    rows = [
        ("sweep_size_found", "faces of 3 to 90 % of the width found, in the worst step", 0.97,
         min((step.found for step in sizes), default=None)),
        ("sweep_size_right", "their states right from 8 % on, in the worst step", 0.92,
         min((step.right for step in called), default=None)),
        ("sweep_empty", "empty scenes without a false face", 0.98,
         min((round(1 - step.found, 3) for step in empty), default=None)),
    ]  # fmt: skip
    return [
        {
            "metric": name,
            "figure": name,  # as earlier versions called it
            "about": about,
            "value": value,
            "interval": [None, None],
            "wanted": f"≥ {limit}",
            "reached": None if value is None else value >= limit,
        }
        for name, about, limit, value in rows
    ]


def measure(
    sweep: str,
    name: str,
    level: int,
    samples: Sequence[Sample],
    detect: Detect,
    rule: DecisionRule,
    min_width: float | None = None,
) -> Step:
    """One step: of each view its first face; with a least width, all faces as wide as that."""
    counts = np.zeros(4)
    for sample, found in _detected(samples, detect):
        shown = rule.apply(found)
        owner = coco.pair(sample, shown)
        wanted = np.zeros(len(sample.boxes), bool)
        if min_width is None:
            wanted[:1] = True
        else:
            wanted = box_ops.widths(sample.boxes) >= min_width
        hit = wanted & (owner >= 0)
        found_states = shown.states[owner[hit]]
        right, unsure = found_states == sample.classes[hit], found_states == MaskState.unsure
        counts += wanted.sum(), hit.sum(), right.sum(), unsure.sum()
    faces, hits, right_states, doubtful = counts.tolist()
    if not faces:
        return Step(sweep, name, level, 0, math.nan, math.nan, math.nan)
    shares = (hits / faces, right_states / max(hits, 1), doubtful / max(hits, 1))
    return Step(sweep, name, level, int(faces), *(round(share, 3) for share in shares))


def measure_empty(images: Sequence[np.ndarray], detect: Detect, rule: DecisionRule) -> Step:
    """Images without faces: in how many of them something is shown as one."""
    false = 0
    for start in range(0, len(images), _BATCH):
        found = detect(list(images[start : start + _BATCH]))
        false += sum(len(rule.apply(each)) > 0 for each in found)
    share = round(false / len(images), 3) if images else math.nan
    return Step("empty", "pictures", 0, len(images), share, 1.0, 0.0)


def _detected(samples: Sequence[Sample], detect: Detect) -> Iterator[tuple[Sample, Detections]]:
    for start in range(0, len(samples), _BATCH):
        part = samples[start : start + _BATCH]
        yield from zip(part, detect([sample.read() for sample in part]), strict=True)


def _with_wide_faces(samples: Sequence[Sample], faces: int) -> list[Sample]:
    """Images drawn by chance until they have so many wide faces."""
    chosen, count = [], 0
    for index in np.random.default_rng(1).permutation(len(samples)):
        wide = box_ops.widths(samples[index].boxes) >= MIN_WIDTH
        if wide.any():
            chosen.append(samples[index])
            count += int(wide.sum())
        if count >= faces:
            break
    return chosen
