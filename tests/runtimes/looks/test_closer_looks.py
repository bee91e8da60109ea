"""Closer looks at doubtful small faces, which a detector is surer of the larger they are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from maskdet import boxes as box_ops
from maskdet.detections import Detections
from maskdet.model.decision import DecisionRule
from maskdet.runtimes.looks.closer_looks import MAX_CLOSER_LOOKS, closer_places
from maskdet.runtimes.looks.multi_look import MultiLookDetector
from tests.doubles import ScriptedDetector
from tests.runtimes.looks.squares import scene, squares

RULE = DecisionRule.from_min_score(0.3)
SIZE, PARTS = (1080, 1920), np.array([[0, 0, 565, 318]])


def faces(boxes: list[list[float]], score: float = 0.1) -> Detections:
    count = len(boxes)
    probabilities = np.tile([score, 0, 0], (count, 1))
    return Detections(
        np.array(boxes).reshape(-1, 4), [score] * count, [0] * count, None, probabilities
    )


def unsure_of_small(image: np.ndarray, least: float = 0.02) -> Detections:
    """A face of 4 % of the view's width is one; narrower, it may be one."""
    found = squares(image, least, 0.3)
    share = box_ops.widths(found.boxes) / image.shape[1]
    scores = np.where(share >= 0.04, 0.8, 0.1).astype(np.float32)
    probabilities = scores[:, None] * np.array([1.0, 0.0, 0.0], np.float32)
    return Detections(found.boxes, scores, found.states, None, probabilities)


def looking(looks: object = "auto", **options: object) -> tuple[MultiLookDetector, list[int]]:
    """A detector for videos, and how many views each of its calls has."""
    whole = ScriptedDetector(unsure_of_small)
    detector = MultiLookDetector(whole, 576, looks, rule=RULE, **options)  # type: ignore[arg-type]
    detector.expect_video()
    return detector, whole.batches


def test_a_far_face_that_is_doubtful_in_a_part_is_found_enlarged() -> None:
    detector, views = looking()
    near, far, too_far = (900, 700, 60), (300, 300, 14), (1500, 200, 8)
    (found,) = detector.detect([scene(near, far, too_far, width=1920, height=1080)])
    assert sorted(found.boxes.tolist()) == [[300, 300, 314, 314], [900, 700, 960, 760]]
    assert views == [1 + 16, 1]
    assert detector.looks == 2 + 16 + 1


def test_each_image_of_a_call_has_closer_looks_of_its_own() -> None:
    detector, views = looking()
    far = scene((300, 300, 14), width=1920, height=1080)
    two = scene((40, 40, 14), (1800, 1000, 14), width=1920, height=1080)
    found = detector.detect([far, scene(width=1920, height=1080), two])
    assert [sorted(one.boxes[:, 0].tolist()) for one in found] == [[300], [], [40, 1800]]
    assert views == [3 + 48, 3]


@pytest.mark.parametrize("face", [(300, 300, 60), (300, 300, 8), None])
def test_without_a_doubtful_small_face_there_is_none(face: tuple[int, int, int] | None) -> None:
    detector, views = looking()
    detector.detect([scene(*([face] if face else []), width=1920, height=1080)])
    assert views == [17]


def test_a_given_number_of_looks_has_none() -> None:
    detector, views = looking(4)
    image = scene((300, 300, 14), width=1920, height=1080)
    assert [len(found) for found in detector.detect([image])] == [0]
    assert views == [17]


@pytest.mark.parametrize(
    ("width", "height", "face", "views"),
    [
        (1920, 1080, 14, [17, 1]),
        (800, 600, 14, [5, 1]),
        (640, 480, 9, [5]),  # its parts are enlarged 1.6 times
    ],
)
def test_a_single_image_has_them_where_its_parts_are_hardly_enlarged(
    width: int, height: int, face: int, views: list[int]
) -> None:
    whole = ScriptedDetector(unsure_of_small)
    detector = MultiLookDetector(whole, 576, rule=RULE)
    image = scene((300, 300, face), width=width, height=height)
    assert len(detector.detect([image])[0]) == len(views) - 1
    assert whole.batches == views


def test_a_frame_too_small_for_parts_has_them_as_well() -> None:
    detector, views = looking()
    (found,) = detector.detect([scene((300, 300, 14), width=640, height=480)])
    assert found.boxes.tolist() == [[300, 300, 314, 314]]
    assert views == [1, 1]


