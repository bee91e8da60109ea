"""Panels over the image: the keys, what a key has done, and why there is no signal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maskdet.drawing.status_text import AMBER, BRIGHT, RED, Status, duration
from maskdet.drawing.text_renderer import TextRenderer

KEYS = (
    ("q / Esc", "quit"),
    ("space", "pause"),
    (".  ,", "one frame on, back"),
    ("← →", "5 s, or one picture, back, on"),
    ("s", "snapshot"),
    ("r", "record on / off"),
    ("b", "blur on / off"),
    ("f", "full screen on / off"),
    ("p", "people on / off"),
    ("z  l", "draw a zone, a line"),
    ("x", "remove the zone or line at the mouse"),
    ("h", "help"),
)
"""The keys of the window, for its help panel."""
_MIN_HELP_TEXT = 8
"""Pixels of the smallest text of the list of keys."""


def alarm_height(text: int) -> int:
    """Height of the line with open alarms at an image's lower edge, for that size of text."""
    return round(text * 1.5) + max(2, text // 5)


class Panels:
    """Draws panels onto an image."""

    def __init__(self, renderer: TextRenderer) -> None:
        """Draws with that renderer, in the size that it has at the moment."""
        self._renderer = renderer

    def help(self, image: np.ndarray, keys: Sequence[tuple[str, str]]) -> None:
        """Darkens a panel in the middle of the image and lists the keys on it.

        In a small image the text is as small as the whole list needs.
        """
        renderer, size = self._renderer, self._renderer.size
        width, height = self._help_size(keys)
        while renderer.size > _MIN_HELP_TEXT and (
            height > image.shape[0] or width > image.shape[1]
        ):
            renderer.fit(image.shape[1], image.shape[0], renderer.size - 1)
            width, height = self._help_size(keys)
        column = self._key_column(keys)
        x = max(0, (image.shape[1] - width) // 2)
        y = max(0, (image.shape[0] - height) // 2)
        panel = image[y : y + height, x : x + width]
        panel[:] = panel // 6
        for i, (key, text) in enumerate(keys):
            baseline = y + round(renderer.row * (i + 1.05))
            renderer.write(image, key, x + renderer.size, baseline, AMBER)
            renderer.write(image, text, x + renderer.size + column, baseline, BRIGHT)
        renderer.fit(image.shape[1], image.shape[0], size)

    def _help_size(self, keys: Sequence[tuple[str, str]]) -> tuple[int, int]:
        """(width, height) of the list of keys in the renderer's size, pixels."""
        renderer = self._renderer
        texts = max(renderer.width(text) for _, text in keys)
        width = self._key_column(keys) + texts + 2 * renderer.size
        return width, renderer.row * len(keys) + renderer.size

    def _key_column(self, keys: Sequence[tuple[str, str]]) -> int:
        return max(self._renderer.width(key) for key, _ in keys) + self._renderer.size

    def notice(self, image: np.ndarray, text: str) -> None:
        """Shows a text at the lower edge of the image, in as many lines as it needs."""
        renderer, pad = self._renderer, self._renderer.size // 2
        lines = renderer.wrapped(text, image.shape[1] - 4 * pad)
        width = max(map(renderer.width, lines), default=0) + 2 * pad
        height = renderer.row * len(lines) + pad // 2
        x = max(0, (image.shape[1] - width) // 2)
        y = max(0, image.shape[0] - height - pad)
        panel = image[y : y + height, x : x + width]
        panel[:] = panel // 6
        for row, line in enumerate(lines):
            baseline = y + round(renderer.size * 1.25) + row * renderer.row
            renderer.write(image, line, x + pad, baseline, BRIGHT)

    def alarm(self, image: np.ndarray, rules: Sequence[str]) -> None:
        """Frames the image, and names the rules with an open alarm at its lower edge."""
        renderer, stroke = self._renderer, max(2, self._renderer.size // 5)
        text = renderer.fitted("▲ " + ", ".join(rules), image.shape[1] - 2 * renderer.size)
        if text and image.shape[0] >= 3 * renderer.row:
            top = image.shape[0] - alarm_height(renderer.size)
            strip = image[top:]
            strip[:] = strip // 6
            renderer.write(image, text, renderer.size, top + round(renderer.size * 1.05), RED)
        for edge in (image[:stroke], image[-stroke:], image[:, :stroke], image[:, -stroke:]):
            edge[:] = RED

    def no_signal(self, image: np.ndarray, status: Status) -> None:
        """Darkens an old image, so that nobody takes it for a live one, and shows how old it is."""
        renderer = self._renderer
        image[:] = image // 3
        age = "" if status.age_ms is None else f" for {duration(status.age_ms / 1000)}"
        width, middle = image.shape[1], image.shape[0] // 2
        lines = [
            "no signal" + age,
            *(status.signal_loss_reason.split("; ") if status.signal_loss_reason else ()),
        ]
        lines = [part for line in lines for part in renderer.wrapped(line, width - renderer.size)]
        middle -= max(0, len(lines) - 3) * renderer.row // 2
        for row, text in enumerate(lines):
            place = (width - renderer.width(text)) // 2, middle + row * renderer.row
            renderer.write(image, text, *place, BRIGHT if row else AMBER)
