"""Sweeps: how well faces are found by their share of the view, and in bad light or bad cameras.

A mean over pictures hides that a model fails close to the camera or in the dark. Each sweep makes
views of annotated pictures that differ in one thing alone, and measures each step by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import cv2
import numpy as np

from maskdet import boxes as box_ops
from maskdet.datasets.samples import Sample
from maskdet.detections import Detections, MaskState
from maskdet.evaluation import coco
from maskdet.images import conditions
from maskdet.model.decision import DecisionRule

Detect = Callable[[list[np.ndarray]], list[Detections]]
"""From images (BGR uint8) to calibrated detections down to a low score."""

VIEW = (640, 480)
"""Width and height in pixels of the size sweep's views, as most webcams give them."""
SHARES = (0.02, 0.03, 0.05, 0.08, 0.12, 0.2, 0.3, 0.4, 0.6, 0.8, 0.9)  # face / view width
CUT = 0.3
"""Share of the face that an edge cuts off, in the part of the sweep that has cut faces."""
ENLARGEMENT = 2.5
"""A face is enlarged by so much at most: what is blurred says nothing of size."""
MIN_CONDITION_WIDTH = 24.0
"""Narrower faces are left out of the condition sweep: light is not what makes them hard."""
EMPTY_VIEWS = 100
_BATCH = 8
_TRIES = 16
_GRAY = 114


@dataclass(frozen=True, eq=False)
class MadeSample(Sample):
    """A sample whose image is made when it is read.

    Attributes:
        make: returns the image.
    """

    make: Callable[[], np.ndarray] = lambda: np.zeros((1, 1, 3), np.uint8)

    def read(self) -> np.ndarray:
        """The image; see `Sample.read`."""
        return self.make()


@dataclass(frozen=True)
class Step:
    """What was measured at one step of a sweep.

    Attributes:
        sweep: ``size``, ``cut``, ``condition`` or ``empty``.
        name: the share of the width, the condition, or ``pictures``.
        level: the severity; 0 where there is none.
        faces: how many; of ``empty``, pictures.
        found: share of them; of ``empty``, pictures with a false face.
        right: share of the found ones in their right state (unsure is not right).
        unsure: share of the found ones whose state was not called.
    """

    sweep: str
    name: str
    level: int
    faces: int
    found: float
    right: float
    unsure: float

    def record(self) -> dict[str, Any]:
        """Plain values, for JSON and cards."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def run(
    samples: Sequence[Sample], detect: Detect, rule: DecisionRule, faces: int = 120
) -> list[Step]:
    """All sweeps.

    Args:
        samples: annotated pictures.
        detect: the model, every face down to a low score.
        rule: says what is shown.
        faces: how many each step has at most.
    """
    steps = []
    for cut in (False, True):
        for share in SHARES:
            made = list(size_views(samples, share, faces, cut=cut))
            steps.append(measure("cut" if cut else "size", f"{share:g}", 0, made, detect, rule))
    chosen = _with_wide_faces(samples, faces)
    steps.append(measure("condition", "none", 0, chosen, detect, rule, MIN_CONDITION_WIDTH))
    for name in conditions.CONDITIONS:
        for severity in range(1, 6):
            made = [condition_view(sample, name, severity) for sample in chosen]
            steps.append(
                measure("condition", name, severity, made, detect, rule, MIN_CONDITION_WIDTH)
            )
    steps.append(measure_empty(list(empty_views(samples, EMPTY_VIEWS)), detect, rule))
    return steps


def gate(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """What a monitor should reach in every step, as rows of the report's gate."""
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
            "figure": name,
            "about": about,
            "value": value,
            "interval": [None, None],
            "wanted": f"≥ {limit}",
            "reached": value >= limit,
        }
        for name, about, limit, value in rows
        if value is not None
    ]


