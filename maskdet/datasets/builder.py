"""The one way from any format's labels to a `DataSet`: every box is checked here."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from maskdet.datasets.image_files import MAYBE_TURNED, exif_hint, size_of
from maskdet.datasets.problems import Problems
from maskdet.datasets.samples import DataSet, Sample
from maskdet.detections import CLASS_NAMES
from maskdet.errors import DatasetError

MAX_IMAGE_SIDE = 2**20
"""No image is wider or higher than this: OpenCV reads none that is."""
SLACK_PIXELS = 0.01
"""Pixels over the image's edge that are rounding, not a mistake."""
OUTLINES = "outlines and turned boxes, of which the upright box around was taken"
CUT = "boxes that reached out of their picture and were cut"
NO_SIZE = "pictures whose labels state no size or 0, for which their own was taken"
SHARES = "labels whose boxes were taken as shares of the picture, as all lie within 0 to 1"
MAX_SHARE = 1.05
"""Share of an image's side that a box may reach to: some tools draw a little over the edge."""
CONTRADICTING = "boxes that another class has, too, just as they are: one of both is wrong"
SHARED = "pictures of one name but for its ending, which have the same labels"
REPEATED = "entries that name a picture once more, and were joined with its first one"
SAME = "boxes that an earlier entry of their picture had already"


@dataclass
class Labeled:
    """One image, its labels so far."""

    file: Path
    width: int
    height: int
    span: tuple[int, int] | None = None
    name: str = ""
    part: str = ""
    place: str = ""
    boxes: list[tuple[float, ...]] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)


class DatasetBuilder:
    """Takes a data set's images and boxes as they are read."""

    def __init__(
        self, problems: Problems, names: Sequence[str] | None = None, *, in_pixels: bool = True
    ) -> None:
        """Begins with no image.

        Args:
            problems: gets what is wrong; such a box is left out.
            names: the classes there are, in order; None: those that the boxes have.
            in_pixels: the format states pixels, which some of its files do not obey.
        """
        self.problems = problems
        self._in_pixels = in_pixels
        self._names = None if names is None else tuple(names)
        self._images: list[Labeled] = []

    def image(
        self,
        file: Path,
        width: float,
        height: float,
        place: object,
        *,
        span: tuple[int, int] | None = None,
        name: str = "",
    ) -> Labeled | None:
        """A further image, or None if it can have no such size.

        Raises:
            DatasetError: the labels state no size, and the file is not an image.
        """
        if width == height == 0 and not span:
            width, height = size_of(file)
            self.problems.note(NO_SIZE, place, "")
            if exif_hint(file):
                self.problems.note(MAYBE_TURNED, file, "")
        if not (1 <= width <= MAX_IMAGE_SIDE and 1 <= height <= MAX_IMAGE_SIDE):
            self.problems.add(place, f"size {width:g}×{height:g} is not a picture's")
            return None
        made = Labeled(file, int(width), int(height), span, name, place=str(place))
        self._images.append(made)
        return made

    def box(self, image: Labeled, box: Sequence[float], name: str, place: object) -> None:
        """A further box (x1, y1, x2, y2, pixels), cut to its image: some tools count from 1."""
        name = name.strip()
        try:
            cut = cut_box(box, image.width, image.height)
            check_name(name, self._names)
        except DatasetError as error:
            self.problems.add(place, f"{error}{self._hint(image, box)}")
            return
        others = [known for known, at in zip(image.classes, image.boxes, strict=True) if at == cut]
        if others and name not in others:
            self.problems.note(CONTRADICTING, place, f"{name} and {others[0]}")
        if max(abs(a - b) for a, b in zip(cut, box, strict=True)) > SLACK_PIXELS:
            size = f"{image.width}×{image.height}"
            text = f"box {shown_box(box)} in a picture of {size}{self._hint(image, box)}"
            self.problems.note(CUT, place, text)
        image.boxes.append(cut)
        image.classes.append(name)
        image.places.append(str(place))

    def _hint(self, image: Labeled, box: Sequence[float]) -> str:
        """A probable reason for a box that fits the image as stored, and not as shown."""
        fits = max(box[2], box[3]) <= max(image.width, image.height)
        return exif_hint(image.file) if fits and not image.span else ""

    def outline(self, image: Labeled, points: Sequence[float], name: str, place: object) -> None:
        """The upright box around an outline (x, y, x, y …, pixels), with a note."""
        before = len(image.boxes)
        self.box(image, box_around(points), name, place)
        if len(image.boxes) > before:
            self.problems.note(OUTLINES, place, f"{len(points) // 2} points")

    def dataset(self) -> DataSet:
        """All that was taken."""
        self._join_repeated()
        if self._in_pixels:
            self._take_shares()
        names = self._names
        if names is None:
            names = in_order({name for image in self._images for name in image.classes})
        index = {name: number for number, name in enumerate(names)}
        samples = [
            Sample(
                image.file,
                image.width,
                image.height,
                np.array(image.boxes, np.float32).reshape(-1, 4),
                np.array([index[name] for name in image.classes], np.int64),
                span=image.span,
                name=image.name,
                part=image.part,
            )
            for image in self._images
        ]
        return DataSet(samples, tuple(names), [image.places for image in self._images])

    def _join_repeated(self) -> None:
        """Makes one of the entries of an image: the faces of one are no background in the other."""
        images: dict[object, Labeled] = {}
        for image in self._images:
            first = images.setdefault((image.file, image.span), image)
            if first is image:
                continue
            if (first.width, first.height) != (image.width, image.height):
                size = f"{first.width}×{first.height} at {first.place}"
                self.problems.add(image.place, f"states another size of {image.file.name}: {size}")
            self.problems.note(REPEATED, image.place, image.file.name)
            had = set(zip(first.boxes, first.classes, strict=True))
            for box, name, place in zip(image.boxes, image.classes, image.places, strict=True):
                if (box, name) in had:
                    self.problems.note(SAME, place, name)
                    continue
                first.boxes.append(box)
                first.classes.append(name)
                first.places.append(place)
        self._images = list(images.values())

    def _take_shares(self) -> None:
        """Makes pixels of boxes that can only be shares of their images, with a note.

        Where others are in pixels, those in shares are mistakes.
        """
        found = [
            (image, number, place)
            for image in self._images
            for number, place in enumerate(image.places)
            if _are_shares(image.boxes[number])
        ]
        if not any(0 < edge < 1 for image, n, _ in found for edge in image.boxes[n]):
            return  # 0 0 1 1 is a pixel
        has_pixels = len(found) < sum(len(image.boxes) for image in self._images)
        if not has_pixels:
            image, number, place = found[0]
            self.problems.note(SHARES, place, f"box {shown_box(image.boxes[number])}")
        for image, number, place in found:
            box = image.boxes[number]
            if not has_pixels:
                sides = (image.width, image.height) * 2
                shares = [min(edge * side, side) for edge, side in zip(box, sides, strict=True)]
                image.boxes[number] = tuple(shares)
            elif any(0 < edge < 1 for edge in box):
                self.problems.add(
                    place,
                    f"box {shown_box(box)} is in shares of the picture, while others are in "
                    "pixels; write it in pixels",
                )


