"""The usual view of a camera: covered, moved, and what is neither."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from maskdet.images.usual_view import ADOPT_S, MEASURE_INTERVAL_S, UsualView
from maskdet.people.alarms.rule import CameraView
from maskdet.sources.opening import open_source
from tests.helpers.monitors import ROOT

RNG = np.random.default_rng(3)
SCENE = cv2.resize(RNG.integers(0, 255, (24, 32, 3), np.uint8), (640, 480))
OTHER = cv2.resize(RNG.integers(0, 255, (24, 32, 3), np.uint8), (640, 480))


def seen(image: np.ndarray) -> CameraView:
    """A camera that has shown the scene for a while and then an image."""
    view = UsualView()
    for second in range(60):
        view.measure(SCENE, float(second))
    measured = view.measure(image, 60.0)
    assert measured is not None
    return CameraView(*measured)


WITH_PEOPLE = SCENE.copy()
WITH_PEOPLE[100:480, 200:420] = 90


@pytest.mark.parametrize(
    ("image", "covered", "moved"),
    [
        (SCENE, False, False),
        (WITH_PEOPLE, False, False),
        ((SCENE * 0.6).astype(np.uint8), False, False),  # a lamp less
        (np.clip(SCENE + RNG.normal(0, 8, SCENE.shape), 0, 255).astype(np.uint8), False, False),
        (np.zeros_like(SCENE), True, False),
        (np.full_like(SCENE, 130), True, False),
        (RNG.integers(0, 12, SCENE.shape, np.uint8), True, False),  # noise in the dark
        (cv2.GaussianBlur(SCENE, (0, 0), 30), True, False),
        (OTHER, False, True),
        (np.roll(SCENE, 200, axis=1), False, True),
    ],
    ids=[
        "same",
        "people",
        "darker",
        "noisy",
        "black",
        "gray",
        "night",
        "blurred",
        "other",
        "turned",
    ],
)
def test_what_is_seen(image: np.ndarray, covered: bool, moved: bool):
    view = seen(image)
    assert (view.is_covered, view.is_moved) == (covered, moved), view


def test_a_view_for_good_becomes_the_usual_one_and_a_covered_one_never():
    view = UsualView()
    view.measure(SCENE, 0.0)
    for second in range(1, int(ADOPT_S) + 3):
        measured = view.measure(OTHER, float(second))
    assert measured is not None and not CameraView(*measured).is_moved
    for second in range(1000, 1000 + 2 * int(ADOPT_S)):
        measured = view.measure(np.zeros_like(SCENE), float(second))
    assert measured is not None and CameraView(*measured).is_covered


def test_it_is_measured_now_and_then_and_at_any_size():
    view = UsualView()
    first = view.measure(SCENE, 0.0)
    assert view.measure(OTHER, MEASURE_INTERVAL_S / 2) == first
    assert view.measure(OTHER, MEASURE_INTERVAL_S) != first
    assert view.measure(np.zeros((1, 1, 3), np.uint8), 9.0) is not None
    assert view.measure(SCENE[:, :40], 12.0) is not None


def test_the_demo_is_neither_covered_nor_moved():
    source, view = open_source(str(ROOT / "maskdet/sources/clip.mp4")), UsualView()
    try:
        for _ in range(200):
            frame = source.read()
            assert frame is not None
            measured = view.measure(frame.image, frame.position)
            assert measured is not None
            seen = CameraView(*measured)
            assert not seen.is_covered and not seen.is_moved, seen
    finally:
        source.close()