def size_views(
    samples: Sequence[Sample], share: float, count: int, *, cut: bool = False
) -> Iterator[MadeSample]:
    """Views in each of which one face takes a share of the width, all states in turn.

    Args:
        samples: pictures; faces that would have to be enlarged much are left out.
        share: of the view's width.
        count: of views at most.
        cut: whether an edge cuts the face.
    """
    random = np.random.default_rng(round(share * 1000) + cut)
    by_state: dict[int, list[tuple[Sample, int]]] = {}
    for sample in samples:
        widths = sample.boxes[:, 2] - sample.boxes[:, 0]
        for index in np.flatnonzero(widths * ENLARGEMENT >= share * VIEW[0]).tolist():
            by_state.setdefault(int(sample.classes[index]), []).append((sample, index))
    for state, faces in by_state.items():
        order = random.permutation(len(faces))[: -(-count // len(by_state))]
        by_state[state] = [faces[i] for i in order]
    for faces in by_state.values():
        for sample, index in faces:
            yield _size_view(sample, index, share, random, cut)


def _size_view(
    sample: Sample, index: int, share: float, random: np.random.Generator, cut: bool
) -> MadeSample:
    width, height = VIEW
    factor = share * width / float(sample.boxes[index, 2] - sample.boxes[index, 0])
    box = sample.boxes[index] * factor
    ends = np.sort(np.stack([box[2:] - VIEW, box[:2]]), axis=0)
    corner = random.uniform(*ends)
    if cut:
        axis = int(random.integers(2))
        part = CUT * (box[axis + 2] - box[axis])
        corner[axis] = (box[axis] + part, box[axis + 2] - part - VIEW[axis])[random.integers(2)]
    boxes = box_ops.clip(sample.boxes * factor - np.tile(corner, 2), width, height)
    wide = box_ops.area(boxes) > 0

    def make() -> np.ndarray:
        image = sample.read()
        scale = np.diag([factor, factor, 1.0])
        if factor < 0.75:
            smaller = [max(1, round(side * factor)) for side in (sample.width, sample.height)]
            image = cv2.resize(image, smaller, interpolation=cv2.INTER_AREA)
            scale = np.eye(3)
        warp = np.array([[1, 0, -corner[0]], [0, 1, -corner[1]]]) @ scale
        return cv2.warpAffine(image, warp, VIEW, borderValue=(_GRAY,) * 3)

    keep = np.flatnonzero(wide)
    first = np.concatenate([[index], keep[keep != index]])  # the face that the view is made for
    return MadeSample(
        sample.file,
        width,
        height,
        boxes[first].astype(np.float32),
        sample.classes[first],
        sample.labelled,
        make=make,
    )


def condition_view(sample: Sample, name: str, severity: int) -> MadeSample:
    """A picture under a condition, the same each time."""

    def make() -> np.ndarray:
        random = np.random.default_rng((severity, sample.width, sample.height))
        return conditions.apply(name, sample.read(), severity, random, sample.boxes)

    known = {field.name: getattr(sample, field.name) for field in fields(Sample)}
    return MadeSample(**known, make=make)


def empty_views(samples: Sequence[Sample], count: int) -> Iterator[np.ndarray]:
    """Views of what is between the faces, enlarged; at most one a picture."""
    random = np.random.default_rng(0)
    made = 0
    for index in random.permutation(len(samples)):
        sample = samples[index]
        for _ in range(_TRIES):
            side = random.uniform(0.15, 0.6) * min(sample.width, sample.height)
            corner = random.uniform((0, 0), (sample.width - side, sample.height - side))
            part = np.concatenate([corner, corner + side])
            if not _shares(part, sample.boxes):
                x1, y1, x2, y2 = part.astype(int)
                cropped = sample.read()[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)]
                yield cv2.resize(cropped, (480, 480), interpolation=cv2.INTER_LINEAR)
                made += 1
                break
        if made == count:
            return


def _shares(part: np.ndarray, boxes: np.ndarray) -> bool:
    """Whether a part of a picture shares anything with a face or its surroundings."""
    margin = (boxes[:, 2:] - boxes[:, :2]) * 0.3
    low, high = boxes[:, :2] - margin, boxes[:, 2:] + margin
    inside = (np.minimum(high, part[2:]) > np.maximum(low, part[:2])).all(axis=1)
    return bool(inside.any())


def measure(
    sweep: str,
    name: str,
    level: int,
    samples: Sequence[Sample],
    detect: Detect,
    rule: DecisionRule,
    least_width: float | None = None,
) -> Step:
    """One step: of each view its first face; with a least width, all faces as wide as that."""
    counts = np.zeros(4)
    for sample, found in _detected(samples, detect):
        shown = rule.apply(found)
        owner = coco.pair(sample, shown)
        wanted = np.zeros(len(sample.boxes), bool)
        if least_width is None:
            wanted[:1] = True
        else:
            wanted = sample.boxes[:, 2] - sample.boxes[:, 0] >= least_width
        hit = wanted & (owner >= 0)
        said = shown.states[owner[hit]]
        right, unsure = said == sample.classes[hit], said == MaskState.unsure
        counts += wanted.sum(), hit.sum(), right.sum(), unsure.sum()
    faces, hits, right_states, doubtful = counts
    return Step(
        sweep,
        name,
        level,
        int(faces),
        round(float(hits / max(faces, 1)), 3),
        round(float(right_states / max(hits, 1)), 3),
        round(float(doubtful / max(hits, 1)), 3),
    )


def measure_empty(images: Sequence[np.ndarray], detect: Detect, rule: DecisionRule) -> Step:
    """Pictures without faces: in how many of them something is shown as one."""
    false = 0
    for start in range(0, len(images), _BATCH):
        found = detect(list(images[start : start + _BATCH]))
        false += sum(len(rule.apply(each)) > 0 for each in found)
    return Step(
        "empty", "pictures", 0, len(images), round(false / max(len(images), 1), 3), 1.0, 0.0
    )


def _detected(samples: Sequence[Sample], detect: Detect) -> Iterator[tuple[Sample, Detections]]:
    for start in range(0, len(samples), _BATCH):
        part = samples[start : start + _BATCH]
        yield from zip(part, detect([sample.read() for sample in part]), strict=True)


def _with_wide_faces(samples: Sequence[Sample], faces: int) -> list[Sample]:
    """Pictures drawn by chance until they have so many wide faces."""
    chosen, count = [], 0
    for index in np.random.default_rng(1).permutation(len(samples)):
        wide = samples[index].boxes[:, 2] - samples[index].boxes[:, 0] >= MIN_CONDITION_WIDTH
        if wide.any():
            chosen.append(samples[index])
            count += int(wide.sum())
        if count >= faces:
            break
    return chosen
