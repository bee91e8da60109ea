"""Charts of a report as SVG: drawn at two widths, for screens and paper and for telephones.

Colors come from the page's style sheet by class, so that one chart serves light, dark and print.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from maskdet.reports.queries import STATES, People
from maskdet.system.console import counted

WIDE, NARROW = 720, 340
"""Widths of a chart, in its own pixels."""
_HEIGHT, _TOP, _BOTTOM, _LEFT, _RIGHT = 210, 22, 24, 38, 6
_TEXT_PIXELS = 12
_VALUE_PIXELS = (_TEXT_PIXELS, 10)
"""Sizes of the numbers above columns, the first that fits above every column."""
_VALUE_GAP_PIXELS = 3
"""Between two numbers above columns, at least."""
_DIGIT_SHARE = 0.6
"""Width of a digit, about, of the text's size."""
_CAPITAL_SHARE = 0.8
_DIGIT_PIXELS = _TEXT_PIXELS * _DIGIT_SHARE
"""Width of a digit, about, for deciding which labels have room."""
_ROW_PIXELS = 22
_NAME_SHARE = 0.4
"""Of a chart's width, at most, for the names of its rows."""


@dataclass(frozen=True)
class Bar:
    """A column of a chart.

    Attributes:
        label: below it, short.
        name: in full, shown when somebody points at it.
        people: what it shows.
    """

    label: str
    name: str
    people: People


@dataclass(frozen=True)
class Strip:
    """A row of cells, one for each column of the other charts.

    Attributes:
        name: in front of it.
        shares: of each cell, 0-1; None: nothing was expected.
        total: behind it.
    """

    name: str
    shares: tuple[float | None, ...]
    total: str


def people_chart(bars: Sequence[Bar], title: str) -> str:
    """Columns of people, stacked by state; the sum stands above."""
    highest = max((bar.people.total for bar in bars), default=0)

    values = [str(bar.people.total) if bar.people.total else "" for bar in bars]

    def draw(width: int) -> str:
        return _columns(bars, values, width, title, _scale(highest), _draw_stack)

    return _both(draw)


def compliance_chart(bars: Sequence[Bar], title: str) -> str:
    """Columns of the share of people, of known state, who wear a mask correctly."""
    scale = (0, 50, 100)
    shares = [bar.people.compliance for bar in bars]
    values = ["" if share is None else f"{100 * share:.0f}" for share in shares]

    def draw(width: int) -> str:
        return _columns(bars, values, width, title, scale, _draw_share, unit="%")

    return _both(draw)


def uptime_chart(strips: Sequence[Strip], labels: Sequence[str], title: str) -> str:
    """A row of cells for each camera, dark where it gave no frames."""

    def draw(width: int) -> str:
        drawing = _new_drawing(width, _ROW_PIXELS * len(strips) + _BOTTOM, title)
        longest = max((_name_pixels(strip.name) for strip in strips), default=0) + 8
        left, right = max(60.0, min(longest, width * _NAME_SHARE)), 48
        slot = (width - left - right) / max(1, len(labels))
        for row, strip in enumerate(strips):
            _draw_strip(drawing, strip, row * _ROW_PIXELS, left, slot, width)
        _draw_labels(drawing, labels, left, slot, _ROW_PIXELS * len(strips) + 15)
        return _svg(drawing)

    return _both(draw)


def _both(draw: Callable[[int], str]) -> str:
    return f'<div class="wide">{draw(WIDE)}</div><div class="narrow">{draw(NARROW)}</div>'


def _columns(
    bars: Sequence[Bar],
    values: Sequence[str],
    width: int,
    title: str,
    scale: Sequence[int],
    draw_bar: Callable[..., float],
    unit: str = "",
) -> str:
    """Axes, a column for each bar, and above all of them, or none, their values."""
    drawing = _new_drawing(width, _HEIGHT, title)
    base, high = _HEIGHT - _BOTTOM, _HEIGHT - _BOTTOM - _TOP
    for level in scale:
        y = base - high * level / max(scale)
        drawing.append(_rect(_LEFT, y, width - _LEFT - _RIGHT, 0.6, "grid"))
        drawing.append(_text(f"{_short(level)}{unit}", _LEFT - 5, y + 4, "axis", "end"))
    slot = (width - _LEFT - _RIGHT) / max(1, len(bars))
    unit_height = high / max(scale)
    size = _value_size(values, slot)
    for i, (bar, value) in enumerate(zip(bars, values, strict=True)):
        x = _LEFT + i * slot + slot * 0.12
        top = draw_bar(drawing, bar, x, slot * 0.76, base, unit_height)
        if size is not None and value:
            middle = x + slot * 0.38
            drawing.append(_text(value, middle, top - 5, "value", "middle", size))
    _draw_labels(drawing, [bar.label for bar in bars], _LEFT, slot, base + 16)
    return _svg(drawing)


def _value_size(values: Sequence[str], slot: float) -> int | None:
    """Size of the numbers above columns that are so far apart; None: there is no room for all."""
    longest = max(map(len, values), default=0)
    fitting = (
        size for size in _VALUE_PIXELS if longest * size * _DIGIT_SHARE + _VALUE_GAP_PIXELS <= slot
    )
    return next(fitting, None)


