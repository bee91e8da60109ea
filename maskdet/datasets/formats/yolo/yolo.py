"""YOLO txt: beside each image, or in `labels/` for `images/`, rows of class, center and size.

All four are shares of the image's width and height. Outlines may stand in their place.
"""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from maskdet.config import write_yaml
from maskdet.datasets.builder import SHARED, DatasetBuilder, Labeled, pixels
from maskdet.datasets.class_list import read_classes, require_agreement
from maskdet.datasets.formats.yolo.yolo_data_yaml import (
    SUFFIXES_OF_PLANS,
    Plan,
    images_of,
    is_plan,
    plans_in,
    read_plan,
    wrong_plans,
)
from maskdet.datasets.formats.yolo.yolo_labels import (
    CLASS_LISTS,
    LANDMARKS,
    TRACKED,
    LabelFinder,
    are_tracked,
    class_lists_in,
    have_landmarks,
    meaning_of,
    parts_of_lists,
)
from maskdet.datasets.image_files import list_images, size_of
from maskdet.datasets.image_list import refuse_boxes_in_lists
from maskdet.datasets.problems import Problems
from maskdet.datasets.reader_input import Source, class_of, file_of_name
from maskdet.datasets.samples import DataSet, inside
from maskdet.datasets.text import number, read_text, whole_or_point_zero
from maskdet.errors import DatasetError
from maskdet.system.atomic_files import write_whole
from maskdet.system.text_files import with_points

_SEPARATING_COMMA = re.compile(r",\s|,$")
UNLABELED = "pictures without a file of labels, taken as without objects"
OUTSIDE = "pictures that no line of the data.yaml leads to, which were left out"
KEYPOINTS = "key points behind boxes that were left aside"
MIN_BOXES = 4
"""Fewer boxes show nothing about what their values mean; and a part of them that shows it."""
SLACK_CORNER = 0.02
"""Share of an image by which a box reaches over its edge where its values mean something else."""
SLACK_SHARE = 0.1
"""Share of an image that an outline may reach over its edge, and is then cut."""


def read(source: Source, problems: Problems) -> DataSet:
    """Reads the images that a data.yaml leads to, or else every image below a folder.

    An image without labels has no objects.

    Raises:
        DatasetError: there are no images, or no list of classes.
    """
    folder = source.folder
    plan = _plan(source)
    named = plan is not None and source.path == plan.file
    classes = source.classes(() if named else CLASS_LISTS)
    if classes is not None and source.class_list is None:
        lists = [*class_lists_in(folder), *([plan.file] if plan else [])]
        require_agreement(lists[0], lists[1:])
    if classes is None and plan:
        classes = read_classes(plan.file, may_be_empty=True)
    if classes is None and len(names := [*folder.glob("*.names")]) == 1:
        classes = read_classes(names[0], may_be_empty=True)
    if classes is None:
        raise DatasetError(
            f"{folder}: has no classes.txt or data.yaml; name the list of classes by --classes FILE"
            f"{wrong_plans(folder)}"
        )
    builder = DatasetBuilder(problems, tuple(classes.values()), in_pixels=False)
    rows = _Rows(classes, builder, keypoints=bool(plan and plan.keypoints))
    images = _images(source, plan, problems)
    finder = LabelFinder(source.root, images, problems)
    found: list[tuple[Path, Labeled]] = []
    for file, part in images.items():
        try:
            inside(source.root, os.path.relpath(file, source.root))
            image = builder.image(file, *size_of(file), file)
            if image:
                image.part = part
            labels = finder.find(file)
            if labels is None:
                problems.note(UNLABELED, file, "")
            elif image:
                found.append((labels, image))
        except DatasetError as error:
            problems.add_line(str(error))
    if not found:
        refuse_boxes_in_lists(folder)
    rows.read_all(found)
    finder.note_orphans(folder)
    return builder.dataset()


class _Rows:
    """Takes the rows of files of labels."""

    def __init__(
        self, classes: dict[int, str], builder: DatasetBuilder, *, keypoints: bool
    ) -> None:
        self._classes, self._builder, self._keypoints = classes, builder, keypoints
        self._labels: list[Path] = []
        self._landmarks: bool | None = None
        self._tracked: bool | None = None
        self._count = self._as_corners = self._beyond = 0

    def read_all(self, found: Sequence[tuple[Path, Labeled]]) -> None:
        """Takes the rows of files of labels, each of an image."""
        self._labels = [file for file, _ in found]
        times = Counter(self._labels)
        for file, image in found:
            if times[file] > 1:
                self._builder.problems.note(SHARED, image.file, file.name)
            try:
                self._read(file, image)
            except DatasetError as error:
                self._builder.problems.add_line(str(error))
        if MIN_BOXES <= self._count == self._as_corners <= self._beyond * MIN_BOXES:
            self._builder.problems.add(
                self._labels[0].parent,
                "each row fits its picture as class, x1, y1, x2, y2, not as YOLO's class, "
                "center x, y, width, height; convert them",
            )

    def _read(self, file: Path, image: Labeled) -> None:
        for line, text in enumerate(read_text(file).splitlines(), start=1):
            fields = _fields(text)
            if fields and not fields[0].startswith("#"):
                place = f"{file}:{line}"
                try:
                    self._take(fields, image, place)
                except DatasetError as error:
                    self._builder.problems.add(place, str(error))

    def _take(self, fields: list[str], image: Labeled, place: str) -> None:
        """Takes one row.

        Raises:
            DatasetError: it is wrong.
        """
        if len(fields) > 5 and (self._keypoints or self._is_of_landmarks(fields)):
            self._builder.problems.note(KEYPOINTS, place, "")
            fields = fields[:5]
        outline = len(fields) >= 7 and len(fields) % 2 == 1 and not self._is_tracked(fields)
        if len(fields) != 5 and not outline:
            raise DatasetError(
                f"has {len(fields)} values, not: class, center x, y, width, height"
                f"{meaning_of(len(fields))}"
            )
        index = whole_or_point_zero(fields[0])
        if index is None:
            raise DatasetError(f"class {fields[0][:20]!r} is not a whole number")
        name = class_of(self._classes, index)
        shares = _shares(fields[1:], outline=outline)
        sides = (image.width, image.height)
        if outline:
            points = [pixels(share, sides[i % 2]) for i, share in enumerate(shares)]
            self._builder.outline(image, points, name, place)
        else:
            x, y, width, height = shares
            reaches = max(abs(x - 0.5) + width / 2, abs(y - 0.5) + height / 2) > 0.5 + SLACK_CORNER
            self._count += 1
            self._as_corners += x < width and y < height
            self._beyond += reaches
            edges = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
            box = [pixels(share, sides[i % 2]) for i, share in enumerate(edges)]
            self._builder.box(image, box, name, place)

    def _is_tracked(self, fields: list[str]) -> bool:
        """Whether a row of seven values is a tracker's, by its number or by all such rows."""
        if len(fields) != TRACKED or not fields[-1].isdecimal():
            return False
        if self._tracked is None:
            self._tracked = are_tracked(self._labels)
        return self._tracked or int(fields[-1]) > 1

    def _is_of_landmarks(self, fields: list[str]) -> bool:
        if len(fields) == LANDMARKS and self._landmarks is None:
            self._landmarks = have_landmarks(self._labels)
        return len(fields) == LANDMARKS and bool(self._landmarks)


