"""Limits of following, from both sides: what is just a person, a pause, a second box, a shake."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from maskdet.people.tracking.camera_motion import camera_shift, follow_camera
from maskdet.people.tracking.motion import Motion
from maskdet.people.tracking.track import Track
from tests.people.tracking.test_tracker import Camera, box, settled


def test_a_pause_prolongs_the_memory_of_who_is_not_found_at_once_and_of_nobody_later() -> None:
    camera = settled(0.1, 200)
    camera.show(wait=20.0)
    assert camera.ids(200) == [1]
    for _ in range(25):
        camera.show()
    assert not camera.tracker.tracks


@pytest.mark.parametrize(("every", "is_person"), [(2, True), (4, False)])
def test_who_is_found_in_few_frames_is_no_person(every: int, is_person: bool) -> None:
    camera = Camera(0.04)
    for frame in range(40):
        camera.show(*[200] * (frame % every == 0))
    assert camera.tracker.tracks[0].is_confirmed is is_person


@pytest.mark.parametrize(("hidden", "detections"), [(4, 2), (6, 1)])
def test_a_face_that_is_no_person_yet_is_remembered_for_half_a_second(
    hidden: int, detections: int
) -> None:
    camera = Camera(0.1)
    camera.show(200)
    for _ in range(hidden):
        camera.show()
    camera.show(200)
    assert [track.detections for track in camera.tracker.tracks] == [detections]


@pytest.mark.parametrize(("aside", "second"), [(12, -1), (18, 2)])
def test_a_second_box_on_a_face_is_nobody(aside: int, second: int) -> None:
    """Those of 40 pixels overlap by .54 and .38 of both."""
    camera = settled(0.1, 200)
    for _ in range(4):
        ids = camera.ids(200, 200 + aside)
    assert ids == [1, second]


def test_a_face_is_a_person_after_a_fifth_of_a_second() -> None:
    camera = Camera(0.1)
    assert [camera.ids(200) for _ in range(3)] == [[-1], [-1], [1]]


@pytest.mark.parametrize(
    ("interval", "score", "number"), [(0.35, 0.65, 2), (0.35, 0.55, -1), (0.25, 0.65, -1)]
)
def test_at_a_slow_camera_a_sure_face_is_a_person_at_once(
    interval: float, score: float, number: int
) -> None:
    camera = settled(interval, 200)
    boxes, scores = np.array([box(200), box(900)], np.float32), np.array([0.9, score])
    step = camera.tracker.update(boxes, interval, camera.now + interval, scores=scores)
    assert step.track_ids.tolist() == [1, number]


def test_who_was_not_found_for_longer_shows_no_movement_of_the_camera_but_follows_it() -> None:
    centers = (200, 500, 800, 1100, 1400)
    tracks = []
    for number, x in enumerate(centers):
        seen = 10.0 if number < 2 else 8.5
        tracks.append(Track(Motion(box(x)), 0.0, seen, track_id=number + 1))
    follow_camera(tracks, np.array([box(240), box(540)], np.float32), 10.0)
    assert [track.motion.x for track in tracks] == pytest.approx([x + 40 for x in centers])


@pytest.mark.parametrize(
    ("ways", "shift"),
    [
        ((30, 30), 30),
        ((20, 20, 20, 29), 20),  # the middle one: who also walks, moves nobody else
        ((30, 30, 0), None),
        ((30, 30, -10, 60, -50), None),
        ((20, 50, 75), None),
    ],
)
def test_the_camera_moved_where_most_faces_moved_alike(
    ways: Sequence[int], shift: int | None
) -> None:
    places = [1000 * number for number in range(len(ways))]
    motions = [Motion(box(place)) for place in places]
    boxes = np.array([box(x + way) for x, way in zip(places, ways, strict=True)], np.float32)
    found = camera_shift(motions, boxes)
    assert found == (None if shift is None else pytest.approx((shift, 0)))
