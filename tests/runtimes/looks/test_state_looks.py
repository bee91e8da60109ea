"""Small faces in a doubtful state, which have one more look, enlarged."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskdet import boxes as box_ops
from maskdet.detections import Detections, MaskState
from maskdet.model.decision import DecisionRule
from maskdet.runtimes.looks.multi_look import MultiLookDetector
from maskdet.runtimes.looks.state_looks import (
    MAX_STATE_LOOKS,
    StateLooks,
    state_looks,
    with_states,
)
from tests.doubles import ScriptedDetector
from tests.runtimes.looks.squares import scene, squares

RULE = DecisionRule((0.3,) * 4, certainty=0.6, width=8)
SIZE, SIDE = (480, 640), 576
MASK, INCORRECT = np.array([0.8, 0, 0.1]), np.array([0.0, 0, 0.9])


def faces(boxes: list[list[float]], *probabilities: np.ndarray) -> Detections:
    rows = np.tile(probabilities or MASK, (len(boxes), 1))[: len(boxes)]
    return Detections(
        np.array(boxes).reshape(-1, 4), rows.max(axis=1), rows.argmax(axis=1), None, rows
    )


def below_the_nose(image: np.ndarray) -> Detections:
    """A mask is seen to sit below the nose where a face fills a fifth of the view."""
    found = squares(image, 0.01, 0.5)
    share = box_ops.widths(found.boxes) / image.shape[1]
    rows = np.where(share[:, None] > 1 / 5, INCORRECT, MASK).astype(np.float32)
    return Detections(found.boxes, rows.max(axis=1), rows.argmax(axis=1), None, rows)


def looking(looks: object = "auto", **options: object) -> tuple[MultiLookDetector, list[int]]:
    """A detector for videos, and how many views each of its calls has."""
    whole = ScriptedDetector(below_the_nose)
    detector = MultiLookDetector(whole, SIDE, looks, rule=RULE, **options)  # type: ignore[arg-type]
    detector.expect_video()
    return detector, whole.batches


def test_a_small_face_in_a_doubtful_state_has_the_state_of_one_more_look() -> None:
    detector, views = looking()
    (found,) = detector.detect([scene((300, 300, 40), width=640, height=480)])
    assert found.boxes.tolist() == [[300, 300, 340, 340]]
    assert found.states.tolist() == [MaskState.mask_weared_incorrect]
    assert found.scores == pytest.approx([0.9])
    assert views == [1, 1]
    assert detector.looks == 2 + 1


def test_each_image_of_a_call_has_looks_at_states_of_its_own() -> None:
    detector, views = looking()
    one = scene((300, 300, 40), width=640, height=480)
    two = scene((20, 20, 40), (580, 400, 40), width=640, height=480)
    found = detector.detect([one, scene(width=640, height=480), two])
    assert [each.states.tolist() for each in found] == [[2], [], [2, 2]]
    assert views == [3, 3]


def test_a_face_that_is_large_already_has_none() -> None:
    detector, views = looking()
    (found,) = detector.detect([scene((100, 100, 100), width=640, height=480)])
    assert found.states.tolist() == [MaskState.with_mask]
    assert views == [1]


def test_faces_of_a_video_take_turns_where_there_are_too_many() -> None:
    boxes = [(x, y, 34) for x in (0, 150, 300, 450, 600) for y in (0, 220, 440)]
    image = scene(*boxes, width=640, height=480)
    detector, views = looking()
    seen = [detector.detect([image])[0] for _ in range(2)]
    both = [{tuple(box) for box in each.boxes[each.states == 2].tolist()} for each in seen]
    assert views == [1, MAX_STATE_LOOKS] * 2
    assert len(both[0]) == len(both[1]) == MAX_STATE_LOOKS
    assert len(both[0] | both[1]) == len(boxes)


def test_looks_at_a_single_image_are_always_the_same() -> None:
    detector = MultiLookDetector(ScriptedDetector(below_the_nose), SIDE, rule=RULE)
    boxes = [(x, y, 34) for x in (0, 150, 300, 450, 600) for y in (0, 220, 440)]
    first, second = (
        detector.detect([scene(*boxes, width=640, height=480)])[0].states.tolist() for _ in range(2)
    )
    assert first == second


def test_a_given_number_of_looks_has_none() -> None:
    detector, views = looking(1)
    (found,) = detector.detect([scene((300, 300, 40), width=640, height=480)])
    assert found.states.tolist() == [MaskState.with_mask]
    assert views == [1]


@pytest.mark.parametrize(("look_s", "states"), [(0.01, [2, 2]), (0.0125, [0, 2]), (0.02, [0, 0])])
def test_a_camera_has_no_more_than_leave_time_for_every_frame(
    look_s: float, states: list[int]
) -> None:
    now = [0.0]

    def look(image: np.ndarray) -> Detections:
        now[0] += look_s
        return below_the_nose(image)

    detector = MultiLookDetector(ScriptedDetector(look), SIDE, rule=RULE, clock=lambda: now[0])
    detector.keep_up()
    image = scene((20, 20, 40), (580, 400, 40), width=640, height=480)
    detector.detect([image])
    (found,) = detector.detect([image])
    assert sorted(found.states.tolist()) == states


@pytest.mark.parametrize(
    ("width", "probabilities", "count"),
    [
        (30, [0.8, 0, 0.1], 1),
        (30, [0.89, 0, 0.01], 0),  # certain
        (30, [0.2, 0, 0.05], 0),  # not shown
        (30, [0.4, 0.35, 0], 1),  # unsure
        (9, [0.8, 0, 0.1], 1),
        (7, [0.8, 0, 0.1], 0),  # too narrow for a state
        (91, [0.8, 0, 0.1], 1),
        (92, [0.8, 0, 0.1], 0),  # a seventh of the image
    ],
)
def test_which_faces_have_one(width: int, probabilities: list[float], count: int) -> None:
    found = faces([[100, 100, 100 + width, 140]], np.array(probabilities))
    assert len(state_looks(found, RULE, SIZE, SIDE, 4).places) == count


@pytest.mark.parametrize(("width", "side"), [(12, 288), (24, 192), (32, 144), (72, 288)])
def test_a_face_is_enlarged_the_more_the_more_it_shows_up_to_a_quarter_of_the_input(
    width: int, side: int
) -> None:
    found = faces([[300, 200, 300 + width, 200 + width]])
    (place,) = state_looks(found, RULE, SIZE, SIDE, 4).places.tolist()
    middle = 300 + width // 2, 200 + width // 2
    assert place == [v + d * side // 2 for d in (-1, 1) for v in middle]


def test_those_most_in_doubt_come_first_and_neighbors_share_a_look() -> None:
    boxes = [[20, 20, 50, 50], [400, 300, 430, 330], [440, 300, 470, 330], [440, 340, 448, 348]]
    doubts = [np.array([0.85, 0, 0.05]), MASK, np.array([0.83, 0, 0.07]), MASK]
    looks = state_looks(faces(boxes, *doubts), RULE, SIZE, SIDE, 8)
    assert looks.faces.boxes.tolist() == [boxes[1], boxes[2], boxes[3], boxes[0]]
    assert list(looks.counts) == [2, 1, 1]  # the third is of another size
    assert state_looks(faces(boxes, *doubts), RULE, SIZE, SIDE, 1).counts == [2]


def test_without_probabilities_nothing_is_in_doubt() -> None:
    found = Detections([[300, 200, 330, 230]], [0.5], [0])
    assert len(state_looks(found, RULE, SIZE, SIDE, 4).places) == 0


def test_a_face_that_the_look_does_not_show_keeps_its_state() -> None:
    found = faces([[300, 200, 330, 230], [20, 20, 50, 50]])
    looks = state_looks(found, RULE, SIZE, SIDE, 4)
    beside = faces([[0, 0, 30, 30]], INCORRECT)
    assert len(looks.seen([beside, Detections.empty()])) == 0
    assert with_states(found, looks.seen([beside, Detections.empty()])) is found


def test_how_likely_it_is_a_face_stays() -> None:
    found = faces([[300, 200, 330, 230], [20, 20, 50, 50]], np.array([0.3, 0.1, 0.1]), MASK)
    seen = faces([[301, 201, 331, 231]], np.array([0.1, 0, 0.7]))
    after = with_states(found, seen)
    assert after.face_scores == pytest.approx(found.face_scores)
    assert after.scores == pytest.approx([0.5 * 0.7 / 0.8, 0.8])
    assert after.states.tolist() == [2, 0]
    assert after.boxes.tolist() == found.boxes.tolist()


def test_of_several_boxes_the_likeliest_face_says_the_state() -> None:
    found = faces([[300, 200, 330, 230]])
    looks = state_looks(found, RULE, SIZE, SIDE, 4)
    box = found.boxes[0] - np.tile(looks.places[0, :2], 2)
    answer = faces([box.tolist(), (box + 4).tolist()], np.array([0.2, 0.1, 0]), INCORRECT)
    assert looks.seen([answer]).probabilities == pytest.approx(INCORRECT[None])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(8, 90)), max_size=30),
    st.integers(60, 2200),
    st.integers(60, 2200),
)
def test_every_face_in_doubt_is_whole_in_its_place_and_every_place_in_the_image(
    boxes: list[tuple[float, float, float]], height: int, width: int
) -> None:
    limit = np.array([width, height, width, height])
    inside = [
        np.minimum([x * width, y * height, x * width + s, y * height + s], limit)
        for x, y, s in boxes
    ]
    found = faces([box.tolist() for box in inside])
    looks: StateLooks = state_looks(found, RULE, (height, width), SIDE, MAX_STATE_LOOKS)
    places = np.repeat(looks.places, looks.counts, axis=0)
    assert len(looks.places) <= MAX_STATE_LOOKS
    assert len(looks.faces) == len(places) <= len(found)
    assert (places[:, :2] >= 0).all() and (places[:, 2:] <= limit[2:]).all()
    assert (looks.faces.boxes[:, :2] >= places[:, :2]).all()
    assert (looks.faces.boxes[:, 2:] <= places[:, 2:]).all()