@pytest.mark.parametrize(
    ("look_s", "fps", "closer"), [(0.01, None, 2), (0.02, None, 0), (0.02, 5.0, 1), (0.02, 25.0, 0)]
)
def test_such_a_frame_has_no_more_than_leave_time_for_every_frame(
    look_s: float, fps: float | None, closer: int
) -> None:
    now = [0.0]

    def look(image: np.ndarray) -> Detections:
        now[0] += look_s
        return unsure_of_small(image)

    detector = MultiLookDetector(ScriptedDetector(look), 576, rule=RULE, clock=lambda: now[0])
    detector.keep_up(fps=fps)
    image = scene((40, 40, 14), (40, 420, 14), (600, 220, 14), width=640, height=480)
    detector.detect([image])
    assert len(detector.detect([image])[0]) == closer


def test_who_asks_for_every_box_gets_the_same_closer_looks() -> None:
    whole = ScriptedDetector(unsure_of_small)
    every = RULE.without_rejection(0.02)
    detector = MultiLookDetector(whole, 576, rule=every, settled=RULE)
    (found,) = detector.detect([scene((300, 300, 14), width=1920, height=1080)])
    assert whole.batches == [17, 1]
    assert len(found) == 1 and RULE.apply(found).boxes.tolist() == [[300, 300, 314, 314]]


@pytest.mark.parametrize(("budget_s", "closer"), [(1.0, 3), (0.185, 1), (0.175, 0)])
def test_live_frames_have_those_that_there_is_time_for(budget_s: float, closer: int) -> None:
    now = [0.0]

    def look(image: np.ndarray) -> Detections:
        now[0] += 0.01
        return unsure_of_small(image)

    whole = ScriptedDetector(look)
    detector = MultiLookDetector(whole, 576, rule=RULE, clock=lambda: now[0])
    detector.keep_up(far_budget_s=budget_s)
    image = scene((100, 100, 14), (900, 500, 14), (1800, 900, 14), width=1920, height=1080)
    detector.detect([image])
    whole.batches.clear()
    (found,) = detector.detect([image])
    assert len(found) == closer
    assert whole.batches == [17] + [closer] * (closer > 0)


def test_neighbors_share_a_place_and_the_likeliest_is_in_its_middle() -> None:
    found = faces([[600, 500, 612, 512], [400, 500, 412, 512], [430, 520, 442, 532]])
    scores = np.array([0.05, 0.2, 0.1], np.float32)
    found = Detections(found.boxes, scores, found.states, None, scores[:, None] * [[1, 0, 0]])
    places = closer_places(found, RULE, SIZE, PARTS, 4)
    assert places.tolist() == [[265, 426, 547, 585], [465, 426, 747, 585]]
    assert closer_places(found, RULE, SIZE, PARTS, 1).tolist() == places[:1].tolist()


def test_a_box_at_the_edge_of_the_image_needs_one_place() -> None:
    assert len(closer_places(faces([[0, 0, 10, 10]]), RULE, SIZE, PARTS, 4)) == 1


def test_large_faces_and_those_that_are_shown_need_none() -> None:
    assert len(closer_places(faces([[500, 500, 525, 520]]), RULE, SIZE, PARTS, 4)) == 0
    assert len(closer_places(faces([[500, 500, 515, 520]], 0.3), RULE, SIZE, PARTS, 4)) == 0
    assert len(closer_places(faces([]), RULE, SIZE, PARTS, 4)) == 0


@pytest.mark.parametrize(("score", "count"), [(0.06, 1), (0.04, 0)])
def test_a_box_that_is_hardly_one_needs_none(score: float, count: int) -> None:
    assert len(closer_places(faces([[500, 500, 515, 515]], score), RULE, SIZE, PARTS, 4)) == count


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 24)), max_size=30),
    st.integers(300, 2200),
    st.integers(300, 2200),
)
def test_places_lie_within_the_image_and_have_one_size(
    boxes: list[tuple[float, float, float]], height: int, width: int
) -> None:
    found = faces([[x * width, y * height, x * width + s, y * height + s] for x, y, s in boxes])
    places = closer_places(
        found, RULE, (height, width), np.array([[0, 0, width // 2, height // 2]]), 4
    )
    assert len(places) <= MAX_CLOSER_LOOKS
    assert (len(places) > 0) == any(s <= max(height, width) // 2 / 24 for *_, s in boxes)
    assert (places[:, :2] >= 0).all() and (places[:, 2:] <= (width, height)).all()
    assert len({tuple(place) for place in (places[:, 2:] - places[:, :2]).tolist()}) <= 1
