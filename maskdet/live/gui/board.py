"""Everything that the window shows: the sources in their places, totals, help, notices."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence

import numpy as np

from maskdet.drawing.layout import Layout, Size, arrange, panel_margins, window_size
from maskdet.drawing.montage import montage
from maskdet.drawing.overlay import Overlay
from maskdet.drawing.panels import alarm_height
from maskdet.drawing.status_text import total_row
from maskdet.live.gui.people_history import PeopleHistory
from maskdet.live.gui.screens import screen_size
from maskdet.live.gui.tile import Tile
from maskdet.live.gui.view import View
from maskdet.live.gui.window import Window
from maskdet.observation import PeopleCounts

_REDRAW_S = 0.1
"""Seconds after which a tile is drawn again though no frame came: its age goes on."""
_SCREEN_SHARE = 0.9, 0.85
"""Of the screen's width and height, at most; the rest is for the window's frame and panels."""
_SINGLE_SHARE, _SINGLE_WIDTH = 0.67, 1280
"""Of the screen's width, or at least so many pixels, for the window of a single source."""
_NOTICE_S = 3.0
_NOTICE_ROWS = 6  # height of a long notice, in sizes of the text
_FIRST_NOTICE_S = 8.0


class Board:
    """Composes the window's image, and gives the window the shape of what it shows.

    Attributes:
        image: the whole, as last composed, without help and notice; None before the first.
    """

    def __init__(
        self,
        tiles: Sequence[Tile],
        window: Window,
        overlay: Overlay,
        box: tuple[int | None, int | None],
        history: PeopleHistory | None = None,
    ) -> None:
        """Shows nothing yet.

        Args:
            tiles: the sources' places, which may become more and fewer.
            window: where to show.
            overlay: draws.
            box: (width, height) that a new window of several sources may have; None: as the screen
                allows.
            history: of the people; None: nobody is followed.
        """
        self.image: np.ndarray | None = None
        self._tiles = tiles
        self._window = window
        self._overlay = overlay
        self._history = history
        self._screen = screen_size()
        self._asked = box
        self._by_hand: Size | None = None
        self._shapes: list[Size] = []
        self._layout: Layout | None = None
        self._panel = 0, 0  # pixels that it takes at the right, or at the bottom
        self._hides_images = False  # whether it has the whole window but its bar
        self._arranged: tuple[Size, bool] = (0, 0), False
        self._notice, self._notice_until = "h: help", 0.0

    def show_notice(self, notice: str) -> None:
        """Shows a line for a few seconds."""
        self._notice, self._notice_until = notice, time.monotonic() + _NOTICE_S

    def show(self, fresh: Tile | None, view: View, device: str) -> bool:
        """Draws what has changed, or is out of date, and shows the whole; whether it did.

        However fast another source is: one that has fallen silent has to show it.

        Args:
            fresh: the source with a new observation.
            view: what the user has chosen.
            device: what the detector computes on.
        """
        now = time.monotonic()
        if self._reshape(view.panel and self._history is not None):
            view.changed = True
        stale = [
            tile
            for tile in self._tiles
            if tile is fresh or tile.drawn < now - _REDRAW_S or view.changed
        ]
        if not stale or self._layout is None:
            return False
        for tile in stale:
            place = self._layout.places[self._tiles.index(tile)]
            tile.draw(
                (place.width, place.height),
                self._layout.text,
                view,
                compact=len(self._tiles) > 1,
                margins=self._panel if len(self._tiles) == 1 else (0, 0),
            )
        view.changed = False
        self.image = self._compose(self._layout, device)
        self._window.show(self._dressed(self.image, self._layout.text, view, now))
        return True

    def place_at(self, x: int, y: int) -> tuple[Tile, tuple[float, float]] | None:
        """The source whose frame is at a point of the window, and where in it, in shares."""
        if self._layout is None:
            return None
        for tile, place in zip(self._tiles, self._layout.places, strict=True):
            left, top, width, height = tile.image_box
            across, down = x - place.x - left, y - place.y - top
            if 0 <= across < width and 0 <= down < height:
                return tile, (across / max(width - 1, 1), down / max(height - 1, 1))
        return None

    def _frame_of(self, name: str, image: np.ndarray) -> np.ndarray | None:
        """The part of the window's image that shows a source's frame."""
        if self._layout is None:
            return None
        for tile, place in zip(self._tiles, self._layout.places, strict=True):
            if tile.name == name:
                left, top, width, height = tile.image_box
                x, y = place.x + left, place.y + top
                return image[y : y + height, x : x + width]
        return None

    def _above_alarms(self, end: int, text: int) -> int:
        """Where a notice has to end, so that it covers no line with open alarms."""
        if self._layout is None or self._hides_images:
            return end
        above = end
        for tile, place in zip(self._tiles, self._layout.places, strict=True):
            _, top, _, height = tile.image_box
            bottom = place.y + top + height
            has_alarm = height and tile.observation is not None and tile.observation.alerts
            if has_alarm and bottom > end - _NOTICE_ROWS * text:
                above = min(above, bottom - alarm_height(text))
        return above

    def _panel_of(self, image: np.ndarray) -> np.ndarray:
        """The part of the window's image that the side panel has."""
        right, bottom = self._panel
        if bottom:
            return image[-bottom:]
        top = self._overlay.bar_height
        if self._layout is not None and len(self._tiles) > 1:
            top = self._layout.top
        return image[top:, -right:]

    @property
    def _box(self) -> Size:
        """(width, height) that the window may have, for as many images as there are."""
        most = [int(side * s) for side, s in zip(self._screen, _SCREEN_SHARE, strict=True)]
        width, height = self._asked
        if len(self._tiles) == 1:
            single = int(self._screen[0] * _SINGLE_SHARE)
            width, height = max(width or _SINGLE_WIDTH, single), None
        return min(width or most[0], most[0]), min(height or most[1], most[1])

    def _reshape(self, has_panel: bool) -> bool:
        """Gives the window the shape of new images; whether their places are others now."""
        shapes = [tile.image_size for tile in self._tiles]
        if shapes != self._shapes:
            self._shapes = shapes
            if self._window.resized_by_hand:
                self._by_hand = self._window.size
            self._window.resize(*window_size(shapes, self._by_hand or self._box))
            self._layout = None
        size = self._window.size
        if min(size) < 1:
            return False
        if self._layout is not None and self._arranged == (size, has_panel):
            return False
        self._arranged = size, has_panel
        self._layout = arrange(shapes, size)
        self._panel = panel_margins(shapes, size, self._layout.text) if has_panel else (0, 0)
        self._hides_images = 0 < self._panel[1] >= size[1] - self._layout.top
        if has_panel and not any(self._panel):
            self.show_notice("too small for the people panel: enlarge the window")
        elif has_panel and len(shapes) > 1:  # a single image has its bar above the panel, too
            right, bottom = self._panel
            self._layout = arrange(shapes, (size[0] - right, size[1] - bottom))
            if self._hides_images:
                self.show_notice("too small for images beside the panel; p: images again")
        return True

    def _compose(self, layout: Layout, device: str) -> np.ndarray:
        if len(self._tiles) == 1:
            return self._tiles[0].image
        size = layout.size[0] + self._panel[0], layout.size[1] + self._panel[1]
        whole = montage([tile.image for tile in self._tiles], layout.places, size)
        totals: Counter[str] = Counter()
        people: list[PeopleCounts] = []
        for tile in self._tiles:
            if tile.has_signal and tile.observation is not None:
                totals.update(tile.observation.counts)
                if tile.observation.people_counts is not None:
                    people.append(tile.observation.people_counts)
        row = total_row(len(self._tiles), totals, people, device)
        self._overlay.bar(whole[: layout.top], [row], layout.text)
        return whole

    def _dressed(self, image: np.ndarray, text: int, view: View, now: float) -> np.ndarray:
        """The image with notice and help; itself where there is neither."""
        if not self._notice_until:  # the first one stays a while from when it can be seen
            self._notice_until = now + _FIRST_NOTICE_S
        has_notice = now < self._notice_until
        draft = view.draft
        has_panel = view.panel and any(self._panel)
        people = self._history.summary(len(self._tiles)) if has_panel and self._history else None
        if not (has_notice or view.help or people or (draft is not None and draft.points)):
            return image
        image = image.copy()
        if draft is not None and draft.points:
            frame = self._frame_of(draft.source, image)
            if frame is not None and frame.size:
                self._overlay.draft(frame, draft.points, is_zone=draft.is_zone)
        if people is not None:
            self._overlay.side_panel(self._panel_of(image), people, text)
        if has_notice:
            below = 0 if view.help or self._hides_images else self._panel[1]
            end = self._above_alarms(image.shape[0] - below, text)
            self._overlay.notice(image[:end], self._notice, text)
        if view.help:
            self._overlay.help(image, text)
        return image
