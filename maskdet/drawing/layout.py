"""Places of the images in the window, and the size that the window needs for them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from maskdet.drawing.side_panel import is_panel_legible, panel_height, panel_width
from maskdet.drawing.status_text import bar_height, widest_text
from maskdet.drawing.text_renderer import MIN_SCREEN_TEXT, text_size

Size = tuple[int, int]
"""(width, height) in pixels."""

_MIN_TILE_WIDTH = 400
"""Of the window, so that its bar can be read above an image that is narrower."""
_ENLARGED_WIDTH = 960
"""An image that is narrower is shown larger, up to this width …"""
_ENLARGED_SHARE = 0.75
"""… or, on a large screen, this share of the box's width."""
_MAX_GRID_TEXT = 18
"""Of several images, unless each is so wide that its bar has room for larger text."""
_MIN_IMAGE_WIDTH = 4
"""Of an image in a grid beside the panel, in sizes of the text: a narrower one has no room for its
name."""


@dataclass(frozen=True)
class Place:
    """Where one source's image stands, its bar included."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Layout:
    """A window's division.

    Attributes:
        size: of the whole.
        text: size of all its text.
        top: height of the bar of totals; 0 for a single source.
        places: one for each source, all of the same size.
    """

    size: Size
    text: int
    top: int
    places: tuple[Place, ...]


def arrange(images: Sequence[Size], size: Size) -> Layout:
    """Divides a window of that size, so that the images become as large as can be.

    Args:
        images: size of each source's image.
        size: of the window.
    """
    count, (width, height) = len(images), size
    text = _text(count, size)
    top = _top(count, text)
    columns = max(range(1, count + 1), key=lambda c: _shown(images, c, size, text))
    rows = math.ceil(count / columns)
    cell = max(1, width // columns), max(1, (height - top) // rows)
    places = []
    for i in range(count):
        row, column = divmod(i, columns)
        in_row = min(columns, count - row * columns)
        left = (width - in_row * cell[0]) // 2  # a last row that is not full stands in the middle
        places.append(Place(left + column * cell[0], top + row * cell[1], *cell))
    return Layout(size, text, top, tuple(places))


def panel_margins(images: Sequence[Size], size: Size, text: int) -> tuple[int, int]:
    """Pixels at the right and at the bottom of a window that the side panel takes.

    One of them is 0: it stands beside the images, or below them where they are larger then. Where
    several images would be too small to be of use, the panel has all of the window but its bar.
    Both are 0 where the panel could not be read, or would leave nothing of a single image.

    Args:
        images: size of each source's image.
        size: of the window.
        text: size of its text, pixels.
    """
    width, height = size
    beside, below = panel_width(width, text), panel_height(size, text)
    counts = range(1, len(images) + 1)

    def shown(right: int, bottom: int) -> float:
        if len(images) == 1:  # its bar is as wide as the window
            return _scale(images[0], (width - right, height - bottom - bar_height(width, text)))
        rest = width - right, height - bottom
        return max(_shown(images, columns, rest, text) for columns in counts)

    is_single = len(images) == 1
    top = bar_height(width, text) if is_single else _top(len(images), text)
    is_beside = shown(beside, 0) >= shown(0, below)
    right, bottom = (beside, 0) if is_beside else (0, below)
    if is_single:
        rest = width - right, height - bottom - top
        image_width = images[0][0] * _scale(images[0], rest)
        if not is_beside:  # what the image leaves free is the panel's
            bottom = max(bottom, height - top - math.ceil(images[0][1] * width / images[0][0]))
    else:
        image_width = _usual_width(images, (width - right, height - bottom))
    panel = (right, height - top) if is_beside else (width, bottom)
    if image_width >= _MIN_IMAGE_WIDTH * text and is_panel_legible(panel, text):
        return right, bottom
    if is_single or not is_panel_legible((width, height - top), text):
        return 0, 0
    return 0, height - top


def window_size(images: Sequence[Size], box: Size) -> Size:
    """The size of a window that has the images' aspect and fits into a box.

    Args:
        images: size of each source's image.
        box: (width, height) that the window may have.
    """
    count = len(images)
    sizes = {columns: _size_for(images, columns, box) for columns in range(1, count + 1)}
    best = max(sizes, key=lambda c: _shown(images, c, sizes[c], _text(count, sizes[c])))
    return sizes[best]


def _size_for(images: Sequence[Size], columns: int, box: Size) -> Size:
    """The window's size with so many columns."""
    count = len(images)
    aspect = median(width / height for width, height in images)
    rows = math.ceil(count / columns)
    text = _text(count, box)
    width = box[0] / columns
    if count == 1:
        width = min(width, max(images[0][0], _ENLARGED_WIDTH, _ENLARGED_SHARE * width))
    for _ in range(3):  # the bar's height follows from the width, and the width from that
        shape = round(width * columns), box[1]
        text = _text(count, (shape[0], min(box[1], round(width / aspect * rows))))
        bar = bar_height(max(round(width), _MIN_TILE_WIDTH), text, compact=count > 1)
        room = (box[1] - _top(count, text)) / rows - bar
        width = min(width, max(1.0, room * aspect))
    whole = max(int(width) * columns, min(_MIN_TILE_WIDTH, box[0]))
    height = rows * (width / aspect + bar) + _top(count, text)
    for _ in range(3):
        text = _text(count, (whole, round(height)))
        bar = bar_height(whole // columns, text, compact=count > 1)
        height = rows * (round(width / aspect) + bar) + _top(count, text)
    return whole, min(box[1], max(round(height), bar + 1))


def _shown(images: Sequence[Size], columns: int, size: Size, text: int) -> float:
    """Pixels of all images together, with so many columns."""
    count = len(images)
    rows = math.ceil(count / columns)
    width = size[0] / columns
    bar = bar_height(round(width), text, compact=count > 1)
    height = (size[1] - _top(count, text)) / rows - bar
    if height <= 0:
        return 0.0
    room = width, height
    return sum(_scale(image, room) ** 2 * image[0] * image[1] for image in images)


def _usual_width(images: Sequence[Size], size: Size) -> float:
    """Median width of several images in a window of that size, one of which may be a slit."""
    layout = arrange(images, size)
    cell = layout.places[0]
    room = cell.width, cell.height - bar_height(cell.width, layout.text, compact=True)
    return median(_scale(image, room) * image[0] for image in images)


def _scale(image: Size, room: tuple[float, float]) -> float:
    """Factor by which an image fills a room, its aspect kept; 0 where there is none."""
    return max(0.0, min(room[0] / image[0], room[1] / image[1]))


def _text(count: int, size: Size) -> int:
    text = text_size(*size, least=MIN_SCREEN_TEXT)
    if count > 1:
        columns = math.ceil(math.sqrt(count))
        return min(text, max(_MAX_GRID_TEXT, widest_text(size[0] // columns)))
    return min(text, max(MIN_SCREEN_TEXT, widest_text(size[0])))


def _top(count: int, text: int) -> int:
    return round(text * 1.5) if count > 1 else 0
