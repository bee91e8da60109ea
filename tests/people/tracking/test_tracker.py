"""The tracker alone, box by box: leaps, likenesses, pauses, and what ends a track."""

from __future__ import annotations

import numpy as np
import pytest

from maskdet.people.tracking.affinity import (
    LEAP_DISTANCE,
    MAX_DISTANCE,
    MAX_SIZE_RATIO,
    distances,
    may_leap,
)
from maskdet.people.tracking.appearance import MAX_COORDINATE
from maskdet.people.tracking.motion import Motion
from maskdet.people.tracking.track import Track
from maskdet.people.tracking.tracker import Step, Tracker

LIGHT, DARK = np.full(36, 0.8, np.float32), np.full(36, 0.2, np.float32)


class Camera:
    """A source whose faces are given frame by frame; each is 40 pixels wide."""

    def __init__(self, interval: float, memory: float = 2.0) -> None:
        self.tracker = Tracker(memory)
        self.interval, self.now = interval, 0.0

    def show(
        self,
        *centers: float,
        colors: list[np.ndarray] | None = None,
        wait: float | None = None,
    ) -> Step:
        """A frame with faces at these places across; the numbers that they get are in the step."""
        seconds = self.interval if wait is None else wait
        self.now += seconds
        boxes = np.array([box(x) for x in centers], np.float32).reshape(-1, 4)
        described = None if colors is None else np.array(colors, np.float32).reshape(-1, 36)
        return self.tracker.update(boxes, seconds, self.now, appearances=described)

    def ids(self, *centers: float, **facts: object) -> list[int]:
        return self.show(*centers, **facts).track_ids.tolist()  # type: ignore[arg-type]


def box(x: float, side: float = 40.0) -> list[float]:
    return [x - side / 2, 100 - side / 2, x + side / 2, 100 + side / 2]


def settled(interval: float, *centers: float, **facts: object) -> Camera:
    """A camera before which people have stood for four seconds."""
    camera = Camera(interval)
    for _ in range(round(4 / interval)):
        camera.show(*centers, **facts)  # type: ignore[arg-type]
    return camera


def test_a_head_thrown_aside_between_two_frames_keeps_its_number() -> None:
    camera = settled(0.04, 200)
    assert camera.ids(200 + 1.4 * 40) == [1]
    assert camera.ids(200 + 1.4 * 40) == [1]


def test_a_leap_is_nobodys_where_two_may_have_leapt() -> None:
    camera = settled(0.04, 200, 300)
    assert camera.ids(250) == [-1]  # 1.25 face widths from both
    assert settled(0.04, 200).ids(150, 250) == [-1, -1]


def test_who_is_out_of_sight_for_longer_does_not_leap() -> None:
    camera = settled(0.04, 200)
    for _ in range(3):
        camera.show()
    assert camera.ids(200 + 1.4 * 40) == [-1]


def test_who_looks_the_same_is_known_again_further_away() -> None:
    for wait, widths in ((0.04, 2.5), (0.4, 3.5)):
        far = 200 + widths * 40
        camera = settled(0.04, 200, colors=[LIGHT])
        assert camera.ids(far, colors=[LIGHT], wait=wait) == [1]
        assert camera.ids(far, colors=[LIGHT]) == [1]
        assert settled(0.04, 200, colors=[LIGHT]).ids(far, colors=[DARK], wait=wait) == [-1]
    unknown = np.full(36, np.nan, np.float32)  # at the edge of the image
    assert settled(0.04, 200, colors=[LIGHT]).ids(far, colors=[unknown]) == [-1]


def test_a_poster_that_was_out_of_sight_is_not_recognized_elsewhere() -> None:
    for hidden, number in ((0, 1), (1, -1)):
        for place, colors in ((320, [LIGHT]), (250, None)):  # three face widths away, and a leap
            camera = settled(0.4, 200, colors=colors)
            camera.tracker.tracks[0].is_still = True
            for _ in range(hidden):
                camera.show(colors=[] if colors else None)
            assert camera.ids(place, colors=colors) == [number]
            if not hidden:
                assert camera.tracker.tracks[0].motion.x == pytest.approx(place)


def test_a_false_box_is_not_recognized_at_a_fast_camera() -> None:
    """One box that looks like another is a face twice at a slow camera alone."""
    for interval, detections in ((0.04, 1), (0.4, 2)):
        camera = settled(interval, 1000)
        camera.show(200, 1000, colors=[LIGHT, DARK])
        camera.show(320, 1000, colors=[LIGHT, DARK])
        assert max(t.detections for t in camera.tracker.tracks if t.track_id != 1) == detections


def test_people_come_before_what_is_not_yet_known_for_one() -> None:
    """A face between a person and a new box is the person's, though the box is nearer."""
    camera = settled(0.04, 200)
    camera.show(200, 232)
    assert camera.ids(218)[0] == 1


def test_a_pause_moves_nobody_and_keeps_who_was_there_just_before_it() -> None:
    camera = Camera(0.1)
    for step in range(30):
        camera.show(200 + 20 * step)  # five face widths a second
    assert camera.ids(200 + 20 * 29, wait=20.0) == [1]
    assert settled(0.1, 200).ids(200 + 4 * 40, wait=20.0) == [-1]
    camera = settled(0.1, 200)
    for _ in range(15):
        camera.show()  # out of sight when the pause begins
    assert camera.ids(200, wait=20.0) == [-1]


def test_a_poster_that_is_hidden_stays_where_it_is() -> None:
    camera = settled(0.1, 200)
    (poster,) = camera.tracker.tracks
    poster.motion.vx, poster.is_still = 40.0, True
    for _ in range(50):
        camera.show()
    assert camera.tracker.hidden_boxes()[0].mean() == pytest.approx(150, abs=2)
    assert camera.ids(200) == [1]


