"""Colors decide where people compete for a place, and only there."""

from __future__ import annotations

import numpy as np
import pytest

from maskdet.observation import Observation
from maskdet.people.analysis import Analysis
from maskdet.people.tracking.appearance import (
    FIRST_CHANGE,
    AppearanceChange,
    blended,
    describe,
    differences,
)
from tests.people.scenes import SIZE, Actor, Path, faces, frame, ids, times, unique, walk

RED, BLUE = (40, 40, 200), (190, 90, 30)


def play_colored(
    actors: list[tuple[Path, tuple[int, int, int]]],
    at: list[float],
    *,
    faceness: float = 1.0,
    light: float = 1.0,
    dark_from: float = 1e9,
) -> list[Observation]:
    """Observations of people of one color each, before gray."""
    analysis, seen = Analysis(), []
    for index, t in enumerate(at):
        image = np.full((SIZE[1], SIZE[0], 3), 128, np.uint8)
        state = (0.9 * faceness, 0.05 * faceness, 0.05 * faceness)
        cast = [Actor(path, lambda _, state=state: state) for path, _ in actors]
        for path, color in actors:
            place = path(t)
            if place is not None:
                x, y = (int(value) for value in place)
                image[max(y - 20, 0) : y + 32, max(x - 20, 0) : x + 20] = color
        if t >= dark_from:
            image = (image * light).astype(np.uint8)
        seen.append(analysis.observe(frame(t, index, image), faces(cast, t)))
    return seen


def number_at_end(seen: list[Observation], left: bool) -> int:
    boxes, numbers = seen[-1].detections.boxes, seen[-1].detections.track_ids
    assert numbers is not None
    return int(numbers[(boxes[:, 0].argmin() if left else boxes[:, 0].argmax())])


def turning(begin: float, end: float) -> Path:
    """Walks from one place to another in the time from 3 to 4, and back from 6 to 7: it turns."""
    return lambda t: (begin + (end - begin) * float(np.interp(t, [3, 4, 6, 7], [0, 1, 1, 0])), 240)


@pytest.mark.parametrize("colors", [(RED, BLUE), (BLUE, RED)])
def test_two_who_change_places_between_two_frames_keep_their_numbers(colors: tuple) -> None:
    seen = play_colored([(turning(250, 350), colors[0]), (turning(350, 250), colors[1])],
                        times(1, 6))  # fmt: skip
    assert ids(seen) == {1, 2} and unique(seen) == 2
    first = seen[2].detections
    begin = {int(n): box[0] for n, box in zip(first.track_ids, first.boxes, strict=True)}
    assert begin[number_at_end(seen, left=True)] > begin[number_at_end(seen, left=False)]


def test_somebody_else_who_comes_where_somebody_vanished_is_somebody_else() -> None:
    gone, new = walk(300, 240, gone=[(4, 99)]), walk(330, 240, gone=[(0, 5)])
    assert unique(play_colored([(gone, RED), (new, BLUE)], times(5, 9))) == 2
    assert unique(play_colored([(gone, RED), (new, RED)], times(5, 9))) == 1


@pytest.mark.parametrize("light", [0.3, 0.6, 1.5])
def test_a_lamp_that_is_switched_changes_nobody(light: float) -> None:
    at = times(10, 6)
    seen = play_colored([(walk(100, 240, vx=60), RED)], at, light=light, dark_from=3.0)
    assert ids(seen) == {1} and unique(seen) == 1


@pytest.mark.parametrize("fps", [1, 2, 5, 10])
def test_a_head_that_turns_and_is_lit_again_in_every_frame_stays_one_person(fps: int) -> None:
    """Faces at a webcam change more than people of a street differ; now and then one is missed."""
    analysis, seen, rng = Analysis(), [], np.random.default_rng(1)
    missed = [(t, t + 1.2 / fps) for t in (5.0, 9.0, 13.0, 17.0)]
    actor = Actor(walk(300, 240, gone=missed), lambda _: (0.9, 0.05, 0.05))
    for index, t in enumerate(times(fps, 20)):
        image = np.full((SIZE[1], SIZE[0], 3), 128, np.uint8)
        image[200:290, 260:340] = rng.integers(70, 190, 3)
        seen.append(analysis.observe(frame(t, index, image), faces([actor], t)))
    assert unique(seen) == 1


