"""The panel takes its room where the images stay largest, and clicks land where they are made."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from maskdet.detections import Detections, MaskState
from maskdet.drawing.layout import arrange, panel_margins
from maskdet.drawing.overlay import Overlay
from maskdet.drawing.status_text import Status
from maskdet.frame import Frame
from maskdet.live.gui.board import Board
from maskdet.live.gui.people_history import PeopleHistory
from maskdet.live.gui.view import View
from maskdet.observation import Observation, PeopleCounts

Size = tuple[int, int]
SPOT, SPOT_COLOR = (0.25, 0.75), (255, 0, 255)


def image_with_spot(size: Size) -> np.ndarray:
    image = np.full((size[1], size[0], 3), 90, np.uint8)
    x, y = (round(share * side) for share, side in zip(SPOT, size, strict=True))
    image[y - 12 : y + 12, x - 12 : x + 12] = SPOT_COLOR
    return image


class ShownTile:
    """A tile without a pipeline."""

    has_signal, drawn, is_off = True, 0.0, False

    def __init__(self, name: str, size: Size, overlay: Overlay) -> None:
        counts = PeopleCounts(now={state.name: 1 for state in MaskState})
        frame = Frame(image_with_spot(size), 0, 0.0, 0.0, name, position=0.0, utc=0.0)
        self.observation = Observation(frame, Detections.empty(), people_counts=counts)
        self.name, self.image_size, self._overlay = name, size, overlay

    def draw(self, size: Size, text: int, view: View, margins: Size = (0, 0), **facts: Any) -> None:
        status = Status(compact=facts["compact"])
        self.image = self._overlay.view(self.observation, status, size, text, margins)
        self.image_box = self._overlay.image_box


def shown_board(image: Size, count: int, window: Size, view: View) -> tuple[Board, np.ndarray]:
    overlay, history, images = Overlay(), PeopleHistory(), []
    stub = SimpleNamespace(
        size=window, resized_by_hand=True, resize=lambda *size: None, show=images.append
    )
    tiles: list[Any] = [ShownTile(f"door {number}", image, overlay) for number in range(count)]
    for tile in tiles:
        history.write(tile.observation)
    board = Board(tiles, stub, overlay, (1280, 720), history)  # type: ignore[arg-type]
    board.show(None, view, "CPU")
    return board, images[-1]


@pytest.mark.parametrize("has_panel", [False, True])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize(
    ("image", "window"),
    [((720, 1280), (475, 918)), ((640, 480), (1280, 720)), ((640, 480), (400, 900))],
)
def test_a_click_lands_on_what_is_shown_there(
    image: Size, window: Size, count: int, has_panel: bool
):
    board, shown = shown_board(image, count, window, View(panel=has_panel))
    assert shown.shape[1::-1] == window
    rows, columns = np.nonzero((np.abs(shown.astype(int) - SPOT_COLOR) < 60).all(axis=2))
    found = set()
    for x, y in zip(columns.tolist(), rows.tolist(), strict=True):
        tile, point = board.place_at(x, y) or (None, (0.0, 0.0))
        assert point == pytest.approx(SPOT, abs=0.05) and tile is not None
        found.add(tile.name)
    assert len(found) == count


@pytest.mark.parametrize(
    ("images", "window", "is_below"),
    [
        ([(720, 1280)], (475, 918), True),
        ([(640, 480)], (400, 900), True),
        ([(640, 480)], (1280, 720), False),
        ([(720, 1280)], (1280, 720), False),
        ([(640, 480)] * 3, (1500, 600), True),
        ([(640, 480)] * 4, (1280, 720), False),
    ],
)
def test_the_panel_stands_where_images_stay_larger(
    images: list[Size], window: Size, is_below: bool
):
    right, bottom = panel_margins(images, window, arrange(images, window).text)
    assert (right > 0, bottom > 0) == (not is_below, is_below)


@pytest.mark.parametrize(("count", "hides"), [(1, False), (2, False), (3, True), (9, True)])
def test_images_too_small_to_be_read_leave_their_room_to_the_panel(count: int, hides: bool):
    board, shown = shown_board((640, 480), count, (320, 240), View(panel=True))
    assert shown.shape == (240, 320, 3)
    boxes = [tile.image_box for tile in board._tiles]
    assert min(width > 60 and height > 45 for *_, width, height in boxes) is not hides
    assert ("p: images" in board._notice) is hides
    images: list[np.ndarray] = []
    board._window.show = images.append  # type: ignore[method-assign]
    board._notice_until = -1.0
    board.show(None, View(panel=True), "CPU")
    changed = np.nonzero((images[-1] != shown).any(axis=(1, 2)))[0]
    assert len(changed) > 16  # the notice stood there, over the panel if need be
    board.show(None, View(panel=False), "CPU")
    assert all(tile.image_box[2] > 60 for tile in board._tiles)


@pytest.mark.parametrize(
    ("count", "window"), [(1, (220, 160)), (1, (240, 320)), (1, (120, 400)), (2, (220, 160))]
)
def test_a_window_in_which_the_panel_cannot_be_read_shows_images_and_the_reason(
    count: int, window: Size
):
    """The table had been cut at the right or at the bottom, without its titles."""
    board, shown = shown_board((640, 480), count, window, View(panel=True))
    assert board._notice == "too small for the people panel: enlarge the window"
    images: list[np.ndarray] = []
    board._window.show = images.append  # type: ignore[method-assign]
    board._notice_until = -1.0
    board.show(None, View(panel=True), "CPU")
    board.show(None, View(panel=False), "CPU")
    assert (images[0] == images[1]).all() and (images[0] != shown).any()


def test_a_phones_picture_keeps_most_of_its_width():
    board, _ = shown_board((720, 1280), 1, (475, 918), View(panel=True))
    assert board._tiles[0].image_box[2] > 300  # 133 beside the panel


def test_a_long_notice_is_whole_above_a_panel_that_is_below():
    board, shown = shown_board((720, 1280), 1, (475, 918), View(panel=True))
    board.show_notice("line: click its two ends; who crosses it toward the arrow goes in")
    images: list[np.ndarray] = []
    board._window.show = images.append  # type: ignore[method-assign]
    board.show(None, View(panel=True), "CPU")
    changed = np.nonzero((images[-1] != shown).any(axis=(1, 2)))[0]
    _, bottom = panel_margins([(720, 1280)], (475, 918), 16)
    assert np.ptp(changed) > 2 * 16 and changed.max() < 918 - bottom  # two lines