def test_a_hidden_face_is_expected_in_a_wider_place_but_no_wider_than_itself() -> None:
    camera = settled(0.1, 200)
    sides = []
    for _ in range(19):
        camera.show()
        (hidden,) = camera.tracker.hidden_boxes()
        sides.append(float(hidden[2] - hidden[0]))
    assert 40 < sides[0] < sides[4] and sides[-1] == pytest.approx(3 * 40, abs=1)


@pytest.mark.parametrize("error", [np.nan, np.inf, 10 * MAX_COORDINATE])
def test_an_impossible_box_is_nobodys(error: float) -> None:
    tracker = Tracker()
    boxes = np.array([[100, 100, error, 140]], np.float32)
    for frame in range(10):
        step = tracker.update(boxes, 0.1, frame / 10)
    assert step.track_ids.tolist() == [-1] and not tracker.tracks


def test_gates_of_distance_and_size() -> None:
    motion = Motion(box(200))
    motion.variance = 100.0
    found = distances(
        [motion],
        np.array(
            [
                box(200 + (MAX_DISTANCE - 0.1) * 40),
                box(200 + (MAX_DISTANCE + 0.1) * 40),
                box(200, 40 * np.exp(MAX_SIZE_RATIO - 0.05)),
                box(200, 40 * np.exp(MAX_SIZE_RATIO + 0.05)),
            ]
        ),
    )
    assert np.isfinite(found[0]).tolist() == [True, False, True, False]
    near = (LEAP_DISTANCE - 0.1) * 40
    leaps = np.array([box(200 + near), box(200 + near + 8), box(200 + near, 60)])
    assert may_leap([motion], leaps).tolist() == [[True, False, False]]


def test_a_size_is_surer_the_shorter_a_face_was_hidden() -> None:
    def cost(seconds: float) -> float:
        motion = Motion(box(200))
        motion.unseen = seconds
        return float(distances([motion], np.array([box(200, 60)]))[0, 0])

    assert cost(2.0) < 0.75 * cost(0.0)


def test_a_size_follows_slowly_and_other_image_sizes_change_speeds() -> None:
    motion = Motion(box(200))
    motion.predict(0.1)
    motion.correct(box(220, 80))
    assert 45 < motion.width < 55 and motion.vx > 50
    speed, motion.vy = motion.vx, 30.0
    motion.rescale(0.5, 2.0)
    assert (motion.vx, motion.vy) == (pytest.approx(speed / 2), 60.0)
    assert motion.width < 28 < 90 < motion.height
    motion.halt(0.4)
    assert motion.vx == motion.vy == 0 and motion.variance == pytest.approx(0.16)


def test_who_stays_has_walked_nowhere_when_the_image_has_another_size() -> None:
    track = Track(Motion([100, 50, 140, 100]), 0.0, 0.0)
    track.rescale(2.0, 1.5)
    assert track.distance == pytest.approx(0.0)


def test_a_leap_ends_where_the_face_is() -> None:
    motion = Motion(box(200))
    for _ in range(20):
        motion.predict(0.04)
        motion.correct(box(200))
    motion.predict(0.04)
    motion.leap(box(260))
    assert motion.x == pytest.approx(260) and abs(motion.vx) < 20


def test_somebody_near_after_a_pause_is_who_was_there_and_nobody_further_away() -> None:
    assert settled(0.1, 200).ids(200 + 40, wait=20.0) == [1]
    assert settled(0.1, 200).ids(200 + 2.5 * 40, wait=20.0) == [-1]


def test_who_was_missed_for_half_a_second_before_a_pause_is_known_after_it() -> None:
    camera = settled(0.1, 200)
    for _ in range(4):
        camera.show()
    assert camera.ids(200, wait=20.0) == [1]


def test_a_pause_is_no_absence_of_who_was_there_before_it() -> None:
    """A count is less sure by absences alone."""
    camera = settled(0.1, 200)
    camera.show(200, wait=20.0)
    assert camera.tracker.tracks[0].absent < 0.2


def test_a_box_of_one_frame_before_a_pause_is_no_person_after_it() -> None:
    camera = settled(0.1, 1000)
    camera.show(200, 1000)
    assert camera.ids(200, 1000, wait=20.0) == [-1, 1]


def test_a_pause_makes_no_slow_camera() -> None:
    """At one of those a single sure detection is a person."""
    camera = settled(0.1, 200)
    camera.show(200, wait=20.0)
    boxes, scores = np.array([box(200), box(900)], np.float32), np.array([0.9, 0.9])
    step = camera.tracker.update(boxes, 0.1, camera.now + 0.1, scores=scores)
    assert step.track_ids.tolist() == [1, -1]


def test_frames_that_are_further_apart_than_the_memory_are_no_pauses() -> None:
    camera = Camera(2.2, memory=2.0)
    ids = [camera.ids(200 + 60 * step) for step in range(8)]  # 1.5 face widths each
    assert ids[1:] == [[1]] * 7


@pytest.mark.parametrize(("seconds", "number"), [(300, 1), (700, -1)])
def test_a_poster_is_remembered_for_minutes(seconds: int, number: int) -> None:
    camera = settled(1.0, 200)
    camera.tracker.tracks[0].is_still = True
    for _ in range(seconds):
        camera.show()
    assert camera.ids(200) == [number]


def test_colors_decide_where_two_people_may_be_one_face_or_one_person_two() -> None:
    camera = settled(0.4, 200, 250, colors=[LIGHT, DARK])
    assert camera.ids(228, colors=[LIGHT]) == [1]
    camera = settled(0.4, 200, colors=[LIGHT])
    assert camera.ids(205, 225, colors=[DARK, LIGHT]) == [-1, 1]
