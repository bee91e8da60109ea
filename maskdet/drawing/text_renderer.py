"""Text and state marks drawn with OpenCV's built-in font, in sizes that can be read."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from functools import lru_cache

import cv2
import numpy as np

from maskdet.detections import MaskState
from maskdet.drawing.styles import STYLES, Color
from maskdet.drawing.text_shaping import drawable, visual_order

MIN_SCREEN_TEXT = 16
"""Pixels of text on a screen, at least: its capital letters are then 12 pixels high."""
_MIN_TEXT = 11
_ADDRESS = re.compile(r"[a-z]+://(?:[^/@]*@)?([^/:]+)(?::[0-9]+)?")
"""An address's beginning; its host is a group."""
_MIN_END = 10
"""Letters of a file's end that are kept before any of its beginning."""
_MIN_PATH = 5
"""Letters of an address's end that are kept before any of its host."""


class TextRenderer:
    """Writes with OpenCV's built-in font.

    Attributes:
        size: of the text, pixels.
        stroke: width of a box's lines, pixels.
        row: height of a line of text, pixels.
    """

    def __init__(self) -> None:
        self._font = cv2.FontFace("sans")
        self.has_glyph = lru_cache(4096)(self._look_up_glyph)
        self._ready = lru_cache(4096)(lambda text: visual_order(drawable(text, self.has_glyph)))
        self._measure = lru_cache(4096)(self._measure_text)
        self.fit(0, 0)

    def fit(self, width: int, height: int, text: int | None = None) -> None:
        """Chooses sizes for an image of that size.

        Args:
            width: of the image, pixels.
            height: of the image, pixels.
            text: size of the text, where it is not to follow the image's.
        """
        short = min(width, height * 4 / 3)
        self.size = text or text_size(width, height)
        self.stroke = max(2, round(short / 400))
        self.row = round(self.size * 1.5)

    def width(self, text: str) -> int:
        """Width of a text, in pixels."""
        return self._measure(text, self.size)

    def fitted(self, text: str, width: int) -> str:
        """The text, its end cut off with an ellipsis where it is wider than that."""
        if self.width(text) <= width:
            return text
        ends = range(1, len(text) + 1)
        kept = bisect_right(ends, width, key=lambda end: self.width(text[:end] + "…"))
        return text[:kept] + "…" if kept else ""

    def fitted_name(self, name: str, width: int) -> str:
        """A camera's name, its middle cut out with an ellipsis where it is wider than that.

        Addresses and paths begin alike: without their ends, nobody knows one from the other.
        """
        if self.width(name) <= width:
            return name
        address = _ADDRESS.match(name)
        host = address[1] if address else ""
        name = host + name[address.end() :] if address else name
        if self.width(name) <= width:
            return name

        def shortened(kept: int) -> str:
            head = min(len(host), kept - _MIN_PATH) if host else (kept - _MIN_END) // 2
            head = max(0, head)
            return f"{name[:head]}…{name[head - kept :]}"

        lengths = range(2, len(name))
        fitting = bisect_right(lengths, width, key=lambda kept: self.width(shortened(kept)))
        if fitting:
            return shortened(lengths[fitting - 1])
        return self.fitted(name, width)

    def wrapped(self, text: str, width: int) -> list[str]:
        """The text in lines of that width, broken between words."""
        lines: list[str] = []
        for word in text.split():
            longer = f"{lines[-1]} {word}" if lines else ""
            if lines and self.width(longer) <= width:
                lines[-1] = longer
            else:
                lines.append(word)
        return [self.fitted(line, width) for line in lines]

    def write(self, canvas: np.ndarray, text: str, x: int, baseline: int, color: Color) -> None:
        """Draws one line of text."""
        ready = self._ready(text)
        cv2.putText(canvas, ready, (x, baseline), color, self._font, self.size, 500)

    def mark(
        self, canvas: np.ndarray, state: MaskState, x: int, baseline: int, color: Color
    ) -> None:
        """Draws a state's mark, as high as a capital letter."""
        side, bits = self.size * 0.72, 4  # fixed-point coordinates: smooth at any size
        corner = (x, baseline - side)
        lines = [np.array(line) * side + corner for line in STYLES[state].mark]
        fixed = [np.round(line * (1 << bits)).astype(np.int32) for line in lines]
        cv2.polylines(canvas, fixed, False, color, max(2, self.size // 7), cv2.LINE_AA, bits)

    def _look_up_glyph(self, char: str) -> bool:
        if unicodedata.category(char) == "Cs":  # half a pair, on which OpenCV crashes
            return False
        return self._bitmap(char) != self._bitmap("?")  # what OpenCV puts for a missing glyph

    def _bitmap(self, char: str) -> bytes:
        canvas = np.zeros((32, 64), np.uint8)
        cv2.putText(canvas, char, (8, 24), (255,), self._font, 20, 400)
        return canvas.tobytes()

    def _measure_text(self, text: str, size: int) -> int:
        return int(cv2.getTextSize((0, 0), self._ready(text), (0, 0), self._font, size, 500)[2])


def text_size(width: int, height: int, *, least: int = _MIN_TEXT) -> int:
    """Pixels of the text that suits an image of that size."""
    return max(least, round(4 + min(width, height * 4 / 3) / 68))


def missing_letters(text: str) -> str:
    """Those letters of a text that the font lacks; they are drawn as ``□``."""
    renderer = TextRenderer()
    return "".join(letter for letter in text if not renderer.has_glyph(letter))
