"""Several pictures in one, none of them stretched."""

from __future__ import annotations

import numpy as np
import pytest

from maskdet.detections import Detections
from maskdet.drawing.layout import Place, arrange, window_size
from maskdet.drawing.montage import fit, montage
from maskdet.drawing.status_text import bar_height
from maskdet.drawing.text_renderer import MIN_SCREEN_TEXT
from maskdet.frame import Frame
from maskdet.observation import Observation

SIZES = [(640, 480), (1280, 720), (1920, 1080), (3840, 2160), (720, 1280), (1000, 400)]


@pytest.mark.parametrize("size", [*SIZES, (64, 48), (100, 1000), (1000, 60)])
def test_a_window_has_the_aspect_of_its_picture_and_legible_text(size: tuple[int, int]) -> None:
    box = (1286, 900)
    whole = window_size([size], box)
    layout = arrange([size], whole)
    bar = bar_height(whole[0], layout.text)
    assert whole[0] <= box[0] and whole[1] <= box[1] and layout.text >= MIN_SCREEN_TEXT
    scale = min(whole[0] / size[0], (whole[1] - bar) / size[1])
    assert (whole[1] - bar) - size[1] * scale < 3
    assert whole[0] - size[0] * scale < 3 or whole[0] == 400  # no narrower, for the bar's sake


@pytest.mark.parametrize("count", [2, 3, 4, 5, 7, 9])
@pytest.mark.parametrize("size", [(640, 480), (1920, 1080), (720, 1280)])
def test_a_grid_has_no_empty_half(count: int, size: tuple[int, int]) -> None:
    whole = window_size([size] * count, (1280, 720))
    layout = arrange([size] * count, whole)
    seen = np.zeros((whole[1], whole[0]), np.uint8)
    for place in layout.places:
        room = place.height - bar_height(place.width, layout.text, compact=True)
        scale = min(place.width / size[0], room / size[1])
        area = seen[place.y : place.y + place.height, place.x : place.x + place.width]
        assert area.shape == (place.height, place.width) and not area.any()
        area[: round(place.height - room + size[1] * scale)] = 1
        area[:, round(size[0] * scale) :] = 0
    assert whole[0] <= 1280 and whole[1] <= 720 and layout.top > 0
    assert seen[layout.top :].mean() > 0.6


@pytest.mark.parametrize(
    "size", [(1280, 720), (500, 1000), (1920, 1080), (300, 200), (3, 3), (1, 1)]
)
def test_a_window_of_any_size_can_be_divided(size: tuple[int, int]) -> None:
    for count in (1, 2, 5):
        layout = arrange([(640, 480)] * count, size)
        assert all(place.width > 0 and place.height > 0 for place in layout.places)


def test_pictures_stand_in_their_places() -> None:
    places = [Place(0, 0, 4, 3), Place(4, 3, 4, 3)]
    images = [np.full((3, 4, 3), level, np.uint8) for level in (100, 200)]
    whole = montage(images, places, (8, 6))
    assert (whole[:3, :4] == 100).all() and (whole[3:, 4:] == 200).all()
    assert (whole[3:, :4] == whole[:3, 4:]).all() and whole[5, 0, 0] < 50


def test_fit_makes_the_picture_smaller_with_its_boxes() -> None:
    image = np.zeros((1080, 1920, 3), np.uint8)
    faces = Detections([[192, 108, 960, 540]], [0.9], [0])
    seen = Observation(Frame(image, 4, 1.0, 2.0, "door"), faces, {"with_mask": 1}, ("rule",))
    small = fit(seen, (640, 400))
    assert small.frame.image.shape == (360, 640, 3)
    assert small.detections.boxes[0] == pytest.approx([64, 36, 320, 180])
    assert (small.frame.index, small.counts, small.alerts) == (4, seen.counts, seen.alerts)
    assert fit(seen, (4000, 4000)) is seen  # never larger
    assert fit(seen, (3840, 4000), enlarge=True).frame.image.shape == (2160, 3840, 3)


@pytest.mark.parametrize(
    ("screen", "width"), [((1366, 768), 700), ((1920, 1080), 960), ((3840, 2160), 1900)]
)
def test_a_small_camera_has_a_window_that_suits_the_screen(screen: tuple[int, int], width: int):
    box = round(screen[0] * 0.67), round(screen[1] * 0.85)
    found = window_size([(640, 480)], box)
    assert width <= found[0] <= screen[0] * 0.6 and found[1] <= box[1]
