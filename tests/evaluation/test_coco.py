"""COCO's metrics where they can be worked out by hand: 101 recalls, ten overlaps."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from maskdet.datasets.samples import Sample
from maskdet.detections import Detections
from maskdet.evaluation.coco import average_precision, coco_eval, mean_of_known, pair

WITH, WITHOUT, WRONG, UNSURE = range(4)
A, B, C = [10, 10, 50, 60], [100, 10, 140, 60], [200, 100, 260, 180]
NOWHERE = [300, 300, 340, 340]
NAN = math.nan

Faces = list[tuple[list[int], int]]
Found = list[tuple[list[int], int, float]]


def sample(faces: Faces) -> Sample:
    boxes = np.array([box for box, _ in faces], np.float32).reshape(-1, 4)
    return Sample(Path("a.png"), 400, 400, boxes, np.array([c for _, c in faces], np.int64))


def detections(found: Found) -> Detections:
    boxes = np.array([box for box, *_ in found], np.float32).reshape(-1, 4)
    return Detections(boxes, [score for *_, score in found], [state for _, state, _ in found])


def metrics(*pictures: tuple[Faces, Found]) -> dict[str, float]:
    samples = [sample(faces) for faces, _ in pictures]
    return average_precision(coco_eval(samples, [detections(found) for _, found in pictures]))


@pytest.mark.parametrize(
    ("faces", "found", "expected"),
    [
        # all found, of one class or of all three
        ([(A, WITH)], [(A, WITH, 0.9)], 1.0),
        ([(A, WITH), (B, WITHOUT), (C, WRONG)], [(A, 0, 0.1), (B, 1, 0.9), (C, 2, 0.5)], 1.0),
        # nothing found, or under another name, or nobody can say which
        ([(A, WITH)], [], 0.0),
        ([(A, WITH)], [(A, WITHOUT, 0.9)], 0.0),
        ([(A, WITH)], [(A, UNSURE, 0.9)], 0.0),
        # one of two: recalls 0 … .50 are reached, 51 of 101
        ([(A, WITH), (B, WITH)], [(A, WITH, 0.9)], 51 / 101),
        # a better-scored false one before it: precision 1/2 throughout
        ([(A, WITH)], [(NOWHERE, WITH, 0.9), (A, WITH, 0.8)], 0.5),
        # a worse-scored false one after all are found costs nothing
        ([(A, WITH)], [(A, WITH, 0.9), (NOWHERE, WITH, 0.8)], 1.0),
        # a face found twice: the second is false; precision 2/3 for the upper recalls
        (
            [(A, WITH), (B, WITH)],
            [(A, WITH, 0.9), (A, WITH, 0.8), (B, WITH, 0.7)],
            (51 + 50 * 2 / 3) / 101,
        ),
        # classes weigh alike, however many faces they have: 1, 51/101 and 0
        (
            [(A, WITH), (B, WITHOUT), (NOWHERE, WITHOUT), (C, WRONG)],
            [(A, WITH, 0.9), (B, WITHOUT, 0.9)],
            (1 + 51 / 101 + 0) / 3,
        ),
    ],
)
def test_map50(faces: Faces, found: Found, expected: float) -> None:
    assert metrics((faces, found))["mAP50"] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("box", "at_half", "over_all"),
    [
        # a box of 40 × 50; overlaps from .5 to .95 in steps of .05 that it passes, of ten
        ([10, 10, 50, 60], 1.0, 1.0),
        ([10, 10, 50, 41], 1.0, 3 / 10),  # IoU .62
        ([10, 10, 50, 36], 1.0, 1 / 10),  # IoU .52
        ([10, 10, 50, 34], 0.0, 0.0),  # IoU .48
    ],
)
def test_overlap(box: list[int], at_half: float, over_all: float) -> None:
    measured = metrics(([(A, WITH)], [(box, WITH, 0.9)]))
    assert measured["mAP50"] == pytest.approx(at_half)
    assert measured["mAP"] == pytest.approx(over_all)


def test_a_class_without_faces_has_no_figure() -> None:
    """Nor does it count in the mean; false detections of it do not either."""
    measured = metrics(([(A, WITH)], [(A, WITH, 0.9), (B, WRONG, 0.9)]))
    assert measured["AP50_with_mask"] == pytest.approx(1.0)
    assert math.isnan(measured["AP50_without_mask"])
    assert math.isnan(measured["AP50_mask_weared_incorrect"])
    assert (measured["mAP50"], measured["mAP"]) == pytest.approx((1.0, 1.0))


@pytest.mark.parametrize("found", [[], [(A, WITH, 0.9)]])
def test_no_faces_no_figures(found: Found) -> None:
    assert all(math.isnan(value) for value in metrics(([], found)).values())


def test_pictures_are_not_mixed_up() -> None:
    """A face is found only in its own picture; pictures of no face or no detection count."""
    one, none = [(A, WITH)], [(A, WITH, 0.9)]
    assert metrics((one, none), ([], []), (one, none))["mAP50"] == pytest.approx(1.0)
    assert metrics((one, []), ([], none))["mAP50"] == 0.0
    # precision 1/2 from the first one on: in the other picture it is false, and better
    assert metrics((one, [(A, WITH, 0.8)]), ([], none))["mAP50"] == pytest.approx(0.5)


def test_a_crowd_counts_as_a_whole() -> None:
    """COCO looks at a hundred detections; a crowd of faces has more."""
    crowd = [[x * 20, y * 20, x * 20 + 15, y * 20 + 15] for x in range(15) for y in range(15)]
    measured = metrics(([(box, WITH) for box in crowd], [(box, WITH, 0.9) for box in crowd]))
    assert measured["mAP"] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("values", "mean"), [([1.0, NAN, 0.5], 0.75), ([NAN, NAN], NAN), ([], NAN)]
)
def test_mean_of_known(values: list[float], mean: float) -> None:
    assert mean_of_known(np.array(values)) == pytest.approx(mean, nan_ok=True)


@pytest.mark.parametrize(
    ("faces", "found", "owners"),
    [
        ([], [], []),
        ([], [(A, WITH, 0.9)], []),
        ([(A, WITH), (B, WITH)], [], [-1, -1]),
        # the order of detections is their own; their state does not matter here
        ([(A, WITH), (B, WITH)], [(B, WRONG, 0.5), (A, UNSURE, 0.4)], [1, 0]),
        # of two at one face the better one has it, the other none
        ([(A, WITH), (B, WITH)], [(A, WITH, 0.3), (A, WITH, 0.8)], [1, -1]),
        # a detection takes the face that it fits best …
        ([([10, 10, 50, 44], WITH), (A, WITH)], [(A, WITH, 0.9)], [-1, 0]),
        # … of those that are still free
        ([([10, 10, 50, 44], WITH), (A, WITH)], [(A, WITH, 0.9), (A, WITH, 0.8)], [1, 0]),
        # IoU .48 is too little
        ([(A, WITH)], [([10, 10, 50, 34], WITH, 0.9)], [-1]),
    ],
)
def test_pair(faces: Faces, found: Found, owners: list[int]) -> None:
    assert pair(sample(faces), detections(found)).tolist() == owners


def test_a_faces_other_states_count(tmp_path: Path) -> None:
    """The labeled state came second: as a detection of its class it is found all the same."""
    found = Detections([A], [0.6], [WITH], probabilities=np.array([[0.6, 0.0, 0.3]]))
    measured = average_precision(coco_eval([sample([(A, WRONG)])], [found]))
    assert measured["AP50_mask_weared_incorrect"] == pytest.approx(1.0)
    plain = Detections([A], [0.6], [WITH])
    assert average_precision(coco_eval([sample([(A, WRONG)])], [plain]))["mAP50"] == 0.0
