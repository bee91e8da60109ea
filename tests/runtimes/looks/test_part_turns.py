"""Turns of the nine parts of a frame, at moments that a camera may give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maskdet.detections import Detections
from maskdet.frame import Frame
from maskdet.runtimes.looks.multi_look import MultiLookDetector
from maskdet.runtimes.looks.part_turns import HOLD_S, ROUND_S, PartTurns
from maskdet.runtimes.looks.tiling import tiles_of
from tests.doubles import ScriptedDetector
from tests.runtimes.looks.squares import scene, squares
from tests.runtimes.looks.test_closer_looks import RULE, unsure_of_small

PARTS = tiles_of(1080, 1920, 3)


def faces(*boxes: tuple[int, int, int, int]) -> Detections:
    """Small faces, each with a mask."""
    return Detections(np.array(boxes).reshape(-1, 4), np.full(len(boxes), 0.8), [0] * len(boxes))


IN_THE_FIRST = faces((40, 40, 60, 60))


def test_all_are_due_at_first_and_where_frames_change_or_time_goes_back() -> None:
    turns = PartTurns()
    assert turns.due(PARTS, 7.0, 9).all()
    assert not turns.due(PARTS, 7.04, 9).all()
    assert turns.due(tiles_of(720, 1280, 3), 7.08, 9).all()
    assert turns.due(tiles_of(720, 1280, 3), 2.0, 9).all()


@given(st.lists(st.floats(0.001, 0.7), min_size=2, max_size=60))
def test_none_waits_longer_than_a_round_and_a_frame(gaps: list[float]) -> None:
    turns, now = PartTurns(), 0.0
    seen = np.zeros(len(PARTS))
    for gap in [0.0, *gaps]:
        now += gap
        seen[turns.due(PARTS, now, 9)] = now
        assert now - seen.min() <= ROUND_S + max(gaps)


@pytest.mark.parametrize("fps", [25, 10, 5])
def test_a_frame_has_its_share_of_them(fps: int) -> None:
    turns = PartTurns()
    turns.due(PARTS, 0.0, 9)
    counts = [int(turns.due(PARTS, n / fps, 9).sum()) for n in range(1, 10 * fps + 1)]
    assert sum(counts) == pytest.approx(10 / ROUND_S * len(PARTS), abs=1)
    assert max(counts) - min(counts) <= 1


def test_where_time_is_short_parts_with_faces_are_due_in_every_second_frame() -> None:
    turns = PartTurns()
    everywhere = faces(*((x1 + 90, y1 + 90, x1 + 110, y1 + 110) for x1, y1, _, _ in PARTS.tolist()))
    turns.due(PARTS, 0.0, 9)
    turns.keep(everywhere)
    before = turns.due(PARTS, 0.04, 2)
    for frame in range(2, 12):
        now = turns.due(PARTS, frame * 0.04, 2)
        assert now.sum() == 5 and (before | now).all()
        before = now
    for frame in range(12, 22):
        assert turns.due(PARTS, frame * 0.04, 7).sum() == 7


def test_a_face_stays_for_the_one_frame_that_its_part_is_not_due() -> None:
    turns, (left, right) = PartTurns(), ((90, 90, 110, 110), (1800, 90, 1820, 110))
    turns.due(PARTS, 0.0, 9)
    turns.keep(faces(left, right))
    for frame in range(1, 9):
        due = turns.due(PARTS, frame * 0.04, 0)
        seen = faces(*([left] if due[0] else []), *([right] if due[2] else []))
        stays = turns.keep(seen).boxes.tolist()
        assert sorted([*seen.boxes.tolist(), *stays]) == [list(left), list(right)]
    assert turns.due(PARTS, 0.5, 9)[0]
    assert len(turns.keep(faces())) == 0  # gone, as its part was processed


def test_a_part_with_a_small_face_is_due_until_a_while_after() -> None:
    turns = PartTurns()
    turns.due(PARTS, 0.0, 9)
    turns.keep(IN_THE_FIRST)
    times = [n / 25 for n in range(1, 60)]
    due = [bool(turns.due(PARTS, now, 9)[0]) for now in times]
    assert all(due[: round(HOLD_S * 25)])
    assert sum(due[round(HOLD_S * 25) :]) < 5  # in turn again


def test_who_may_step_into_the_next_part_is_expected_there() -> None:
    for x, expected in ((500, False), (565, True)):  # the second part begins at pixel 590
        turns = PartTurns()
        turns.due(PARTS, 0.0, 9)
        turns.keep(faces((x, 40, x + 20, 60)))
        in_the_next = [turns.due(PARTS, n / 25, 9)[1] for n in range(1, 9)]
        assert all(in_the_next) is expected


def test_nobody_holds_nothing_and_an_image_without_parts_has_no_turns() -> None:
    turns = PartTurns()
    turns.due(PARTS, 0.0, 9)
    turns.keep(faces())
    assert turns.due(PARTS, 0.04, 9).sum() < 2
    assert len(turns.due(PARTS[:0], 0.08, 9)) == 0
    turns.keep(IN_THE_FIRST)


class Camera:
    """Frames at 25 a second, and how many looks each had."""

    def __init__(self, detector: MultiLookDetector, name: str, width: int = 960) -> None:
        self.detector, self.name, self.now, self.width = detector, name, 0.0, width

    def see(self, *faces: tuple[int, int, int]) -> tuple[int, int]:
        """Faces and looks of the next frame."""
        image = scene(*faces, width=self.width, height=self.width * 9 // 16)
        self.now += 0.04
        frame = Frame(image, 0, self.now, 0.0, self.name, position=self.now)
        (found,) = self.detector.detect_frames([frame])
        return len(found), self.detector.looks


def live(
    look_s: float = 0.0001,
    find: Callable[[np.ndarray], Detections] = lambda image: squares(image, 0.04, 0.3),
    **options: Any,
) -> MultiLookDetector:
    """A detector for cameras, with an input of 288 pixels, and seconds that a look takes."""
    now = [0.0]

    def slowly(image: np.ndarray) -> Detections:
        now[0] += look_s
        return find(image)

    detector = MultiLookDetector(ScriptedDetector(slowly), 288, clock=lambda: now[0], **options)
    detector.warm_up()
    detector.keep_up()
    return detector


def test_close_faces_alone_cost_two_parts_a_frame_at_most_and_a_small_one_is_found_soon() -> None:
    camera = Camera(live(), "door")
    camera.see((300, 150, 150))
    assert {camera.see((300, 150, 150)) for _ in range(20)} == {(1, 3), (1, 4)}
    people = [camera.see((300, 150, 150), (50, 450, 15))[0] for _ in range(25)]
    assert people.index(2) < 25 * ROUND_S
    assert set(people[people.index(2) :]) == {2}  # from then on in every frame


def test_each_camera_has_turns_of_its_own() -> None:
    detector = live()
    door, hall = Camera(detector, "door"), Camera(detector, "hall")
    door.see()
    assert hall.see() == (0, 18)
    assert door.see()[1] < 5 and hall.see()[1] < 5


def test_files_have_all_parts_of_each_frame() -> None:
    whole = ScriptedDetector(lambda image: squares(image, 0.04, 0.3))
    detector = MultiLookDetector(whole, 288)
    detector.expect_video()
    film = Camera(detector, "film")
    assert [film.see((50, 450, 15)) for _ in range(3)] == [(1, 18)] * 3


def test_half_of_the_parts_at_once_lose_no_face_where_there_is_no_time_for_all() -> None:
    corners = [(x, y, 15) for x in (60, 560) for y in (60, 280)]
    hall = Camera(live(0.014), "hall", width=640)
    assert hall.see(*corners) == (4, 6)
    assert {hall.see(*corners) for _ in range(20)} == {(4, 4)}  # whole, small, two of four parts
    slower = Camera(live(0.025), "hall", width=640)
    assert {slower.see(*corners) for _ in range(3)} == {(0, 2)}


def test_large_frames_have_no_more_parts_than_there_is_time_for() -> None:
    assert Camera(live(0.014), "street").see() == (0, 11)  # three by three, not four by four


def test_what_is_doubtful_has_a_closer_look_when_its_part_has_its_turn() -> None:
    camera = Camera(live(0.0001, lambda image: unsure_of_small(image, 0.005), rule=RULE), "street")
    camera.see()
    looks = [camera.see((930, 510, 8)) for _ in range(20)]  # in the last part
    assert looks[0][0] == 0
    first = [found for found, _ in looks].index(1)
    assert all(found == 1 for found, _ in looks[first:])
    assert max(taken for _, taken in looks[:first]) <= 4  # none before


def test_parts_that_are_not_due_leave_their_time_to_a_closer_look() -> None:
    detector = live(0.011, lambda image: unsure_of_small(image, 0.005), rule=RULE)
    camera = Camera(detector, "street", width=640)  # .0578 s of .0625 for all four parts
    known, doubtful = (100, 200, 20), (60, 60, 8)
    assert camera.see(known, doubtful) == (1, 6)
    assert {camera.see(known, doubtful) for _ in range(5)} <= {(2, 4), (2, 5), (2, 6)}
