"""Settings of following people: memory, zones, lines."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import (
    Field,
    NonNegativeFloat,
    PositiveFloat,
    StringConstraints,
    field_validator,
    model_validator,
)

from maskdet.config import Settings
from maskdet.config_texts import OneLine
from maskdet.people.zones import MIN_AREA, Line, Point, Zone, area, crosses_itself

Points = tuple[tuple[float, float], ...]
Name = Annotated[OneLine, StringConstraints(strip_whitespace=True), Field(max_length=60)]


class PeopleSettings(Settings):
    """Settings of following people.

    Attributes:
        enabled: false: faces are counted frame by frame and nobody has a number.
        memory_seconds: without a detection, after which a person is gone.
        still_after: seconds without any movement after which a face is a poster or a screen, shown
            and not counted; None: never.
        zone_inertia: seconds that somebody must be inside a zone to enter, outside to leave.
    """

    enabled: bool = True
    memory_seconds: PositiveFloat = 2.0
    still_after: PositiveFloat | None = 180.0
    zone_inertia: NonNegativeFloat = 0.5


class _PlaceSettings(Settings):
    """A zone or line.

    Attributes:
        name: what counts and events call it.
        points: x and y of each, in shares of the image from its left top corner.
        source: name of the source that it is drawn in; None: all.
    """

    name: Name
    points: Points
    source: str | None = None

    @field_validator("points", mode="before")
    @classmethod
    def _pairs(cls, points: Any) -> Any:
        if isinstance(points, list | tuple) and not all(
            isinstance(point, list | tuple) and len(point) == 2 for point in points
        ):
            raise ValueError("expected x and y of each point: [[0.1, 0.2], [0.5, 0.2], …]")
        return points

    @field_validator("points")
    @classmethod
    def _inside_the_image(cls, points: Points) -> Points:
        for x, y in points:
            if not (0 <= x <= 1 and 0 <= y <= 1):
                raise ValueError(
                    f"the point [{x:g}, {y:g}] lies outside the picture; "
                    "points are shares of its width and height, 0 to 1"
                )
        if len(set(points)) < len(points):
            raise ValueError("two of its points are the same")
        return points


class ZoneSettings(_PlaceSettings):
    """A polygon in which people are counted."""

    @model_validator(mode="after")
    def _is_a_polygon(self) -> Self:
        if len(self.points) < 3:
            raise ValueError(f"zone '{self.name}' needs three points or more")
        if crosses_itself(self.points):
            raise ValueError(
                f"the lines of zone '{self.name}' cross each other; give its corners in order"
            )
        if area(self.points) < MIN_AREA:
            raise ValueError(f"zone '{self.name}' has no area: its corners lie on one line")
        return self

    def place(self) -> Zone:
        """The zone as the analysis takes it."""
        return Zone(self.name, self.points)


class LineSettings(_PlaceSettings):
    """A line over which people are counted; `in` is to the right of its direction."""

    @model_validator(mode="after")
    def _has_two_ends(self) -> Self:
        if len(self.points) != 2:
            raise ValueError(f"line '{self.name}' needs two points, its start and its end")
        return self

    def place(self) -> Line:
        """The line as the analysis takes it."""
        start, end = self.points
        return Line(self.name, _point(start), _point(end))


def check_names(kind: str, places: tuple[_PlaceSettings, ...]) -> None:
    """Refuses two places of one name in one image.

    Raises:
        ValueError: there are two.
    """
    for i, one in enumerate(places):
        for other in places[:i]:
            same_source = None in (one.source, other.source) or one.source == other.source
            if one.name == other.name and same_source:
                raise ValueError(f"two {kind} are named '{one.name}'; give each its own name")


def _point(pair: tuple[float, float]) -> Point:
    return pair[0], pair[1]
