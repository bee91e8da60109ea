"""COCO's annotations: boxes, outlines, masks and turned boxes, each as an upright box."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from maskdet.datasets.builder import DatasetBuilder, Labeled, turned_corners
from maskdet.errors import DatasetError

MIN_POINTS = 3
"""Points that an outline has at least."""
BOX_VALUES = 4
MIN_BOXES = 4
"""Fewer boxes show nothing about what their values mean."""


def take_region(
    item: dict[str, Any], image: Labeled, name: str, builder: DatasetBuilder, place: str
) -> None:
    """Takes the box of an annotation, or else the box around its segmentation.

    Args:
        item: the annotation.
        image: that it belongs to.
        name: of its class.
        builder: takes the box, or what is wrong with it.
        place: of the annotation, for messages.
    """
    box = item.get("bbox")
    if box in (None, [], [0, 0, 0, 0]) and item.get("segmentation"):
        try:
            points = _outline(item["segmentation"])
        except DatasetError as error:
            builder.problems.add(place, str(error))
            return
        builder.outline(image, points, name, place)
        return
    values = numbers(box)
    if len(values) != BOX_VALUES:
        builder.problems.add(place, f"{_box_problem(box)}{_whose(item, image)}")
        return
    x, y, width, height = values
    degrees = _rotation(item)
    if degrees and width > 0 and height > 0:
        center = (x + width / 2, y + height / 2)
        corners = turned_corners(*center, width, height, degrees)
        builder.outline(image, corners, name, place)
    else:
        builder.box(image, (x, y, x + width, y + height), name, place)


def _box_problem(box: Any) -> str:
    if box in (None, []):
        has = "no bbox" if box is None else "an empty bbox"
        return f"has {has} and no segmentation; remove the annotation, or draw its box again"
    return f"bbox {shown_value(box)} is not [x, y, width, height]; draw it again or remove it"


def _whose(item: dict[str, Any], image: Labeled) -> str:
    """The annotation's id and its image, by which tools find it."""
    return f" (id {shown_value(item.get('id'))}, of {image.file.name})"


def _outline(segmentation: Any) -> tuple[float, ...]:
    """All points of an outline's pieces, or the corners of the box around a mask.

    Raises:
        DatasetError: it is none.
    """
    if isinstance(segmentation, dict):
        return _mask_corners(segmentation)
    pieces = segmentation if isinstance(segmentation, list) else [None]
    if all(map(is_number, pieces)):
        pieces = [pieces]
    points: list[float] = []
    for piece in pieces:
        if (
            not isinstance(piece, list)
            or not all(map(is_number, piece))
            or len(piece) % 2
            or len(piece) < 2 * MIN_POINTS
        ):
            raise DatasetError(
                f"segmentation {shown_value(piece)} is not an outline [x, y, x, y, x, y …]"
            )
        points += map(float, piece)
    return tuple(points)


def _mask_corners(mask: dict[str, Any]) -> tuple[float, ...]:
    """The corners of the box around a run-length mask.

    Raises:
        DatasetError: it is none.
    """
    from pycocotools import mask as masks

    size, counts = mask.get("size"), mask.get("counts")
    try:
        height, width = (int(side) for side in size or ())
        if not (0 < height < 2**16 and 0 < width < 2**16):
            raise ValueError
        if isinstance(counts, list):
            if min(counts) < 0 or sum(counts) != height * width:
                raise ValueError
            packed = masks.frPyObjects({"size": [height, width], "counts": counts}, height, width)
        else:
            packed = {"size": [height, width], "counts": str(counts).encode("ascii")}
            if int(masks.area(packed)) > height * width:
                raise ValueError
        x, y, across, down = map(float, masks.toBbox(packed))
    except (TypeError, ValueError, OverflowError, UnicodeEncodeError):
        raise DatasetError("its segmentation is not a run-length mask of the picture") from None
    return (x, y, x + across, y, x + across, y + down, x, y + down)


def _rotation(item: dict[str, Any]) -> float:
    """Degrees that a box is turned by, where a tool (CVAT) keeps them among its attributes."""
    attributes = item.get("attributes")
    value = attributes.get("rotation") if isinstance(attributes, dict) else None
    if value is None or not is_number(value):
        return 0.0
    return float(value) if abs(float(value)) % 180 else 0.0


def is_number(value: Any) -> bool:
    """Whether a value of a JSON file is a number that a coordinate can be."""
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) < 2**53
    return isinstance(value, float)


def numbers(value: Any) -> list[float]:
    """The numbers of a list; none where it is not a list, or a value of it is not a number."""
    values = value if isinstance(value, list) else []
    return [float(each) for each in values] if all(map(is_number, values)) else []


def are_corners(boxes: Sequence[tuple[float, ...]]) -> bool:
    """Whether boxes can only be x1 y1 x2 y2, which COCO's are not.

    Args:
        boxes: four values as written, then the width and height of the image.
    """
    fit = all(x < x2 <= width and y < y2 <= height for x, y, x2, y2, width, height in boxes)
    beyond = any(x + w > width + 1 or y + h > height + 1 for x, y, w, h, width, height in boxes)
    return len(boxes) >= MIN_BOXES and fit and beyond


def shown_value(value: Any) -> str:
    """A value in a message: its beginning, and nothing of what lists or objects hold."""
    if isinstance(value, list):
        return "[" + ", ".join(map(shown_value, value[:4])) + ("…]" if len(value) > 4 else "]")
    if isinstance(value, dict):
        return "{…}"
    if isinstance(value, int):
        return f"{value:.6g}" if abs(value) < 10**300 else "of hundreds of digits"
    return f"{value!r:.40}"
