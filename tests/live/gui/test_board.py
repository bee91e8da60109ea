"""The panel takes its room where the images stay largest, and clicks land where they are made."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from maskdet.detections import Detections, MaskState
from maskdet.drawing.layout import arrange, panel_margins
from maskdet.drawing.overlay import Overlay
from maskdet.drawing.status_text import RED, Status
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


@pytest.mark.parametrize(
    ("screen", "box", "most"),
    [
        ((1366, 768), (None, None), (1229, 652)),
        ((1920, 1080), (None, None), (1728, 918)),
        ((3840, 2160), (None, None), (3456, 1836)),
        ((3840, 2160), (1280, 720), (1280, 720)),
        ((3840, 2160), (1280, None), (1280, 1836)),
        ((1366, 768), (4000, 3000), (1229, 652)),
    ],
)
@pytest.mark.parametrize("count", [1, 4, 16])
def test_several_images_have_most_of_the_screen_or_what_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
    screen: Size,
    box: tuple[int | None, int | None],
    most: Size,
    count: int,
):
    monkeypatch.setattr("maskdet.live.gui.board.screen_size", lambda: screen)
    overlay, sizes = Overlay(), []
    stub = SimpleNamespace(
        size=(0, 0), resized_by_hand=False, resize=lambda *size: sizes.append(size)
    )
    tiles: list[Any] = [ShownTile(f"door {i}", (1280, 720), overlay) for i in range(count)]
    Board(tiles, stub, overlay, box).show(None, View(), "CPU")  # type: ignore[arg-type]
    ((width, height),) = sizes
    if count == 1:  # what is asked for is for several images
        most = round(screen[0] * 0.9), round(screen[1] * 0.85)
        assert width > min(0.49 * screen[0], 1000)
    else:
        assert max(width / most[0], height / most[1]) > 0.97
    assert width <= most[0] and height <= most[1]


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


def test_the_notice_about_hidden_images_stands_at_the_lower_edge_of_a_large_window_too():
    """It had been drawn over the bar, whose text is larger there than in what is left of it."""
    board, shown = shown_board((640, 480), 100, (1300, 720), View(panel=True))
    assert "p: images" in board._notice
    images: list[np.ndarray] = []
    board._window.show = images.append  # type: ignore[method-assign]
    board._notice_until = -1.0
    board.show(None, View(panel=True), "CPU")
    changed = np.nonzero((images[-1] != shown).any(axis=(1, 2)))[0]
    assert changed.min() > 600


@pytest.mark.parametrize("has_panel", [False, True])
@pytest.mark.parametrize(
    ("image", "count", "window"),
    [((640, 480), 1, (773, 652)), ((720, 1280), 1, (400, 652)), ((640, 480), 4, (1280, 900))],
)
def test_a_notice_leaves_the_line_with_open_alarms_readable(
    image: Size, count: int, window: Size, has_panel: bool
):
    board, _ = shown_board(image, count, window, View())
    for tile in board._tiles:
        tile.observation = replace(tile.observation, alerts=("no mask at the door",))  # type: ignore[type-var]
    images: list[np.ndarray] = []
    board._window.show = images.append  # type: ignore[method-assign]
    view = View(panel=has_panel)
    board.show_notice("zone 1: for this run only; start with --config FILE to keep it")
    for board._notice_until in (1e18, -1.0):
        view.changed = True
        board.show(None, view, "CPU")
    with_notice, without = images
    red = (np.abs(without.astype(int) - RED) < 12).all(axis=2)
    red &= red.sum(axis=0) < 200  # without the frame's sides
    assert red.sum() > 500 and (with_notice != without).any()
    assert (with_notice[red] == without[red]).all()


def test_one_slit_of_an_image_leaves_the_others_beside_the_panel():
    images = [(640, 480)] * 15 + [(240, 1280)]
    window = (1726, 830)
    right, bottom = panel_margins(images, window, arrange(images, window).text)
    assert right < 800 and bottom < 400


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
