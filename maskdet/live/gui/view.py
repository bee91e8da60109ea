"""The view that the user of the window has chosen."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Draft:
    """A zone or line that is being drawn.

    Attributes:
        source: name of the source that it is in.
        points: corners so far and the mouse's place, in shares of the image.
        is_zone: whether it becomes a polygon.
    """

    source: str
    points: tuple[tuple[float, float], ...]
    is_zone: bool


@dataclass
class View:
    """The user's choices of what to see.

    Attributes:
        paused: the image is held.
        help: the keys are listed.
        blur: faces are unrecognizable.
        strict: faces are covered already, before they come here, and stay so.
        changed: something of that has changed since it was drawn.
        draft: a zone or line that is being drawn; None: none is.
        panel: the side panel with the people of the last hour is shown.
    """

    paused: bool = False
    help: bool = False
    blur: bool = False
    strict: bool = False
    changed: bool = True
    draft: Draft | None = None
    panel: bool = False
