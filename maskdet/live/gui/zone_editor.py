"""Zones and lines drawn with the mouse: corners are clicked, the result is kept in a file."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from maskdet.config_editing import append_item, item_names, remove_items
from maskdet.errors import ConfigError
from maskdet.observation import Shape
from maskdet.people.zones import MIN_AREA, Line, Point, Zone, area, crosses_itself, shapes_of

Kind = Literal["zone", "line"]
_MIN_SIDE = 0.01
"""Share of the image; nearer clicks are one, as a hand shakes."""


@dataclass
class SourcePlaces:
    """Zones and lines of one source.

    Attributes:
        name: of the source.
        zones: as they are now.
        lines: likewise.
        apply: takes them for the frames that come.
    """

    name: str
    apply: Callable[[Sequence[Zone], Sequence[Line]], None]
    zones: list[Zone] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)


class ZoneEditor:
    """The zone or line under way, and the effect of keys and clicks on it; draws nothing itself.

    Attributes:
        kind: what is being drawn; None: nothing.
        source: name of the source that the first corner was clicked in.
        points: corners so far, in shares of that source's image.
        changed: zones and lines of the sources in which some came or went, by the source's name;
            who has shown them empties it.
    """

    def __init__(
        self, places: Sequence[SourcePlaces], settings_file: Path | None, *, enabled: bool = True
    ) -> None:
        """Draws nothing yet.

        Args:
            places: of every source.
            settings_file: where zones and lines are kept; None: they last as long as the run.
            enabled: whether people are followed; without, zones count nobody.
        """
        self.kind: Kind | None = None
        self.source = ""
        self.points: list[Point] = []
        self.changed: dict[str, tuple[Shape, ...]] = {}
        self._places = {one.name: one for one in places}
        self._file = settings_file
        self._enabled = enabled

    def follow(self, places: Sequence[SourcePlaces]) -> None:
        """Takes other sources: some were added or removed."""
        self._places = {one.name: one for one in places}
        if self.source and self.source not in self._places:
            self.kind, self.points, self.source = None, [], ""

    def begin(self, kind: Kind) -> str:
        """Starts a zone or a line; returns what to do next, for the screen."""
        if not self._enabled:
            return "zones need people.enabled: true in the settings"
        if self.kind is not None:
            return self.cancel()
        self.kind, self.points, self.source = kind, [], ""
        if kind == "zone":
            return "zone: click its corners, enter closes it, esc cancels"
        return "line: click its two ends; people who cross it toward the arrow go in"

    def cancel(self) -> str:
        """Forgets what was being drawn."""
        self.kind, self.points = None, []
        return "nothing drawn"

    def click(self, source: str, point: Point) -> str:
        """A corner; returns what to do next, for the screen."""
        if self.kind is None:
            return ""
        if self.points and source != self.source:
            return f"this {self.kind} is in {self.source}; esc cancels"
        if self.points and _distance(self.points[-1], point) < _MIN_SIDE:
            return self.finish() if self.kind == "zone" else ""
        self.source = source
        self.points.append((round(point[0], 4), round(point[1], 4)))
        if self.kind == "line" and len(self.points) == 2:
            return self.finish()
        left = "enter closes it" if len(self.points) > 2 else "go on"
        return f"corner {len(self.points)}; {left}, esc cancels"

    def finish(self) -> str:
        """Closes a zone or line and keeps it; returns what came of it, for the screen."""
        if self.kind is None:
            return ""
        if len(self.points) < (3 if self.kind == "zone" else 2):
            return "a zone needs three corners" if self.kind == "zone" else "a line needs two ends"
        if self.kind == "zone" and crosses_itself(self.points):
            self.points = []
            return "the sides of a zone may not cross; click its corners in order"
        if self.kind == "zone" and area(self.points) < MIN_AREA:
            self.points = []
            return "the corners of a zone may not lie on one line; click them again"
        kind, places = self.kind, self._places[self.source]
        name = self._free_name(kind)
        if kind == "zone":
            places.zones.append(Zone(name, tuple(self.points)))
        else:
            places.lines.append(Line(name, self.points[0], self.points[1]))
        self._apply(places)
        points, self.kind, self.points = self.points, None, []
        return f"{name}: {self._keep(kind, name, points)}"

    def remove(self, source: str, point: Point) -> str:
        """Takes away the zone around a point, or the line nearest to it.

        One that every source has goes from all of them.
        """
        places = self._places.get(source)
        if places is None:
            return "point at a zone or line to remove it"
        zone = next((z for z in reversed(places.zones) if z.contains(*point)), None)
        near = min(places.lines, key=lambda line: _from_line(line, point), default=None)
        if zone is None and (near is None or _from_line(near, point) >= 5 * _MIN_SIDE):
            return "point at a zone or line to remove it"
        every = list(self._places.values())
        is_shared = all(zone in one.zones if zone else near in one.lines for one in every)
        for one in every if is_shared else [places]:
            if zone is not None:
                one.zones.remove(zone)
            elif near is not None:
                one.lines.remove(near)
            self._apply(one)
        removed = zone or near
        assert removed is not None
        kind = "line" if zone is None else "zone"
        return f"{removed.name} removed{self._forget(kind, removed.name, source)}"

    def _apply(self, places: SourcePlaces) -> None:
        places.apply(tuple(places.zones), tuple(places.lines))
        self.changed[places.name] = shapes_of(places.zones, places.lines)

    def _keep(self, kind: Kind, name: str, points: Sequence[Point]) -> str:
        if self._file is None:
            return "for this run only; start with --config FILE to keep it"
        item: dict[str, object] = {"name": name, "points": [list(point) for point in points]}
        if len(self._places) > 1:
            item["source"] = self.source
        try:
            append_item(self._file, f"{kind}s", item)
        except ConfigError as error:
            return f"for this run only: {error}"
        return f"kept in {self._file.name}"

    def _forget(self, kind: str, name: str, source: str) -> str:
        """Takes a place out of the file: the one of that source, or else that of all."""
        if self._file is None:
            return ""
        try:
            found = any(
                remove_items(self._file, f"{kind}s", {"name": name, "source": owner})
                for owner in (source, None)
            )
        except ConfigError as error:
            return f" for this run only: {error}"
        return f", from {self._file.name} too" if found else ""

    def _free_name(self, kind: Kind) -> str:
        names = {zone.name for one in self._places.values() for zone in one.zones}
        names |= {line.name for one in self._places.values() for line in one.lines}
        if self._file is not None:  # it may have some of a source that was removed
            with contextlib.suppress(ConfigError):
                names |= item_names(self._file, f"{kind}s")
        number = 1
        while f"{kind} {number}" in names:
            number += 1
        return f"{kind} {number}"


def _distance(a: Point, b: Point) -> float:
    return max(abs(a[0] - b[0]), abs(a[1] - b[1]))


def _from_line(line: Line, point: Point) -> float:
    """Distance of a point from a line's segment, in shares of the image."""
    (x1, y1), (x2, y2) = line.start, line.end
    dx, dy = x2 - x1, y2 - y1
    along = ((point[0] - x1) * dx + (point[1] - y1) * dy) / ((dx * dx + dy * dy) or 1.0)
    along = min(1.0, max(0.0, along))
    return _distance((x1 + along * dx, y1 + along * dy), point)
