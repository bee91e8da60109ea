"""Zones and lines, drawn with the people in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np

from maskdet.drawing.label_placement import place_name
from maskdet.drawing.status_text import AMBER, BRIGHT
from maskdet.drawing.text_renderer import TextRenderer
from maskdet.observation import PeopleCounts, Shape

_INK = (0, 0, 0)
_ZONE, _LINE = (235, 170, 60), (200, 90, 220)  # BGR


class ZoneRenderer:
    """Draws zones and lines onto an image."""

    def __init__(self, renderer: TextRenderer) -> None:
        """Draws with that renderer, in the size that it has at the moment."""
        self._renderer = renderer

    def draw(
        self,
        image: np.ndarray,
        shapes: Sequence[Shape],
        counts: PeopleCounts | None,
        faces: np.ndarray,
    ) -> np.ndarray:
        """Draws outlines, and names and counts beside the faces.

        Args:
            image: BGR uint8 (height, width, 3), drawn on.
            shapes: in shares of that image.
            counts: of the people in the zones and over the lines, if known.
            faces: int boxes (N, 4) in pixels, which no name covers.

        Returns:
            Boxes (N, 4) of the names.
        """
        for shape in shapes:
            points = _pixels(shape.points, image)
            self._outline(image, points, closed=shape.is_zone)
            if not shape.is_zone:
                self._arrow(image, points)
        names = np.zeros((0, 4), int)
        for shape in shapes:
            count = count_text(shape, counts)
            texts = [f"{shape.name}: {count}", count] if count else [shape.name]
            box = self._name(image, shape, texts, np.vstack([faces, names]))
            names = np.vstack([names, box])
        return names

    def draft(
        self, image: np.ndarray, points: Sequence[tuple[float, float]], *, is_zone: bool
    ) -> None:
        """Draws what is being drawn: corners so far, the pointer's place last.

        Args:
            image: BGR uint8 (height, width, 3), drawn on.
            points: in shares of that image.
            is_zone: whether it becomes a polygon.
        """
        corners = _pixels(points, image)
        self._outline(image, corners, closed=is_zone and len(corners) > 2, color=AMBER)
        for x, y in corners.tolist():
            cv2.circle(image, (x, y), self._renderer.size // 4, _INK, cv2.FILLED)
            cv2.circle(image, (x, y), max(2, self._renderer.size // 5), AMBER, cv2.FILLED)

    def _outline(
        self,
        image: np.ndarray,
        points: np.ndarray,
        *,
        closed: bool,
        color: tuple[int, int, int] | None = None,
    ) -> None:
        stroke = max(1, self._renderer.stroke - 1)
        shown = color or (_ZONE if closed else _LINE)
        for ink, thickness in ((_INK, stroke + 2), (shown, stroke)):
            cv2.polylines(image, [points], closed, ink, thickness, cv2.LINE_AA)

    def _arrow(self, image: np.ndarray, points: np.ndarray) -> None:
        """Shows on which side of a line `in` is."""
        start, end = points[0].astype(float), points[-1].astype(float)
        along = end - start
        length = max(float(np.hypot(*along)), 1.0)
        across = np.array([-along[1], along[0]]) / length  # to the right hand; y goes down
        middle = (start + end) / 2
        tip = middle + across * self._renderer.size * 1.5
        tail, head = (np.round(point).astype(int).tolist() for point in (middle, tip))
        stroke = max(1, self._renderer.stroke - 1)
        for ink, thickness in ((_INK, stroke + 2), (_LINE, stroke)):
            cv2.arrowedLine(image, tail, head, ink, thickness, cv2.LINE_AA, tipLength=0.35)

    def _name(
        self, image: np.ndarray, shape: Shape, texts: Sequence[str], taken: np.ndarray
    ) -> np.ndarray:
        """Writes the first of the texts that has room beside what is taken; returns its box."""
        renderer, pad = self._renderer, self._renderer.size // 3
        points = _pixels(shape.points, image)
        for text in texts:
            if text == texts[-1]:
                text = renderer.fitted(text, image.shape[1] - 2 * pad)
            width, height = renderer.width(text) + 2 * pad, renderer.row
            corners = _name_corners(points, (width, height), is_zone=shape.is_zone)
            at = place_name(corners, (width, height), taken, image.shape[1::-1])
            if at is not None:
                x, y = at
                panel = image[y : y + height, x : x + width]
                panel[:] = panel // 4
                renderer.write(image, text, x + pad, y + round(renderer.size * 1.15), BRIGHT)
                return np.array([[x, y, x + width, y + height]])
        return np.zeros((0, 4), int)


def _name_corners(
    points: np.ndarray, size: tuple[int, int], *, is_zone: bool
) -> list[tuple[int, int]]:
    """Top left corners at which a name is seen to belong to its shape, best first."""
    width, height = size
    first = (int(points[0][0]), int(points[0][1]))
    if not is_zone:
        ends = [*points.tolist(), points.mean(axis=0).astype(int).tolist()]
        rows = [(x - at, y) for x, y in ends for at in (0, width)]
        return [first, *rows, *((x, y - height) for x, y in rows)]
    (x1, y1), (x2, y2) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    columns, inner = (x1, x2 - width), (y1, y2 - height)
    return [first, *((x, y) for y in (*inner, y1 - height, y2) for x in columns)]


def _pixels(points: Sequence[tuple[float, float]], image: np.ndarray) -> np.ndarray:
    size = np.array([image.shape[1] - 1, image.shape[0] - 1])
    return np.round(np.asarray(points, float).reshape(-1, 2) * size).astype(np.int32)


def count_text(shape: Shape, counts: PeopleCounts | None) -> str:
    """``3`` people in a zone, ``in 4, out 1`` over a line; empty where nobody is counted.

    A dash stands for the people in a zone in which nobody has been counted yet.
    """
    if counts is None:
        return ""
    if shape.is_zone:
        people = counts.zones.get(shape.name)
        return "–" if people is None else str(_total(people))
    ways = counts.crossings.get(shape.name, {})
    return f"in {_total(ways.get('in', {}))}, out {_total(ways.get('out', {}))}"


def _total(by_state: Mapping[str, int]) -> int:
    return sum(by_state.values())
