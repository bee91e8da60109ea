"""Covered faces: nothing is left of them, also in frames in which they are not found."""

from __future__ import annotations

import numpy as np

from maskdet.detections import Detections
from maskdet.drawing.strict_blur import HOLD_S, StrictBlur
from maskdet.frame import Frame
from maskdet.model.decision import DecisionRule

NOISE = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)
FACE = [100.0, 80.0, 140.0, 130.0]


def frame_at(position: float, image: np.ndarray = NOISE) -> Frame:
    return Frame(image, 0, position, 0.0, "door", position=position)


def faces(*boxes: list[float], score: float = 0.9) -> Detections:
    return Detections(np.array(boxes).reshape(-1, 4), [score] * len(boxes), [0] * len(boxes))


def is_covered(image: np.ndarray, box: list[float]) -> bool:
    x1, y1, x2, y2 = map(int, box)
    part = image[y1:y2, x1:x2].reshape(-1, 3)
    return bool((part != NOISE[y1:y2, x1:x2].reshape(-1, 3)).any(axis=1).mean() > 0.98)


def test_a_face_is_one_color_and_the_frame_itself_stays():
    before = NOISE.copy()
    covered = StrictBlur().cover(frame_at(0), faces(FACE)).image
    assert len(np.unique(covered[80:130, 100:140].reshape(-1, 3), axis=0)) == 1
    assert (before == NOISE).all()
    assert (covered[:60] == NOISE[:60]).all()


def test_a_face_that_drops_out_stays_covered_where_it_may_have_walked_to():
    blur = StrictBlur()
    blur.cover(frame_at(0.0), faces(FACE))
    for step in range(1, 10):
        image = blur.cover(frame_at(0.1 * step), faces()).image
        shift = 0.1 * step * 2 * 40  # two face widths a second
        assert is_covered(image, [FACE[0] + shift, FACE[1], FACE[2] + shift, FACE[3]])
    for step in range(10, round(10 * HOLD_S) + 2):
        image = blur.cover(frame_at(0.1 * step), faces()).image
    assert not is_covered(image, FACE)


def test_a_face_that_is_missed_at_first_after_a_reconnect_stays_covered():
    """Ten seconds without a frame, and the next in another size."""
    blur = StrictBlur()
    small = NOISE[::2, ::2].copy()
    blur.cover(frame_at(0.0), faces(FACE))
    for position in (10.0, 10.4, 10.8):
        image = blur.cover(frame_at(position, small), faces()).image
        assert (image[40:65, 50:70] != small[40:65, 50:70]).any(axis=2).mean() > 0.98
    later = blur.cover(frame_at(12.0, small), faces()).image
    assert (later == small).all()


def test_a_face_that_is_found_again_leaves_no_trail():
    blur = StrictBlur()
    for step in range(20):
        box = [FACE[0] + 5 * step, FACE[1], FACE[2] + 5 * step, FACE[3]]
        image = blur.cover(frame_at(0.1 * step), faces(box)).image
        assert is_covered(image, box)
    assert (image[:, :150] == NOISE[:, :150]).all()


def test_one_of_two_drops_out_and_the_other_does_not_stand_for_it():
    blur = StrictBlur()
    other = [220.0, 80.0, 260.0, 130.0]
    blur.cover(frame_at(0.0), faces(FACE, other))
    image = blur.cover(frame_at(0.1), faces(other)).image
    assert is_covered(image, FACE) and is_covered(image, other)


def test_doubtful_faces_are_covered_and_not_shown():
    blur = StrictBlur(DecisionRule.from_min_score(0.5))
    found = faces(FACE, score=0.3)
    assert len(blur.shown(found)) == 0
    assert is_covered(blur.cover(frame_at(0), found).image, FACE)


def test_of_two_that_overlap_each_keeps_its_place_until_it_is_found():
    blur = StrictBlur()
    behind = [125.0, 70.0, 165.0, 120.0]  # the center of one lies in the other's place, as it grows
    blur.cover(frame_at(0.0), faces(FACE, behind))
    for step in range(1, 8):
        image = blur.cover(frame_at(0.1 * step), faces(FACE)).image
        assert is_covered(image, behind) and is_covered(image, FACE)
    image = blur.cover(frame_at(0.8), faces(FACE, behind)).image
    assert (image == StrictBlur().cover(frame_at(0.8), faces(FACE, behind)).image).all()


def test_two_boxes_on_one_face_leave_none_behind():
    blur = StrictBlur()
    twice = [102.0, 82.0, 141.0, 131.0]
    blur.cover(frame_at(0.0), faces(FACE, twice))
    image = blur.cover(frame_at(0.1), faces(FACE)).image
    assert (image == StrictBlur().cover(frame_at(0.1), faces(FACE)).image).all()


def test_another_image_size_has_the_places_where_they_are_in_the_view():
    blur = StrictBlur()
    blur.cover(frame_at(5.0), faces(FACE))
    small = np.ascontiguousarray(NOISE[::2, ::4])
    image = blur.cover(frame_at(5.1, small), faces()).image
    assert (image[40:65, 25:35] != small[40:65, 25:35]).any(axis=2).mean() > 0.98
    assert (image[:, 60:] == small[:, 60:]).all()


def test_a_jump_in_a_file_forgets_old_places():
    blur = StrictBlur()
    blur.cover(frame_at(5.2), faces(FACE))
    assert (blur.cover(frame_at(1.0), faces()).image == NOISE).all()