def test_among_faces_that_hardly_change_a_little_difference_is_somebody_else() -> None:
    """A second person, whose coat is a little lighter, comes where the first one vanished."""
    gone, new = walk(300, 240, gone=[(4, 99)]), walk(305, 240, gone=[(0, 4.4)])
    assert unique(play_colored([(gone, (90, 90, 90)), (new, (125, 125, 125))], times(25, 7))) == 2
    assert unique(play_colored([(gone, (90, 90, 90)), (new, (95, 95, 95))], times(25, 7))) == 1


def test_what_is_unlike_depends_on_how_much_faces_change() -> None:
    change, found = AppearanceChange(), np.array([0.02, 0.15, 0.5, np.nan])
    change.learn(np.full(0, np.nan))
    change.learn(np.full(3, np.nan))
    assert change.usual == FIRST_CHANGE
    change.learn(np.full(100, 0.03))
    assert change.usual == pytest.approx(0.03, abs=0.002)
    assert change.strangeness(found) == pytest.approx([0, 0.5, 1, 0], abs=0.05)
    for _ in range(100):
        change.learn(np.array([0.15]))
    assert change.strangeness(found) == pytest.approx([0, 0, 0.1, 0], abs=0.05)
    for _ in range(100):
        change.learn(np.array([0.0]))
    assert change.strangeness(np.array([0.05, 0.2])) == pytest.approx([0, 1])


@pytest.mark.parametrize(("fps", "faceness", "people"), [(2, 0.9, 1), (2, 0.4, 0), (10, 0.9, 0)])
def test_at_a_slow_camera_one_sure_detection_is_a_person(
    fps: int, faceness: float, people: int
) -> None:
    """The others: a doubtful face in one frame, and a frame of a tenth of a second."""
    passing = walk(300, 240, gone=[(0, 2), (2 + 1 / fps, 99)])
    seen = play_colored([(passing, RED)], times(fps, 6), faceness=faceness)
    assert [len(one.detections) for one in seen].count(1) == len(seen[2 * fps].detections) == 1
    assert unique(seen) == people


def test_a_description_is_of_the_face_and_its_collar() -> None:
    image = np.zeros((100, 100, 3), np.uint8)
    image[20:60, 30:60] = RED
    image[60:72, 30:60] = BLUE
    cells = describe(image, np.array([[30, 20, 60, 60]], np.float32)).reshape(4, 3, 3)
    assert np.allclose(cells[:3] * 255, RED, atol=1)
    assert np.allclose(cells[3, :, 0] * 255, 0.89 * BLUE[0] + 0.11 * RED[0], rtol=0.2)


def test_any_boxes_can_be_described() -> None:
    image = np.full((4, 5, 3), 200, np.uint8)
    boxes = [[np.nan, 0, 1, 1], [-np.inf, -1, np.inf, 9], [9, 9, 12, 12], [1e30, 0, 1e30, 0]]
    found = describe(image, np.array(boxes, np.float32))
    assert found.shape == (4, 36) and np.isnan(found).all()  # each is cut by the image's edge
    inside = describe(np.full((9, 9, 3), 200, np.uint8), np.array([[2, 2, 6, 6]], np.float32))
    assert inside == pytest.approx(np.full((1, 36), 200 / 255))
    assert describe(image, np.zeros((0, 4), np.float32)).shape == (0, 36)


def test_differences_are_root_mean_squares() -> None:
    rng = np.random.default_rng(1)
    tracks, found = rng.random((3, 36)).astype(np.float32), rng.random((2, 36)).astype(np.float32)
    expected = [[np.sqrt(((a - b) ** 2).mean()) for b in found] for a in tracks]
    assert differences(tracks, found) == pytest.approx(np.array(expected), abs=1e-3)
    assert blended(tracks[0], tracks[1], 0.0) == pytest.approx(tracks[0])
    assert blended(tracks[0], tracks[1], 60.0) == pytest.approx(tracks[1], abs=1e-5)
