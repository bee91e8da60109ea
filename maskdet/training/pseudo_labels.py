"""Faces and classes that a data set does not label, given by a model that knows them.

Pseudo-labels (Lee 2013), for the state alone: boxes stay as people drew them, and a state changes
only where the teacher is sure of one that the data set had no word for. Faces that people left out
are not labeled by a model; but they are no background either.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from maskdet import boxes as box_ops
from maskdet.contracts import Detector
from maskdet.datasets.samples import Sample
from maskdet.detections import CLASS_NAMES, Detections
from maskdet.errors import DatasetError
from maskdet.model.decision import DecisionRule
from maskdet.system.atomic_files import write_whole
from maskdet.training.augmentation.views import IGNORE

LABELED_IOU = 0.5
"""IoU from which on the teacher's face is the labeled one."""
MIN_STATE_PROBABILITY = 0.7
"""Share of all states' probability that decides whether a state is one of the unlabeled."""
MIN_UNLABELED_SCORE = 0.35
"""How likely a face that nobody labeled must be: most of those are faces, and what is none is only
lost as an example of the background."""
MAX_LABELED_OVERLAP = 0.2
"""IoU with a labeled face above which a face is taken for that one."""
BATCH = 8
States = list[int] | None
"""States of an image's faces; None where the teacher is not sure of each."""
Boxes = list[list[float]]


OpenDetector = Callable[[str, DecisionRule | None], Detector]
"""From a model's name or folder, and what judges its answers instead of its own rule, to a
detector."""


def pseudo_label(
    samples: Sequence[Sample], open_teacher: Callable[[], Detector], memory: Path
) -> list[Sample]:
    """The samples, with every class labeled in those where the teacher is sure of each face.

    Args:
        samples: of one data set.
        open_teacher: opens a detector that gives doubtful faces, too, with all probabilities; only
            called if an image is not in `memory`.
        memory: file of the answers, so that a run taken up again need not ask again.

    Raises:
        DatasetError: an image or the memory is broken.
    """
    answers = _answers(samples, open_teacher, memory, states, _are_states)
    return [_labeled(sample, answers[sample.title]) for sample in samples]


def ignore_unlabeled(
    samples: Sequence[Sample], open_finder: Callable[[], Detector], memory: Path
) -> list[Sample]:
    """The samples, with boxes to ignore where the finder sees a face that nobody labeled.

    Args:
        samples: of one data set.
        open_finder: opens a detector; only called if an image is not in `memory`.
        memory: file of the answers, so that a run taken up again need not ask again.

    Raises:
        DatasetError: an image or the memory is broken.
    """
    answers = _answers(samples, open_finder, memory, _likely, _are_boxes)
    return [_with_ignored(sample, answers[sample.title]) for sample in samples]


def _answers(
    samples: Sequence[Sample],
    open_detector: Callable[[], Detector],
    memory: Path,
    answer: Callable[[Sample, Detections], Any],
    is_answer: Callable[[object], bool],
) -> dict[str, Any]:
    answers = _read(memory, is_answer)
    new = [sample for sample in samples if sample.title not in answers]
    if new:
        answers |= _ask(new, open_detector(), answer)
        write_whole(memory, json.dumps(answers).encode())
    return answers


def _ask(
    samples: Sequence[Sample], detector: Detector, answer: Callable[[Sample, Detections], Any]
) -> dict[str, Any]:
    answers: dict[str, Any] = {}
    try:
        for start in range(0, len(samples), BATCH):
            part = samples[start : start + BATCH]
            found = detector.detect([sample.read() for sample in part])
            answers |= {s.title: answer(s, f) for s, f in zip(part, found, strict=True)}
    finally:
        detector.close()
    return answers


def _likely(sample: Sample, found: Detections) -> Boxes:
    boxes = found.boxes[found.face_scores >= MIN_UNLABELED_SCORE]
    rounded: Boxes = np.round(boxes.astype(float), 1).tolist()
    return rounded


def states(sample: Sample, found: Detections) -> States:
    """The states of a sample's faces, by a teacher's findings in its image."""
    if found.probabilities is None or not len(sample.boxes):
        return None
    hidden = [index for index in range(len(CLASS_NAMES)) if index not in sample.labeled]
    overlap = box_ops.iou(sample.boxes, found.boxes)
    answer = []
    for row, state in zip(overlap, sample.classes, strict=True):
        best = int(row.argmax()) if len(row) else -1
        if best < 0 or row[best] < LABELED_IOU:
            return None
        share = found.probabilities[best] / found.probabilities[best].sum()
        of_hidden = float(share[hidden].sum())
        if 1 - MIN_STATE_PROBABILITY < of_hidden < MIN_STATE_PROBABILITY:
            return None
        answer.append(
            hidden[int(share[hidden].argmax())]
            if of_hidden >= MIN_STATE_PROBABILITY
            else int(state)
        )
    return answer


def _labeled(sample: Sample, answer: States) -> Sample:
    if answer is None:
        return sample
    if len(answer) != len(sample.classes):
        raise DatasetError(f"{sample.title}: has other boxes than when its teacher was asked")
    every = tuple(range(len(CLASS_NAMES)))
    return replace(sample, classes=np.array(answer, np.int64), labeled=every)


def _with_ignored(sample: Sample, likely: Boxes) -> Sample:
    boxes = np.array(likely, np.float32).reshape(-1, 4)
    if len(boxes) and len(sample.boxes):
        boxes = boxes[box_ops.iou(boxes, sample.boxes).max(axis=1) <= MAX_LABELED_OVERLAP]
    if not len(boxes):
        return sample
    classes = np.append(sample.classes, np.full(len(boxes), IGNORE))
    return replace(sample, boxes=np.concatenate([sample.boxes, boxes]), classes=classes)


def _read(memory: Path, is_answer: Callable[[object], bool]) -> dict[str, Any]:
    try:
        answers = json.loads(memory.read_text()) if memory.is_file() else {}
        if isinstance(answers, dict) and all(map(is_answer, answers.values())):
            return answers
    except (OSError, ValueError):
        pass
    raise DatasetError(f"{memory}: cannot be read; remove it, and the model is asked again")


def _are_boxes(value: object) -> bool:
    return isinstance(value, list) and all(
        isinstance(box, list) and len(box) == 4 and all(isinstance(side, float) for side in box)
        for box in value
    )


def _are_states(value: object) -> bool:
    states = range(len(CLASS_NAMES))
    return value is None or (isinstance(value, list) and all(each in states for each in value))
