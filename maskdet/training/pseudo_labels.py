"""Classes that a data set does not label, given by a model that knows them.

Pseudo-labels (Lee 2013), for the state alone: boxes stay as people drew them, and a state changes
only where the teacher is sure of one that the data set had no word for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from maskdet import boxes as box_ops
from maskdet.contracts import Detector
from maskdet.datasets.samples import Sample
from maskdet.detections import CLASS_NAMES, Detections
from maskdet.errors import DatasetError
from maskdet.model.decision import DecisionRule
from maskdet.system.atomic_files import write_whole

LABELED_IOU = 0.5
"""IoU from which on the teacher's face is the labeled one."""
MIN_STATE_PROBABILITY = 0.7
"""Share of all states' probability that decides whether a state is one of the unlabeled."""
BATCH = 8
Answer = list[int] | None
"""States of an image's faces; None where the teacher is not sure of each."""


OpenDetector = Callable[[str, DecisionRule], Detector]
"""From a model's name or folder, and what judges its answers, to a detector."""


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
    answers = _read(memory)
    new = [sample for sample in samples if sample.title not in answers]
    if new:
        answers |= _ask(new, open_teacher())
        write_whole(memory, json.dumps(answers).encode())
    return [_labeled(sample, answers[sample.title]) for sample in samples]


def _ask(samples: Sequence[Sample], teacher: Detector) -> dict[str, Answer]:
    answers: dict[str, Answer] = {}
    try:
        for start in range(0, len(samples), BATCH):
            part = samples[start : start + BATCH]
            found = teacher.detect([sample.read() for sample in part])
            answers |= {s.title: states(s, f) for s, f in zip(part, found, strict=True)}
    finally:
        teacher.close()
    return answers


def states(sample: Sample, found: Detections) -> Answer:
    """The states of a sample's faces, by a teacher's findings in its image."""
    if found.probabilities is None or not len(sample.boxes):
        return None
    hidden = [index for index in range(len(CLASS_NAMES)) if index not in sample.labelled]
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


def _labeled(sample: Sample, answer: Answer) -> Sample:
    if answer is None:
        return sample
    if len(answer) != len(sample.classes):
        raise DatasetError(f"{sample.title}: has other boxes than when its teacher was asked")
    every = tuple(range(len(CLASS_NAMES)))
    return replace(sample, classes=np.array(answer, np.int64), labelled=every)


def _read(memory: Path) -> dict[str, Answer]:
    try:
        answers = json.loads(memory.read_text()) if memory.is_file() else {}
        if isinstance(answers, dict) and all(map(_is_answer, answers.values())):
            return answers
    except (OSError, ValueError):
        pass
    raise DatasetError(f"{memory}: cannot be read; remove it, and the teacher is asked again")


def _is_answer(value: object) -> bool:
    states = range(len(CLASS_NAMES))
    return value is None or (isinstance(value, list) and all(each in states for each in value))
