"""The status bar, drawn above an image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maskdet.drawing.status_text import Row, Segment
from maskdet.drawing.styles import STYLES
from maskdet.drawing.text_renderer import TextRenderer

_PAPER, _TRACK, _DONE = (30, 30, 30), (70, 70, 70), (233, 180, 86)


class StatusBar:
    """Draws the rows of a bar."""

    def __init__(self, renderer: TextRenderer) -> None:
        """Draws with that renderer, in the size that it has at the moment."""
        self._renderer = renderer

    def draw(self, bar: np.ndarray, rows: Sequence[Row], share: float | None = None) -> None:
        """Draws the rows.

        Args:
            bar: the part of an image that becomes the bar; drawn over.
            rows: from top to bottom.
            share: part of a file that is done, 0 to 1, shown as a line at the lower edge.
        """
        bar[:] = _PAPER
        renderer = self._renderer
        for i, row in enumerate(rows):
            baseline = i * renderer.row + round(renderer.size * 1.12)
            end = bar.shape[1] - renderer.size // 2
            for segment in reversed(row.right):
                start = end - self._width(segment)
                if start < renderer.size // 2:
                    break
                self._draw_segment(bar, segment, start, baseline, end)
                end = start - renderer.size
            self._draw_left(bar, row.left, baseline, end)
        if share is not None:
            line = bar[-max(2, renderer.size // 8) :]
            line[:] = _TRACK
            line[:, : round(share * bar.shape[1])] = _DONE

    def _draw_left(
        self, bar: np.ndarray, segments: Sequence[Segment], baseline: int, end: int
    ) -> None:
        """Draws from the left up to `end`; counts lose their titles where space is short."""
        start, gap = self._renderer.size // 2, self._renderer.size
        is_tight = start + sum(self._width(s) + gap for s in segments) - gap > end
        for segment in segments:
            if is_tight and segment.state is not None:
                segment = Segment(segment.text.rsplit(" ", 1)[1], segment.color, segment.state)
            start = self._draw_segment(bar, segment, start, baseline, end) + gap

    def _width(self, segment: Segment) -> int:
        mark = self._renderer.size if segment.state is not None else 0
        return self._renderer.width(segment.text) + mark

    def _draw_segment(
        self, bar: np.ndarray, segment: Segment, x: int, baseline: int, end: int
    ) -> int:
        """Draws one segment from x, cut at `end`; returns where it ends."""
        if segment.state is not None:
            color = STYLES[segment.state].color
            self._renderer.mark(bar, segment.state, x, baseline, color)
            x += self._renderer.size
        text = self._renderer.fitted(segment.text, end - x)
        self._renderer.write(bar, text, x, baseline, segment.color)
        return x + self._renderer.width(text)