def _shares(fields: list[str], *, outline: bool) -> list[float]:
    """The numbers of a row: those of a box, or of an outline, which may go a little beyond.

    Raises:
        DatasetError: one is not a number, or no share of the image.
    """
    shares = list(map(number, fields))
    for field, share in zip(fields, shares, strict=True):
        if math.isnan(share):
            raise DatasetError(f"{field[:20]!r} is not a number; write shares such as 0.25")
    least, most = (-SLACK_SHARE, 1 + SLACK_SHARE) if outline else (0.0, 1.0001)
    if not all(least <= share <= most for share in shares):
        shown = " ".join(field[:20] for field in fields[:4])
        what = "outline's points" if outline else "center and size"
        raise DatasetError(f"{shown}: {what} must be shares of the picture, from 0 to 1")
    return shares


def _fields(text: str) -> list[str]:
    """The fields of a row, between blanks, or the commas or semicolons of other tools.

    Where blanks or semicolons are between them, numbers may have decimal commas.
    """
    if ";" in text:
        text = text.replace(";", " ")
    elif _SEPARATING_COMMA.search(text) or len(text.split()) == 1:
        text = text.replace(",", " ")
    return with_points(text.split())


def _plan(source: Source) -> Plan | None:
    """The data.yaml that is named, or that lies in the folder."""
    for file in (source.path, source.class_list):
        if file is not None and file.suffix.lower() in SUFFIXES_OF_PLANS and file.is_file():
            return read_plan(file)
    if not source.path.is_dir():
        return None
    usual = [name for name in CLASS_LISTS if name.endswith(SUFFIXES_OF_PLANS)]
    for name in usual:
        if (file := file_of_name(source.folder, name)) and is_plan(file):
            return read_plan(file)
    plans = plans_in(source.folder)
    if len({tuple(read_classes(file, may_be_empty=True).items()) for file in plans}) > 1:
        listed = ", ".join(file.name for file in plans[:6])
        raise DatasetError(
            f"{source.folder}: holds several data.yaml with other classes: {listed}; give the "
            "right one as --data"
        )
    return read_plan(plans[0]) if plans else None


def _images(source: Source, plan: Plan | None, problems: Problems) -> dict[Path, str]:
    """The images to read, and the part of each.

    Raises:
        DatasetError: there are none.
    """
    files = list_images(source.root if plan and source.path == plan.file else source.folder)
    listed = images_of(plan, source.root, problems) if plan else {}
    if not files and not listed:
        base = f" (its path is {plan.base:.120})" if plan and plan.base else ""
        raise DatasetError(
            f"{source.folder}: no pictures there{base}; give the folder above images/"
            f"{f' by --data, and {plan.file.name} by --classes' if plan else ''}"
        )
    if not listed:
        parts = {} if plan else parts_of_lists(source.folder, files, problems)
        return {file: parts.get(file, "") for file in files}
    for file in files:
        if file not in listed:
            problems.note(OUTSIDE, file, "")
    return listed


def write(data: DataSet, names: Sequence[str], file: Path) -> list[str]:
    """Writes a folder of labels, and classes.txt and data.yaml beside it; see `od_csv.write`."""
    file.mkdir()
    for sample, name in zip(data.samples, names, strict=True):
        rows = []
        for (x1, y1, x2, y2), index in zip(
            sample.boxes.tolist(), sample.classes.tolist(), strict=True
        ):
            across, down = 1 / sample.width, 1 / sample.height
            shares = ((x1 + x2) / 2 * across, (y1 + y2) / 2 * down, (x2 - x1) * across,
                      (y2 - y1) * down)  # fmt: skip
            rows.append(f"{index} {' '.join(f'{share:.10f}' for share in shares)}\n")
        write_whole(file / f"{Path(name).stem}.txt", "".join(rows))
    write_whole(file.parent / "classes.txt", "".join(f"{name}\n" for name in data.names))
    # no "path": ultralytics takes a relative one from where it is started, not from the file
    plan = {
        **{"train": "images", "val": "images"},
        **{"nc": len(data.names), "names": list(data.names)},
    }
    write_whole(file.parent / "data.yaml", write_yaml(plan))
    return []
