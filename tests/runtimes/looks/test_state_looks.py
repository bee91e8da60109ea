"""Small faces in a doubtful state, which have one more look, enlarged."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskdet import boxes as box_ops
from maskdet.detections import Detections, MaskState
from maskdet.frame import Frame
from maskdet.model.decision import DecisionRule
from maskdet.runtimes.looks.multi_look import MultiLookDetector
from maskdet.runtimes.looks.state_looks import (
    MAX_LIVE_STATE_LOOKS,
    MAX_STATE_LOOKS,
    StateLooks,
    faces_in_doubt,
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


def looks_at(
    found: Detections, most: int = 4, size: tuple[int, int] = SIZE, turn: int = 0
) -> StateLooks:
    return state_looks(faces_in_doubt(found, RULE, size), size, SIDE, most, turn)


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


class Clocked:
    """A camera's detector whose looks take a time that is set, and the looks at each frame."""

    def __init__(self, look_s: float) -> None:
        self.now = 0.0
        self._look_s = look_s
        whole = ScriptedDetector(self._look)
        self._detector = MultiLookDetector(whole, SIDE, rule=RULE, clock=lambda: self.now)
        self._detector.keep_up()
        self.states([], 0.0)  # from then on it is known what a look takes

    def states(self, boxes: list[tuple[int, int, int]], position: float) -> list[int]:
        """Of the faces of a frame at so many seconds, from left to right."""
        image = scene(*boxes, width=640, height=480)
        (found,) = self._detector.detect_frames(
            [Frame(image, 0, 0.0, 0.0, "door", position=position)]
        )
        self.looks = self._detector.looks
        return found.states[np.argsort(found.boxes[:, 0])].tolist()

    def _look(self, image: np.ndarray) -> Detections:
        self.now += self._look_s
        return below_the_nose(image)


@pytest.mark.parametrize(("look_s", "count"), [(0.01, 2), (0.0125, 1), (0.02, 0)])
def test_a_camera_has_no_more_than_leave_time_for_every_frame(look_s: float, count: int) -> None:
    camera = Clocked(look_s)
    assert camera.states([(20, 20, 40), (580, 400, 40)], 0.04).count(2) == count


def test_a_camera_has_a_few_looks_a_frame_and_each_state_holds() -> None:
    camera = Clocked(0.0001)
    boxes = [(20 + 130 * n, 20 + 20 * n, 40) for n in range(2 * MAX_LIVE_STATE_LOOKS)]
    assert camera.states(boxes, 0.04).count(2) == MAX_LIVE_STATE_LOOKS
    assert camera.states(boxes, 0.08) == [2] * len(boxes)
    assert camera.looks == 2 + MAX_LIVE_STATE_LOOKS
    moved = [(x + 10, y, side) for x, y, side in boxes]
    assert camera.states(moved, 0.12) == [2] * len(boxes)
    assert camera.looks == 2
    assert camera.states([(x + 20, y, side) for x, y, side in boxes], 0.16) == [2] * len(boxes)
    assert camera.looks == 2


@pytest.mark.parametrize(
    ("face", "position", "looks"),
    [
        ((300, 300, 40), 0.5, 2),
        ((300, 300, 40), 0.6, 3),
        ((358, 300, 40), 0.1, 2),
        ((362, 300, 40), 0.1, 3),
        ((300, 300, 58), 0.1, 2),
        ((300, 300, 62), 0.1, 3),
        ((300, 300, 40), -1.0, 3),
    ],
)
def test_a_state_holds_for_a_while_where_its_face_is(
    face: tuple[int, int, int], position: float, looks: int
) -> None:
    camera = Clocked(0.0001)
    assert camera.states([(300, 300, 40)], 0.04) == [2]
    assert camera.states([face], position) == [2]
    assert camera.looks == looks


def test_a_state_is_that_of_one_face_alone() -> None:
    camera = Clocked(0.0001)
    assert camera.states([(300, 300, 40)], 0.04) == [2]
    assert camera.states([(300, 300, 40), (345, 300, 40)], 0.08) == [2, 2]
    assert camera.looks == 3  # the neighbor has a look of its own
    assert camera.states([(310, 300, 40), (355, 300, 40)], 0.12) == [2, 2]
    assert camera.looks == 2


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
    assert len(looks_at(found).places) == count


