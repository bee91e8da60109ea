"""Zones and lines in an image: who is in which, who crossed which.

Places are in shares of the image, so that another resolution of the same camera keeps them. A
zone is entered and left with inertia. A line is crossed when a face is clearly on its other side,
whatever lies between two frames, and a person counts once in each direction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from maskdet.observation import Shape

Point = tuple[float, float]
Direction = Literal["in", "out"]

MIN_AREA = 1e-5
"""Share of the image; a smaller zone holds nobody, as its corners lie on one line."""
LINE_MARGIN = 0.25
"""Face widths beside a line within which a face is on neither side."""


class Position(NamedTuple):
    """Where a face is in an image.

    Attributes:
        x: center, in shares of the image's width.
        y: center, in shares of the image's height.
        width: of the face, in shares of the image's width.
        aspect: width of the image over its height.
    """

    x: float
    y: float
    width: float
    aspect: float


@dataclass(frozen=True)
class Zone:
    """A polygon.

    Attributes:
        name: unique among zones.
        points: corners in order, x and y in shares of the image's width and height.
    """

    name: str
    points: tuple[Point, ...]

    def contains(self, x: float, y: float) -> bool:
        """Whether a point, in shares of the image, lies inside."""
        inside = False
        for (x1, y1), (x2, y2) in zip(self.points, (*self.points[1:], self.points[0]), strict=True):
            if (y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
                inside = not inside
        return inside


@dataclass(frozen=True)
class Line:
    """A line segment; a person who crosses it toward the right hand of its direction goes `in`.

    Drawn from left to right, `in` is downwards: toward the camera.

    Attributes:
        name: unique among lines.
        start: x and y in shares of the image's width and height.
        end: likewise.
    """

    name: str
    start: Point
    end: Point


@dataclass(eq=False)
class ZonePresence:
    """Whether one person is in one zone.

    Attributes:
        inside: after inertia.
        since: time at which the person entered, or left, seconds: the border was crossed then.
    """

    inside: bool = False
    since: float = 0.0
    _differs: float | None = None

    def update(self, found: bool, now: float, inertia: float) -> Literal["", "entered", "left"]:
        """Takes a position in.

        Args:
            found: whether the face is in the zone at this frame.
            now: time of the frame, seconds.
            inertia: seconds that a face must be on the other side of the border.
        """
        if found == self.inside:
            self._differs = None
            return ""
        if self._differs is None:
            self._differs = now
        if now - self._differs < inertia:
            return ""
        self.inside = found
        self.since, self._differs = self._differs, None
        return "entered" if found else "left"


@dataclass(eq=False)
class LineCrossing:
    """On which side of one line a person is, and which ways the person has crossed.

    Attributes:
        crossed: directions that were counted.
    """

    crossed: set[Direction] = field(default_factory=set)
    _settled: Point | None = None

    def update(self, line: Line, position: Position) -> Direction | None:
        """Takes a position in.

        Returns:
            The direction in which the line was crossed for the first time.
        """
        x, y, width, aspect = position
        start, end, here = (_square(p, aspect) for p in (line.start, line.end, (x, y)))
        distance = _side(start, end, here)
        if abs(distance) < LINE_MARGIN * width:
            return None
        before, self._settled = self._settled, (x, y)
        if before is None:
            return None
        there = _square(before, aspect)
        if _side(start, end, there) * distance > 0 or not _spans(there, here, start, end):
            return None
        direction: Direction = "in" if distance > 0 else "out"
        if direction in self.crossed:
            return None
        self.crossed.add(direction)
        return direction


def shapes_of(zones: Sequence[Zone], lines: Sequence[Line]) -> tuple[Shape, ...]:
    """Zones and lines as they are drawn."""
    return (
        *(Shape(zone.name, zone.points, True) for zone in zones),
        *(Shape(line.name, (line.start, line.end), False) for line in lines),
    )


def crosses_itself(points: Sequence[Point]) -> bool:
    """Whether two sides of a polygon that are not neighbors meet."""
    count = len(points)
    sides = [(points[i], points[(i + 1) % count]) for i in range(count)]
    for i in range(count):
        for j in range(i + 2, count):
            if (i, j) != (0, count - 1) and _meet(*sides[i], *sides[j]):
                return True
    return False


def area(points: Sequence[Point]) -> float:
    """Area of a polygon, as a share of the image."""
    twice = sum(
        x1 * y2 - x2 * y1
        for (x1, y1), (x2, y2) in zip(points, (*points[1:], points[0]), strict=True)
    )
    return abs(twice) / 2


def _square(point: Point, aspect: float) -> Point:
    """A point in units of the image's width along both axes."""
    return point[0], point[1] / aspect


def _side(start: Point, end: Point, point: Point) -> float:
    """Signed distance of a point from the line; above 0 on its right hand (y goes down)."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = (dx * dx + dy * dy) ** 0.5 or 1.0
    return (dx * (point[1] - start[1]) - dy * (point[0] - start[0])) / length


def _spans(there: Point, here: Point, start: Point, end: Point) -> bool:
    """Whether the ends of a segment lie on different sides of a way, or on it."""
    return _side(there, here, start) * _side(there, here, end) <= 0


def _meet(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether segments a-b and c-d have a point in common."""
    return (
        _side(a, b, c) * _side(a, b, d) <= 0
        and _side(c, d, a) * _side(c, d, b) <= 0
        and not (_side(a, b, c) == 0 and _side(a, b, d) == 0 and not _overlap(a, b, c, d))
    )


def _overlap(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether two segments of one straight line share a point."""
    return all(
        max(min(a[k], b[k]), min(c[k], d[k])) <= min(max(a[k], b[k]), max(c[k], d[k]))
        for k in (0, 1)
    )