def _draw_stack(
    drawing: Any, bar: Bar, x: float, width: float, base: float, unit_height: float
) -> float:
    """Draws people by state; returns where the column ends."""
    y = base
    for state in STATES:
        height = getattr(bar.people, state) * unit_height
        if height:
            y -= height
            part = _rect(x, y, width, height, f"state {state}")
            part.append_title(_description(bar))
            drawing.append(part)
    return y


def _draw_share(
    drawing: Any, bar: Bar, x: float, width: float, base: float, unit_height: float
) -> float:
    """Draws the share, if anybody's state is known; returns where the column ends."""
    share = bar.people.compliance
    if share is None:
        return base
    height = max(1.5, 100 * share * unit_height)
    part = _rect(x, base - height, width, height, "share")
    part.append_title(_description(bar))
    drawing.append(part)
    return base - height


def _draw_strip(
    drawing: Any, strip: Strip, y: float, left: float, slot: float, width: float
) -> None:
    name = _shortened(strip.name, left - 8)
    drawing.append(_text(name, 0, y + 15, "name", "start"))
    for i, share in enumerate(strip.shares):
        cell = _rect(
            left + i * slot, y + 3, max(0.5, slot - 1), _ROW_PIXELS - 6, _cell_class(share)
        )
        cell.append_title("not watched" if share is None else f"{100 * share:.0f} %")
        drawing.append(cell)
    drawing.append(_text(strip.total, width, y + 15, "value", "end"))


def _shortened(name: str, room: float) -> str:
    """A name in so many pixels; both its ends stay, as cameras often differ in the last one."""
    shown, kept = name, len(name)
    while _name_pixels(shown) > room and kept > 1:
        kept -= 1
        end = kept // 2
        shown = f"{name[: kept - end]}…{name[len(name) - end :]}"
    return shown


def _name_pixels(name: str) -> float:
    """Width of a name, about: fonts differ, and the widest common one is taken."""
    return _TEXT_PIXELS * sum(map(_letter_share, name))


def _letter_share(letter: str) -> float:
    """Width of a letter, about, of the text's size."""
    if unicodedata.combining(letter):
        return 0.0
    if letter in "MWmw@%" or unicodedata.east_asian_width(letter) in "WF":
        return 1.0
    return _CAPITAL_SHARE if letter.isupper() else _DIGIT_SHARE


def _cell_class(share: float | None) -> str:
    if share is None:
        return "cell off"
    return "cell up" if share >= 0.99 else "cell part" if share >= 0.5 else "cell down"


def _draw_labels(drawing: Any, labels: Sequence[str], left: float, slot: float, y: float) -> None:
    """Draws the labels below the columns, as many as have room, each of them whole."""
    widest = max((len(label) for label in labels), default=1) * _DIGIT_PIXELS + 6
    step = next(s for s in (1, 2, 3, 4, 6, 7, 12, 14, 24, 10_000) if s * slot >= widest)
    for i, label in enumerate(labels):
        if i % step == 0:
            inside = drawing.width - len(label) * _DIGIT_PIXELS / 2
            middle = min(left + (i + 0.5) * slot, inside)
            drawing.append(_text(label, middle, y, "axis", "middle"))


def _scale(highest: int) -> tuple[int, ...]:
    """Three or four round numbers from 0 to at least the highest."""
    magnitude = 10 ** max(0, len(str(max(1, highest))) - 2)
    steps = (s * m for m in (magnitude, 10 * magnitude, 100 * magnitude) for s in (1, 2, 5))
    step = next(s for s in steps if 4 * s >= highest)
    return tuple(range(0, max(step, -(-highest // step) * step) + 1, step))


def _short(value: int) -> str:
    """A number of an axis in five characters: ``9000``, ``25k``, ``1.5M``."""
    if value < 10_000:
        return str(value)
    return f"{value / 1000:g}k" if value < 1_000_000 else f"{value / 1e6:g}M"


def _description(bar: Bar) -> str:
    people, share = bar.people, bar.people.compliance
    percent = "" if share is None else f", {100 * share:.0f} % of those known with mask"
    return (
        f"{bar.name}: {counted(people.total, 'person', 'people')}, {people.with_mask} mask, "
        f"{people.without_mask} no mask, {people.mask_weared_incorrect} incorrect, "
        f"{people.unsure} unsure{percent}"
    )


def _new_drawing(width: int, height: int, title: str) -> Any:
    import drawsvg

    drawing = drawsvg.Drawing(width, height, role="img", aria_label=title)
    drawing.svg_args["aria-label"] = drawing.svg_args.pop("aria_label", title)
    return drawing


def _rect(x: float, y: float, width: float, height: float, name: str) -> Any:
    import drawsvg

    sizes = (round(one, 2) for one in (x, y, width, height))
    return drawsvg.Rectangle(*sizes, class_=name)


def _text(text: str, x: float, y: float, name: str, anchor: str, size: int = _TEXT_PIXELS) -> Any:
    import drawsvg

    place = round(x, 1), round(y, 1)
    return drawsvg.Text(text, size, *place, class_=name, text_anchor=anchor)


def _svg(drawing: Any) -> str:
    """The drawing as an element of a page, as wide as there is room."""
    text: str = drawing.as_svg(header="", skip_css=True, skip_js=True)
    size = f'width="{drawing.width}" height="{drawing.height}" '
    return text.replace(size, "", 1)
