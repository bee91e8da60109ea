"""States that a data set has no word for, labeled by a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from maskdet.config import load_settings
from maskdet.datasets.samples import Sample
from maskdet.detections import Detections
from maskdet.errors import ConfigError, DatasetError
from maskdet.model.anchors import AnchorGrid
from maskdet.model.decision import DecisionRule
from maskdet.networks.matching import BACKGROUND, IGNORED
from maskdet.networks.targets import RetinaNetTargets
from maskdet.training.pseudo_labels import ignore_unlabeled, pseudo_label, states
from maskdet.training.settings import TrainingSettings
from tests.datasets.voc_folder import write_voc_folder
from tests.doubles import ScriptedDetector

BOXES = np.array([[0, 0, 20, 20], [40, 0, 60, 20]], np.float32)
MASK, NONE, WRONG = [0.9, 0.05, 0.05], [0.05, 0.9, 0.05], [0.05, 0.05, 0.9]
TORN = [0.4, 0.1, 0.4]


class Teacher:
    """Answers each picture by how bright it is; counts them."""

    name, device = "teacher", "paper"

    def __init__(self, answers: dict[int, Detections]) -> None:
        self.answers, self.asked, self.closed = answers, 0, 0

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        self.asked += len(images)
        return [self.answers[int(image[0, 0, 0])] for image in images]

    def close(self) -> None:
        self.closed += 1


def found(*probabilities: list[float], boxes: np.ndarray = BOXES) -> Detections:
    table = np.array(probabilities).reshape(-1, 3)
    best = table.max(axis=1, initial=0), table.argmax(axis=1) if len(table) else np.zeros(0)
    return Detections(boxes[: len(table)], *best, probabilities=table)


@pytest.fixture
def sample(tmp_path: Path) -> Sample:
    cv2.imwrite(str(tmp_path / "10.png"), np.full((30, 70, 3), 10, np.uint8))
    return Sample(tmp_path / "10.png", 70, 30, BOXES, np.array([0, 1]), (0, 1))


@pytest.mark.parametrize(
    ("answer", "reported"),
    [
        (found(MASK, NONE), [0, 1]),
        (found(WRONG, NONE), [2, 1]),
        (found(WRONG, WRONG), [2, 2]),
        # the teacher says nothing of the states that were labeled, only of the one that was not
        (found(NONE, MASK), [0, 1]),
        # not sure of one of the faces, or has not found it, or found it elsewhere
        (found(TORN, NONE), None),
        (found(MASK), None),
        (found(), None),
        (found(MASK, NONE, boxes=BOXES + 12), None),
        (Detections(BOXES, np.ones(2), np.zeros(2)), None),
    ],
)
def test_states(sample: Sample, answer: Detections, reported: list[int] | None) -> None:
    assert states(sample, answer) == reported


def test_a_picture_without_faces_teaches_nothing(sample: Sample) -> None:
    empty = replace(sample, boxes=np.zeros((0, 4), np.float32), classes=np.zeros(0, np.int64))
    assert states(empty, found(MASK)) is None


def test_a_sure_teacher_completes_the_labels(sample: Sample, tmp_path: Path) -> None:
    teacher = Teacher({10: found(WRONG, NONE)})
    (completed,) = pseudo_label([sample], lambda: teacher, tmp_path / "told.json")
    assert completed.classes.tolist() == [2, 1]
    assert completed.labeled == (0, 1, 2)
    np.testing.assert_array_equal(completed.boxes, sample.boxes)
    assert (teacher.asked, teacher.closed) == (1, 1)


def test_a_doubtful_one_leaves_the_sample_as_it_was(sample: Sample, tmp_path: Path) -> None:
    teacher = Teacher({10: found(TORN, NONE)})
    assert pseudo_label([sample], lambda: teacher, tmp_path / "told.json") == [sample]


def test_nobody_is_asked_twice(sample: Sample, tmp_path: Path) -> None:
    """But for pictures that are new since."""
    memory = tmp_path / "told.json"
    cv2.imwrite(str(tmp_path / "11.png"), np.full((30, 70, 3), 11, np.uint8))
    more = [sample, replace(sample, file=tmp_path / "11.png")]
    first = pseudo_label([sample], lambda: Teacher({10: found(WRONG, NONE)}), memory)
    second_teacher = Teacher({11: found(NONE, WRONG)})
    second = pseudo_label(more, lambda: second_teacher, memory)
    assert second_teacher.asked == 1
    assert [each.classes.tolist() for each in (*first, *second)] == [[2, 1], [2, 1], [0, 2]]
    pseudo_label(more, lambda: pytest.fail("asked again"), memory)


@pytest.mark.parametrize("text", ["", "[]", '{"a": 3}', '{"a": [7]}', '{"a": ["x"]}', "{"])
def test_a_broken_memory_is_one_line(sample: Sample, tmp_path: Path, text: str) -> None:
    memory = tmp_path / "told.json"
    memory.write_text(text)
    with pytest.raises(DatasetError, match="remove it, and the model is asked again"):
        pseudo_label([sample], lambda: Teacher({}), memory)
    with pytest.raises(DatasetError, match="remove it, and the model is asked again"):
        ignore_unlabeled([sample], lambda: Teacher({}), memory)


def test_boxes_that_changed_since(sample: Sample, tmp_path: Path) -> None:
    memory = tmp_path / "told.json"
    pseudo_label([sample], lambda: Teacher({10: found(MASK, NONE)}), memory)
    fewer = replace(sample, boxes=BOXES[:1], classes=np.array([0]))
    with pytest.raises(DatasetError, match="has other boxes"):
        pseudo_label([fewer], lambda: Teacher({}), memory)


def test_a_face_that_nobody_labeled_is_neither_face_nor_background(
    sample: Sample, tmp_path: Path
) -> None:
    """One of a score of .34 and less may be anything; one over a labeled face is that face."""
    boxes = np.array([[20, 0, 40, 20], [41, 1, 61, 21], [22, 0, 38, 20]], np.float32)
    finder = Teacher({10: found(TORN, MASK, [0.2, 0.1, 0.04], boxes=boxes)})
    memory = tmp_path / "found.json"
    (seen,) = ignore_unlabeled([sample], lambda: finder, memory)
    assert seen.classes.tolist() == [0, 1, -1] and seen.labeled == sample.labeled
    np.testing.assert_array_equal(seen.boxes, [*BOXES, boxes[0]])
    (again,) = ignore_unlabeled([sample], lambda: pytest.fail("asked again"), memory)
    np.testing.assert_array_equal(again.boxes, seen.boxes)
    # somebody labels it: it counts as that
    more = replace(sample, boxes=seen.boxes, classes=np.array([0, 1, 0]))
    assert ignore_unlabeled([more], lambda: pytest.fail("asked again"), memory) == [more]
    targets = RetinaNetTargets(AnchorGrid((8,), (20.0,), (1.0,)), "iou")
    wanted = targets.targets(seen.boxes, seen.classes, 32, 72)["classes"].reshape(4, 9)
    assert wanted[1, 3] == IGNORED and wanted[1, 1] == 0 and wanted[3, 4] == BACKGROUND


def test_a_run_asks_the_teacher_that_its_settings_name(tmp_path: Path) -> None:
    """The command opens the teacher; its doubtful answers are wanted, too."""
    pytest.importorskip("keras")
    from maskdet.training import data

    write_voc_folder(tmp_path / "data", 6)
    models = "teacher: models/big, finder: models/far"
    reported = [f"train=[{{labeled: [with_mask, without_mask], {models}}}]"]
    settings = load_settings(TrainingSettings, None, reported)
    opened: list[tuple[str, float | None]] = []

    def open_detector(name: str, rule: DecisionRule | None) -> ScriptedDetector:
        opened.append((name, rule and rule.lowest_score))
        return ScriptedDetector(lambda image: Detections.empty())

    data.read_data(settings, tmp_path / "data", tmp_path, open_detector)
    assert opened == [("models/big", data.TEACHER_SCORE), ("models/far", None)]
    assert (tmp_path / "pseudo-labels-big.json").is_file()
    assert (tmp_path / "unlabeled-faces-far.json").is_file()
    with pytest.raises(ConfigError, match="nobody to open the model 'models/big'"):
        data.read_data(settings, tmp_path / "data", tmp_path)
