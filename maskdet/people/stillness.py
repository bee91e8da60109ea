"""Posters, screens and mannequins: faces that do not move for minutes."""

from __future__ import annotations

from dataclasses import dataclass

from maskdet.people.zones import Position

MOVED_WIDTHS = 0.2
"""Face widths beyond which a face has moved; nobody alive stays within it for minutes."""
GREW_SHARE = 0.15
"""Change of its size, as a share, likewise."""


@dataclass(eq=False)
class Stillness:
    """Since when a face has been where it is, in shares of the image's width."""

    _x: float = -1.0
    _y: float = -1.0
    _width: float = 1e-9
    _since: float = 0.0

    def seconds(self, position: Position, now: float) -> float:
        """Seconds for which the face has not moved, by its smoothed position."""
        x, y, width = position.x, position.y / position.aspect, position.width
        distance = ((x - self._x) ** 2 + (y - self._y) ** 2) ** 0.5
        if distance > MOVED_WIDTHS * self._width or abs(width / self._width - 1) > GREW_SHARE:
            self._x, self._y, self._width, self._since = x, y, width, now
        return now - self._since
