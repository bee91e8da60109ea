"""The side panel: people by state, masks worn over the last hour, last changes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from maskdet.detections import MaskState
from maskdet.drawing.status_text import BRIGHT, DIM
from maskdet.drawing.styles import STYLES
from maskdet.drawing.text_renderer import TextRenderer

_GROUND = 24  # of all three colors: see `overlay`
_TABLE_ROWS = len(MaskState) + 2
_PLOT_ROWS = 3
_COLUMN = 19
"""Width of a column, in sizes of the text."""
_MIN_COLUMN = 14
"""Width in which the table is whole, in sizes of the text."""
_MAX_COLUMNS = 3
_MAX_SHARE = 0.7
"""Of the window's width or height, at most: some of the image stays visible."""


@dataclass(frozen=True)
class PanelContent:
    """Content of the panel.

    Attributes:
        now: people in the images by state (`MaskState` names).
        today: unique people of the day by state.
        margin: people that the sum of these may be wrong by, either way.
        shares: of the time that people were there, how much with a mask, for each of the last
            minutes, the newest last; None: nobody was there whose state was known.
        changes: what happened last, newest first: a line, the state, and among several sources
            the name of the one, else nothing.
    """

    now: Mapping[str, int]
    today: Mapping[str, int]
    shares: Sequence[float | None]
    changes: Sequence[tuple[str, MaskState, str]]
    margin: int = 0


def panel_width(whole: int, text: int) -> int:
    """Width of the panel beside images in a window of that width, with text of that size."""
    return min(round(whole * _MAX_SHARE), text * _COLUMN)


def panel_height(whole: tuple[int, int], text: int) -> int:
    """Height of the panel below images in a window of that (width, height), pixels.

    It has room for the table, and for the plot where that does not stand beside it.
    """
    rows = _TABLE_ROWS + (0 if whole[0] >= 2 * _COLUMN * text else _PLOT_ROWS + 1)
    return min(round(whole[1] * _MAX_SHARE), round(rows * text * 1.5) + 2 * text)


def is_panel_legible(size: tuple[int, int], text: int) -> bool:
    """Whether a panel of that (width, height) has the whole table, with text of that size."""
    return size[0] >= _MIN_COLUMN * text and size[1] >= round(_TABLE_ROWS * text * 1.5) + text


class SidePanel:
    """Draws the panel."""

    def __init__(self, renderer: TextRenderer) -> None:
        """Draws with that renderer, in the size that it has at the moment."""
        self._renderer = renderer

    def draw(self, panel: np.ndarray, content: PanelContent) -> None:
        """Writes on the panel, in as many columns as it is wide.

        What has no room is left out, oldest first.

        Args:
            panel: BGR uint8 (height, width, 3), drawn over.
            content: what to show.
        """
        panel[:] = _GROUND
        count = min(_MAX_COLUMNS, max(1, panel.shape[1] // (_COLUMN * self._renderer.size)))
        columns = np.array_split(panel, count, axis=1)  # views of the panel
        pad, row = self._renderer.size // 2, self._renderer.row
        y = pad
        for text, state, values in self._table(content):
            self._row(columns[0], y, text, state, values)
            y += row
        y = y + pad if count == 1 else pad
        if y + (_PLOT_ROWS + 1) * row <= panel.shape[0] + pad:
            y = self._plot(columns[min(1, count - 1)], y, content.shares)
        if count == _MAX_COLUMNS:
            y = pad
        for text, state, source in content.changes:
            if y + row + pad > panel.shape[0]:
                break
            self._row(columns[-1], y, text, state, (), source)
            y += row

    def _table(self, content: PanelContent) -> list[tuple[str, MaskState | None, tuple[str, ...]]]:
        rows: list[tuple[str, MaskState | None, tuple[str, ...]]] = [
            ("people", None, ("now", "today"))
        ]
        for state in MaskState:
            counts = (content.now.get(state.name, 0), content.today.get(state.name, 0))
            rows.append((state.title, state, tuple(map(str, counts))))
        sums = (sum(content.now.values()), sum(content.today.values()))
        title = f"in all ± {content.margin}" if content.margin else "in all"
        return [*rows, (title, None, tuple(map(str, sums)))]

    def _row(
        self,
        panel: np.ndarray,
        y: int,
        text: str,
        state: MaskState | None,
        values: Sequence[str],
        source: str = "",
    ) -> None:
        """Writes a line: a mark, a text, a source's name, values in columns at the right."""
        renderer, pad = self._renderer, self._renderer.size // 2
        base, right = y + renderer.size, panel.shape[1] - pad
        column = renderer.width("today") + pad
        left = pad
        if state is not None:
            renderer.mark(panel, state, left, base, STYLES[state].color)
            left += round(renderer.size * 1.2)
        color = DIM if state is None else BRIGHT
        room = right - left - column * len(values)
        text = renderer.fitted(text, room)
        renderer.write(panel, text, left, base, color)
        used = renderer.width(text) + pad
        if source and room - used > 2 * renderer.size:
            name = renderer.fitted_name(source, room - used)
            renderer.write(panel, name, left + used, base, DIM)
        for place, value in enumerate(reversed(values)):
            x = right - place * column - renderer.width(value)
            renderer.write(panel, value, x, base, color)

    def _plot(self, panel: np.ndarray, y: int, shares: Sequence[float | None]) -> int:
        """Draws the share of masks worn; returns where the next line begins."""
        renderer, pad = self._renderer, self._renderer.size // 2
        known = [share for share in shares if share is not None]
        mean = f" {100 * sum(known) / len(known):.0f} %" if known else ": nobody yet"
        title = renderer.fitted(f"mask correct, last hour{mean}", panel.shape[1] - 2 * pad)
        renderer.write(panel, title, pad, y + renderer.size, DIM)
        top, high = y + renderer.row, renderer.row * (_PLOT_ROWS - 1)
        left, right = pad, panel.shape[1] - pad
        for level in (0.0, 0.5, 1.0):
            at = top + round((1 - level) * (high - 1))
            cv2.line(panel, (left, at), (right, at), (110, 110, 110), 1)
        step = (right - left) / max(len(shares), 1)
        color = STYLES[MaskState.with_mask].color
        for minute, share in enumerate(shares):
            if share is not None:
                x1, x2 = round(left + minute * step), round(left + (minute + 1) * step)
                at = top + round((1 - share) * (high - 1))
                cv2.rectangle(panel, (x1, at), (max(x1 + 1, x2 - 1), top + high), color, -1)
        return top + high + pad
