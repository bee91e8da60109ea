"""Panels over the picture: the keys, what a key has done, and why there is no signal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maskdet.drawing.status_text import AMBER, BRIGHT, Status, duration
from maskdet.drawing.text_renderer import TextRenderer


class Panels:
    """Draws panels onto a picture."""

    def __init__(self, renderer: TextRenderer) -> None:
        """Draws with that renderer, in the size that it has at the moment."""
        self._renderer = renderer

    def help(self, picture: np.ndarray, keys: Sequence[tuple[str, str]]) -> None:
        """Darkens a panel in the middle of the picture and lists the keys on it."""
        renderer = self._renderer
        column = max(renderer.width(key) for key, _ in keys) + renderer.size
        width = column + max(renderer.width(text) for _, text in keys) + 2 * renderer.size
        height = renderer.row * len(keys) + renderer.size
        x = max(0, (picture.shape[1] - width) // 2)
        y = max(0, (picture.shape[0] - height) // 2)
        panel = picture[y : y + height, x : x + width]
        panel[:] = panel // 6
        for i, (key, text) in enumerate(keys):
            baseline = y + round(renderer.row * (i + 1.05))
            renderer.write(picture, key, x + renderer.size, baseline, AMBER)
            renderer.write(picture, text, x + renderer.size + column, baseline, BRIGHT)

    def notice(self, picture: np.ndarray, text: str) -> None:
        """Shows a line at the lower edge of the picture."""
        renderer, pad = self._renderer, self._renderer.size // 2
        text = renderer.fitted(text, picture.shape[1] - 4 * pad)
        width, height = renderer.width(text) + 2 * pad, renderer.row + pad // 2
        x = max(0, (picture.shape[1] - width) // 2)
        y = max(0, picture.shape[0] - height - pad)
        panel = picture[y : y + height, x : x + width]
        panel[:] = panel // 6
        renderer.write(picture, text, x + pad, y + round(renderer.size * 1.25), BRIGHT)

    def no_signal(self, picture: np.ndarray, status: Status) -> None:
        """Darkens an old picture, so that nobody takes it for a live one, and says how old."""
        renderer = self._renderer
        picture[:] = picture // 3
        age = "" if status.age_ms is None else f" for {duration(status.age_ms / 1000)}"
        width, middle = picture.shape[1], picture.shape[0] // 2
        lines = [
            "no signal" + age,
            *(status.signal_loss_reason.split("; ") if status.signal_loss_reason else ()),
        ]
        for row, text in enumerate(lines):
            text = renderer.fitted(text, width - renderer.size)
            place = (width - renderer.width(text)) // 2, middle + row * renderer.row
            renderer.write(picture, text, *place, BRIGHT if row else AMBER)
