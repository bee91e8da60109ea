"""The status bar, drawn above an image."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from maskdet.drawing.status_text import Row, Segment
from maskdet.drawing.styles import STYLES
from maskdet.drawing.text_renderer import TextRenderer

_MIN_NAME_WIDTH = 4
"""Of the shortest name, in sizes of the text: eight letters or so."""
_MIN_ALARM_WIDTH = 4
"""Of what is left of an alarm's name, in sizes of the text."""
_PAPER, _TRACK = 30, 70  # of all three colors: see `overlay`
_DONE = (233, 180, 86)


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
            row = self._fitting(row, end)
            least = self._least_end(row.left)
            for segment in reversed(row.right):
                if segment.is_alarm:
                    segment = self._shortened_alarm(segment, end, row.left)
                start = end - self._width(segment)
                if start < max(renderer.size // 2, least) or not segment.text:
                    break
                self._draw_segment(bar, segment, start, baseline, end)
                end = start - renderer.size
            self._draw_left(bar, row.left, baseline, end)
        if share is not None:
            line = bar[-max(2, renderer.size // 8) :]
            line[:] = _TRACK
            line[:, : round(share * bar.shape[1])] = _DONE

    def _fitting(self, row: Row, end: int) -> Row:
        """The row with the longest texts that leave a camera's name readable."""
        name = next((segment for segment in row.left if segment.is_name), None)
        if name is None:
            return row
        room = end - self._renderer.size // 2 - self._least_width(name)
        variant = row
        for variant in _variants(row):
            if self._width_beside_name(variant) <= room:
                break
        return variant

    def _width_beside_name(self, row: Row) -> int:
        """Of what has to be whole beside a name; a device may be cut."""
        size = self._renderer.size
        left = [self._width(segment) + size // 2 for segment in row.left if segment.short]
        return sum(left) + sum(self._least_width(segment) + size for segment in row.right)

    def _least_width(self, segment: Segment) -> int:
        """Of a segment that is as short as it may be."""
        least = {segment.is_name: _MIN_NAME_WIDTH, segment.is_alarm: _MIN_ALARM_WIDTH}.get(True)
        width = self._width(segment)
        return width if least is None else min(width, least * self._renderer.size)

    def _draw_left(
        self, bar: np.ndarray, segments: Sequence[Segment], baseline: int, end: int
    ) -> None:
        """Draws from the left up to `end`; counts lose their titles where space is short."""
        start, gap = self._renderer.size // 2, self._renderer.size
        if start + sum(self._width(s) + gap for s in segments) - gap > end:
            gap //= 2
            segments = self._shortened([_without_title(s) for s in segments], end - start, gap)
        for segment in segments:
            start = self._draw_segment(bar, segment, start, baseline, end) + gap

    def _shortened(self, segments: Sequence[Segment], room: int, gap: int) -> list[Segment]:
        """The segments, a camera's name as short as the others need, but for some letters."""
        others = sum(self._width(s) + gap for s in segments if not s.is_name)
        least = self._renderer.size * _MIN_NAME_WIDTH
        name_room = max(room - others, min(least, room))
        return [
            replace(s, text=self._renderer.fitted_name(s.text, name_room)) if s.is_name else s
            for s in segments
        ]

    def _shortened_alarm(self, alarm: Segment, end: int, left: Sequence[Segment]) -> Segment:
        """The alarm as short as the name at its left needs, and if possible what follows that.

        It is empty where nobody could read what is left of it.
        """
        size = self._renderer.size
        name, *others = [self._least_width(segment) for segment in left] or [0]
        room = end - size // 2 - name - size
        beside = room - sum(width + size // 2 for width in others)
        least = min(self._width(alarm), size * _MIN_ALARM_WIDTH)
        room = beside if beside >= least else room
        return replace(alarm, text=self._renderer.fitted(alarm.text, room) if room >= least else "")

    def _least_end(self, segments: Sequence[Segment]) -> int:
        """Where something may stand at the right of counts without titles; 0 without counts."""
        if not any(segment.state is not None for segment in segments):
            return 0
        widths = [self._width(_without_title(segment)) for segment in segments]
        return sum(widths) + self._renderer.size // 2 * len(widths) + self._renderer.size

    def _width(self, segment: Segment) -> int:
        mark = self._renderer.size if segment.state is not None else 0
        return self._renderer.width(segment.text) + mark

    def _draw_segment(
        self, bar: np.ndarray, segment: Segment, x: int, baseline: int, end: int
    ) -> int:
        """Draws one segment from x, cut at `end`; returns where it ends."""
        if segment.state is not None:
            if x + self._renderer.size > end:
                return x
            color = STYLES[segment.state].color
            self._renderer.mark(bar, segment.state, x, baseline, color)
            x += self._renderer.size
        text = self._renderer.fitted(segment.text, end - x)
        self._renderer.write(bar, text, x, baseline, segment.color)
        return x + self._renderer.width(text)


def _variants(row: Row) -> Iterator[Row]:
    """The row in ever fewer words, the last without all that may go.

    The number of people goes before an alarm's name: nobody misses an alarm for a count. What has
    no short form goes last: the image itself has the alarm and the lost signal.
    """
    yield row
    left, right = [_short(s) for s in row.left], [_short(s) for s in row.right]
    yield Row(left, row.right)
    yield Row(left, right)
    bare = [s for s in row.left if not s.short]
    yield Row(bare, right)
    marks = [s for s in right if s.short]
    yield Row(left, marks)
    yield Row(bare, marks)


def _short(segment: Segment) -> Segment:
    return replace(segment, text=segment.short) if segment.short else segment


def _without_title(segment: Segment) -> Segment:
    """A count of a state without the state's title: its mark stands for it."""
    if segment.state is None:
        return segment
    return Segment(segment.text.rsplit(" ", 1)[1], segment.color, segment.state)
