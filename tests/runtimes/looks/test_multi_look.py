"""Looks at images whose faces are white squares, each seen only at widths that suit a look."""

from __future__ import annotations

import numpy as np
import pytest

from maskdet.detections import Detections
from maskdet.model.decision import DecisionRule
from maskdet.runtimes.looks.multi_look import MultiLookDetector
from maskdet.runtimes.looks.plan import (
    FAR_FPS,
    TIME_BUDGET_S,
    far_budget,
    plan_looks,
    time_budget,
)
from maskdet.runtimes.looks.tiling import merged
from tests.doubles import ScriptedDetector
from tests.runtimes.looks.squares import scene, squares


def looking(**options: object) -> MultiLookDetector:
    """A whole look that knows faces of 4 to 30 % of a view, and a small one for larger ones."""
    whole = ScriptedDetector(lambda image: squares(image, 0.04, 0.3))
    small = ScriptedDetector(lambda image: squares(image, 0.1, 0.95))
    return MultiLookDetector(whole, 576, small=small, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("looks", "height", "width", "expected"),
    [
        ("auto", 480, 640, (True, 1)),
        ("auto", 720, 1280, (True, 2)),
        ("auto", 1280, 720, (True, 2)),
        ("auto", 1080, 1920, (True, 4)),
        ("auto", 2160, 3840, (True, 4)),
        (1, 2160, 3840, (False, 1)),
        (2, 2160, 3840, (True, 1)),
        (4, 480, 640, (True, 4)),
    ],
)
def test_what_suits_an_image(
    looks: object, height: int, width: int, expected: tuple[bool, int]
) -> None:
    plan = plan_looks(looks, height, width, 576, still=False)  # type: ignore[arg-type]
    assert (plan.small, plan.parts) == expected
    assert plan.looks == 1 + expected[0] + (expected[1] ** 2 if expected[1] > 1 else 0)


@pytest.mark.parametrize(
    ("height", "width", "side", "parts"),
    [
        (200, 267, 576, 1),
        (267, 400, 576, 2),
        (480, 640, 576, 2),
        (720, 1280, 576, 3),
        (2160, 3840, 576, 4),
        (480, 640, 768, 1),
    ],
)
def test_an_image_that_is_no_frame_of_a_video_has_time_for_more_parts(
    height: int, width: int, side: int, parts: int
) -> None:
    assert plan_looks("auto", height, width, side).parts == parts


def test_a_single_image_shows_a_far_face_that_a_video_leaves_out() -> None:
    image = scene((60, 60, 20))
    detector = looking()
    assert len(detector.detect([image])[0]) == 1
    detector.expect_video()
    assert len(detector.detect([image])[0]) == 0


def faces_of(whole: Detections, small: Detections) -> Detections:
    """The faces that two looks at an image show together."""
    detector = MultiLookDetector(
        ScriptedDetector(lambda image: whole),
        576,
        2,
        small=ScriptedDetector(lambda image: small),
        rule=DecisionRule.from_min_score(0.3),
    )
    return detector.detect([scene()])[0]


def face(score: float, width: float) -> Detections:
    box = [[50, 50, 50 + width, 50 + width]]
    return Detections(box, [score], [0], None, np.array([[score, 0, 0]]))


@pytest.mark.parametrize(
    ("width", "seen", "left"),
    [(300, 0.9, 1), (300, 0.06, 1), (300, 0.04, 0), (300, 0, 0), (100, 0, 1)],
)
def test_what_fills_the_view_has_to_be_a_face_to_both_looks(
    width: int, seen: float, left: int
) -> None:
    sure, doubtful = face(0.8, width), face(seen, width * 0.9) if seen else face(0.1, 20)
    assert len(faces_of(whole=sure, small=doubtful)) == left
    if width > 100:  # the small look's narrow faces are left out
        assert len(faces_of(whole=doubtful, small=sure)) == left


def test_a_narrow_face_of_the_small_look_alone_is_none() -> None:
    assert len(faces_of(whole=face(0.06, 80), small=face(0.8, 80))) == 0


def test_what_is_denied_gains_no_score_by_it() -> None:
    whole, small = (
        ScriptedDetector(lambda image, one=one: one) for one in (face(0.01, 300), face(0.1, 20))
    )
    detector = MultiLookDetector(whole, 576, 2, small=small, rule=DecisionRule.from_min_score(0.0))
    assert detector.detect([scene()])[0].scores.tolist() == pytest.approx([0.01])


def test_a_face_that_fills_the_view_a_usual_one_and_a_far_one_are_each_found_once() -> None:
    close, usual, far = (700, 100, 500), (300, 300, 100), (60, 60, 40)
    image = scene(close, usual, far, width=1280, height=720)
    (found,) = looking().detect([image])
    assert sorted(found.boxes[:, 0].tolist()) == [60, 300, 700]
    (once,) = looking(looks=1).detect([image])
    assert once.boxes[:, 0].tolist() == [300]


def test_the_small_look_says_nothing_of_faces_that_are_not_close() -> None:
    (found,) = looking(looks=2).detect([scene((10, 10, 80), (300, 100, 300))])
    assert sorted(found.boxes[:, 0].tolist()) == [10, 300]