def _are_shares(box: Sequence[float]) -> bool:
    """Whether a box can be one in shares of its image; of pixels, it would be in the first one."""
    return max(box) <= MAX_SHARE


def in_order(names: set[str]) -> tuple[str, ...]:
    """Class names that came in no order: ours first, in their order, then the others by name."""
    ours = [name for name in CLASS_NAMES if name in names]
    return (*ours, *sorted(names - set(ours)))


def box_around(points: Sequence[float]) -> tuple[float, float, float, float]:
    """The upright box around an outline (x, y, x, y …); not-a-number if a point is none."""
    if not all(map(math.isfinite, points)):
        return (math.nan,) * 4
    return min(points[::2]), min(points[1::2]), max(points[::2]), max(points[1::2])


def turned_corners(
    x: float, y: float, width: float, height: float, degrees: float
) -> tuple[float, ...]:
    """The corners (x, y, x, y …) of a box that is turned around its center."""
    angle = math.radians(degrees)
    along = (math.cos(angle) * width / 2, math.sin(angle) * width / 2)
    across = (-math.sin(angle) * height / 2, math.cos(angle) * height / 2)
    corners: list[float] = []
    for one, other in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
        corners += [x + one * along[0] + other * across[0], y + one * along[1] + other * across[1]]
    return tuple(corners)


def cut_box(box: Sequence[float], width: int, height: int) -> tuple[float, ...]:
    """The part of a box inside its image.

    Raises:
        DatasetError: it is empty, outside, or not made of numbers.
    """
    if not all(math.isfinite(edge) for edge in box):
        raise DatasetError(f"box {shown_box(box)} is not made of finite numbers")
    x1, y1, x2, y2 = box
    if x2 < x1 or y2 < y1:
        raise DatasetError(
            f"box {shown_box(box)} has swapped corners, not left, top, right, bottom; "
            "swap them back or remove it"
        )
    if x2 == x1 or y2 == y1:
        raise DatasetError(f"empty box {shown_box(box)}; draw it again or remove it")
    cut = (max(x1, 0.0), max(y1, 0.0), min(x2, float(width)), min(y2, float(height)))
    # compared as they are kept: what is thinner than a float32 can hold is empty as well
    kept = np.array(cut, np.float32)
    if kept[2] <= kept[0] or kept[3] <= kept[1]:
        raise DatasetError(
            f"box {shown_box(box)} lies outside the picture; draw it again or remove it"
        )
    return cut


def check_name(name: str, names: Sequence[str] | None = None) -> None:
    """Makes sure that a class name can be one.

    Args:
        name: without blanks around it.
        names: those there are, if they are known.

    Raises:
        DatasetError: it cannot.
    """
    if names is not None and not names:
        raise DatasetError(f"unknown class {name[:40]!r}; the list of classes is empty")
    if names is not None and name not in names:
        listed = ", ".join(repr(known[:40])[1:-1] for known in names[:12])
        more = f" and {len(names) - 12} more" if len(names) > 12 else ""
        raise DatasetError(f"unknown class {name[:40]!r}; there are {listed}{more}")
    if not name:
        raise DatasetError("unknown class '': a box must have a class name")
    printable = all(c.isprintable() or unicodedata.category(c) == "Zs" for c in name)
    if len(name) > 200 or not printable:
        raise DatasetError(f"unknown class {name[:40]!r}: this can be no class name")


def pixels(share: float, side: int) -> float:
    """A share of an image's side in pixels: whole where it can only have been a whole number."""
    value = share * side
    near = round(value) if math.isfinite(value) else value
    return float(near) if abs(value - near) < 1e-3 else value


def shown_box(box: Sequence[float]) -> str:
    """A box in a message."""
    return ", ".join(f"{edge:g}" for edge in box)