@pytest.mark.parametrize(("width", "side"), [(12, 288), (24, 192), (32, 144), (72, 288)])
def test_a_face_is_enlarged_the_more_the_more_it_shows_up_to_a_quarter_of_the_input(
    width: int, side: int
) -> None:
    found = faces([[300, 200, 300 + width, 200 + width]])
    (place,) = looks_at(found).places.tolist()
    middle = 300 + width // 2, 200 + width // 2
    assert place == [v + d * side // 2 for d in (-1, 1) for v in middle]


def test_those_most_in_doubt_come_first_and_neighbors_share_a_look() -> None:
    boxes = [[20, 20, 50, 50], [400, 300, 430, 330], [440, 300, 470, 330], [440, 340, 448, 348]]
    doubts = [np.array([0.85, 0, 0.05]), MASK, np.array([0.83, 0, 0.07]), MASK]
    looks = looks_at(faces(boxes, *doubts), 8)
    assert looks.faces.boxes.tolist() == [boxes[1], boxes[2], boxes[3], boxes[0]]
    assert list(looks.counts) == [2, 1, 1]  # the third is of another size
    assert looks_at(faces(boxes, *doubts), 1).counts == [2]


def test_without_probabilities_nothing_is_in_doubt() -> None:
    found = Detections([[300, 200, 330, 230]], [0.5], [0])
    assert len(looks_at(found).places) == 0


def test_what_the_look_does_not_show_is_no_face() -> None:
    found = faces([[300, 200, 330, 230], [20, 20, 50, 50], [500, 200, 530, 230]])
    looks = looks_at(found)
    beside, doubtful = faces([[0, 0, 30, 30]], INCORRECT), faces([[60, 60, 90, 90]], INCORRECT / 10)
    clear = faces([[62, 62, 92, 92]], INCORRECT)
    seen = looks.seen([beside, doubtful, clear])
    assert seen.face_scores == pytest.approx([0, 0, 0.9])
    after = with_states(found, seen)
    assert after.face_scores == pytest.approx([0, 0, 0.9])
    assert RULE.apply(after).boxes.tolist() == [[500, 200, 530, 230]]


def only_when_small(image: np.ndarray) -> Detections:
    """Something that looks like a face to whom it is shown small."""
    found = squares(image, 0.01, 0.1)
    rows = np.tile(MASK, (len(found), 1)).astype(np.float32)
    return Detections(found.boxes, rows.max(axis=1), rows.argmax(axis=1), None, rows)


def test_a_button_is_a_face_in_no_frame_of_a_camera() -> None:
    detector = MultiLookDetector(ScriptedDetector(only_when_small), SIDE, rule=RULE)
    detector.keep_up()
    detector.warm_up()
    image = scene((300, 300, 40), width=640, height=480)
    looks = []
    for index in range(10):
        (found,) = detector.detect_frames(
            [Frame(image, index, index / 30, 0.0, position=index / 30)]
        )
        assert not len(found)
        looks.append(detector.looks)
    assert min(looks) < max(looks)  # it is remembered what a look has denied


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
    looks = looks_at(found)
    box = found.boxes[0] - np.tile(looks.places[0, :2], 2)
    answer = faces([box.tolist(), (box + 4).tolist()], np.array([0.2, 0.1, 0]), INCORRECT)
    assert looks.seen([answer]).probabilities == pytest.approx(INCORRECT[None])


@settings(max_examples=60)
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
    looks: StateLooks = looks_at(found, MAX_STATE_LOOKS, (height, width))
    places = np.repeat(looks.places, looks.counts, axis=0)
    assert len(looks.places) <= MAX_STATE_LOOKS
    assert len(looks.faces) == len(places) <= len(found)
    assert (places[:, :2] >= 0).all() and (places[:, 2:] <= limit[2:]).all()
    assert (looks.faces.boxes[:, :2] >= places[:, :2]).all()
    assert (looks.faces.boxes[:, 2:] <= places[:, 2:]).all()