@pytest.mark.parametrize(
    ("width", "height"), [(1920, 1080), (3843, 2161), (1001, 5000), (600, 6000)]
)
def test_a_large_image_is_halved_for_both_looks_and_boxes_are_in_its_own_pixels(
    width: int, height: int
) -> None:
    sides: list[int] = []

    def seen(image: np.ndarray) -> Detections:
        sides.append(max(image.shape[:2]))
        return squares(image, 0.1, 0.95)

    side = min(width, height) // 2
    image = scene((side // 2, height // 4, side), width=width, height=height)
    detector = MultiLookDetector(ScriptedDetector(seen), 576, 2, small=ScriptedDetector(seen))
    (found,) = detector.detect([image])
    box = [side // 2, height // 4, side // 2 + side, height // 4 + side]
    np.testing.assert_allclose(found.boxes, [box], atol=max(width, height) / 256)
    whole, small = sides
    assert 288 <= whole < 3 * 576 and 128 <= small < 3 * 256


def test_images_of_several_sources_go_into_one_call() -> None:
    whole = ScriptedDetector(lambda image: squares(image, 0.04, 0.3))
    detector = MultiLookDetector(whole, 576)
    detector.expect_video()
    found = detector.detect([scene((10, 10, 80)), scene((60, 60, 40), width=1280, height=720)])
    assert [len(each) for each in found] == [1, 1]
    assert whole.batches == [2 + 4]
    assert detector.detect([]) == []


def test_a_slow_machine_leaves_out_parts_of_live_frames_and_never_those_of_files() -> None:
    seconds = iter(range(10**6))
    clock = lambda: next(seconds) * 0.1  # noqa: E731 each look at the clock is .1 s later
    image = scene((60, 60, 40), width=1280, height=720)
    detector = looking(clock=clock)
    assert [len(detector.detect([image])[0]) for _ in range(3)] == [1, 1, 1]
    detector.keep_up(0.05, 0.05)
    assert [len(detector.detect([image])[0]) for _ in range(3)] == [0, 0, 0]
    assert detector.looks == 2


def test_one_slow_image_leaves_out_no_parts() -> None:
    taken, now = iter([0.001, 0.1, 0.001, 0.001]), [0.0]  # seconds of the first look, of all after

    def squares_slowly(image: np.ndarray) -> Detections:
        now[0] += look_s[0]
        return squares(image, 0.04, 0.3)

    look_s = [next(taken)]
    detector = MultiLookDetector(ScriptedDetector(squares_slowly), 576, clock=lambda: now[0])
    detector.warm_up()
    detector.keep_up(0.1, 0.1)
    image, found = scene((60, 60, 40), width=1280, height=720), []
    for look_s[0] in taken:
        found.append(len(detector.detect([image])[0]))
    assert found == [1, 1, 1]


def test_boxes_of_one_face_that_looks_cut_differently_become_one() -> None:
    whole = Detections([[100, 100, 200, 230]], [0.9], [0])
    half = Detections([[102, 150, 198, 228]], [0.6], [1])  # IoU .58 · lies within
    apart = Detections([[190, 100, 290, 230]], [0.5], [0])
    assert merged([whole, half]).boxes.tolist() == [[100, 100, 200, 230]]
    assert len(merged([whole, apart])) == 2


def test_a_small_face_before_a_large_one_stays() -> None:
    large = Detections([[0, 0, 400, 500]], [0.9], [0])
    small = Detections([[50, 50, 90, 100]], [0.8], [0])
    assert len(merged([large, small])) == 2


def test_cameras_share_the_time_for_looks() -> None:
    assert time_budget([None]) == time_budget([25.0]) == TIME_BUDGET_S
    assert time_budget([5.0]) == pytest.approx(0.12)  # fewer frames, more time for each
    assert time_budget([1.0, 1.0]) == 1 / FAR_FPS  # never more
    assert time_budget([5.0] * 8) == pytest.approx(0.015)
    assert time_budget([None, 5.0]) == pytest.approx(0.03)


def test_large_frames_may_take_longer() -> None:
    assert far_budget([None]) == 1 / FAR_FPS  # all of the time
    assert far_budget([5.0]) == pytest.approx(0.12) and far_budget([1.0]) == 1 / FAR_FPS
    assert far_budget([25.0]) == TIME_BUDGET_S  # that rate was asked for
    assert far_budget([None, None]) == pytest.approx(0.1)
    assert far_budget([5.0] * 8) == pytest.approx(0.015)


@pytest.mark.parametrize(
    ("look_s", "width", "height", "looks"),
    [
        (0.01, 1280, 720, 6),  # .0525 s for two by two parts: one closer look had time
        (0.012, 1280, 720, 2),  # it is to keep fifteen frames a second
        (0.01, 1920, 1080, 18),
        (0.012, 1920, 1080, 11),  # three by three
        (0.03, 1920, 1080, 6),
    ],
)
def test_large_frames_have_the_parts_that_leave_five_a_second(
    look_s: float, width: int, height: int, looks: int
) -> None:
    now = [0.0]

    def nothing(image: np.ndarray) -> Detections:
        now[0] += look_s
        return squares(image, 2, 3)

    detector = looking(clock=lambda: now[0])
    detector._detector = ScriptedDetector(nothing)
    detector.warm_up()
    detector.keep_up()
    detector.detect([scene(width=width, height=height)])
    assert detector.looks == looks
