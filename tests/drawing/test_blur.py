"""Blurred faces hold nothing by which anyone could be known; all else stays as it is."""

from __future__ import annotations

import numpy as np
import pytest

from maskdet.detections import Detections
from maskdet.drawing.blur import blur_faces, blur_observation
from maskdet.frame import Frame
from maskdet.observation import Observation

NOISE = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)


def faces(*boxes: list[float]) -> Detections:
    return Detections(np.array(boxes).reshape(-1, 4), [0.9] * len(boxes), [0] * len(boxes))


def test_a_face_and_its_margin_are_gone_and_the_rest_is_untouched() -> None:
    blurred = blur_faces(NOISE, faces([40, 40, 80, 90]))
    margin = np.zeros(NOISE.shape[:2], bool)
    margin[27:103, 30:90] = True  # a quarter of its size on each side
    assert (blurred[~margin] == NOISE[~margin]).all()
    assert (blurred[margin] != NOISE[margin]).any(axis=1).mean() > 0.98


def test_what_is_left_depends_on_a_few_means_only() -> None:
    """Two faces with the same 5 × 5 means give the same picture: it cannot be turned back."""
    checker = np.indices((50, 50)).sum(axis=0) % 2
    one = np.repeat(checker[..., None] * 100, 3, axis=2).astype(np.uint8)
    two = np.repeat((1 - checker[..., None]) * 100, 3, axis=2).astype(np.uint8)
    box = faces([10, 10, 40, 40])
    hidden = slice(3, 47)
    assert (one != two).all()
    same = blur_faces(one, box)[hidden, hidden] == blur_faces(two, box)[hidden, hidden]
    assert same.all()


@pytest.mark.parametrize(
    "box",
    [
        [-20, -20, 30, 30],  # half outside
        [0, 0, 160, 120],  # all of it
        [150, 110, 400, 400],
        [500, 500, 600, 600],  # wholly outside
        [50, 50, 50, 50],  # empty
        [50, 50, 51, 51],  # a pixel
        [float("nan")] * 4,
    ],
)
def test_any_box_is_survived_and_the_picture_left_alone(box: list[float]) -> None:
    before = NOISE.copy()
    assert blur_faces(NOISE, faces(box)).shape == NOISE.shape
    assert (before == NOISE).all()


def test_observation_keeps_all_but_its_picture() -> None:
    seen = Observation(Frame(NOISE, 3, 1.5, 2.5, "door"), faces([40, 40, 80, 90]), {"unsure": 1})
    blurred = blur_observation(seen)
    assert (blurred.frame.index, blurred.frame.time, blurred.frame.source) == (3, 1.5, "door")
    assert (blurred.detections, blurred.counts) == (seen.detections, seen.counts)
    assert (blurred.frame.image == blur_faces(NOISE, seen.detections)).all()
