"""The files beside YOLO's images: their labels, in the usual places or anywhere, and class lists.

Lists of classes and of images are text files, too, and no labels.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from maskdet.datasets.image_files import SUFFIXES
from maskdet.datasets.image_list import read_list
from maskdet.datasets.image_lookup import ImageLookup, uploaded_name
from maskdet.datasets.problems import Problems
from maskdet.datasets.reader_input import file_of_name
from maskdet.datasets.samples import inside
from maskdet.datasets.splits import part_of_name
from maskdet.datasets.text import number, read_text
from maskdet.errors import DatasetError
from maskdet.system.file_names import folded_name

ELSEWHERE = "files of labels that were found by their name alone, in another folder"
TEXTS = "*.[tT][xX][tT]"
PROPOSED = "predefined_classes.txt"
CLASS_LISTS = (
    *("classes.txt", "labels/classes.txt", "data.yaml", "dataset.yaml", "obj.names"),
    *(PROPOSED, "_darknet.labels", "train/_darknet.labels"),
    *("../classes.txt", "../data.yaml"),
)
"""Files that list the classes, relative to the folder that is read; the first one there counts."""
IMAGE_LISTS = ("train.txt", "val.txt", "valid.txt", "test.txt")
ORPHANS = "files of labels without a picture of their name, which were left out"


UNSURE_PARTS = "pictures that several of train.txt, val.txt and test.txt name, which are in no part"
LANDMARKS = 15
"""Values of a row of YOLO5-face: class, box, five points of the face, -1 where one is hidden."""

TRACKED = 7
"""Values of a row of a tracker's answers: class, box, score, number of the object."""

MIN_ROWS = 3
"""Fewer rows may be outlines that look like it."""


def class_lists_in(folder: Path) -> list[Path]:
    """Every list of the classes that labels in a folder go by, the one that counts first.

    LabelImg's list of what it proposes is none where it has written its own, and Darknet's folder
    has lists of other data sets (``coco.names``).
    """
    names = (*CLASS_LISTS, "valid/_darknet.labels", "test/_darknet.labels")
    found = [file for name in names if (file := file_of_name(folder, name))]
    return [*found[:1], *(file for file in found[1:] if file.name != PROPOSED)]


def parts_of_lists(folder: Path, images: Sequence[Path], problems: Problems) -> dict[Path, str]:
    """The part of each image, where darknet's lists divide them; empty: fewer than two do."""
    lists = [folder / name for name in IMAGE_LISTS if (folder / name).is_file()]
    if len({part_of_name(file.stem) for file in lists}) < 2:
        return {}
    lookup = ImageLookup(images)
    parts: dict[Path, set[str]] = {}
    for file in lists:
        for line in read_list(file):
            for image in lookup.find(line)[:2]:
                parts.setdefault(image, set()).add(part_of_name(file.stem))
    for image in [image for image, found in parts.items() if len(found) > 1]:
        problems.note(UNSURE_PARTS, image, "")
    return {image: found.pop() for image, found in parts.items() if len(found) == 1}


def have_landmarks(files: Iterable[Path]) -> bool:
    """Whether rows of 15 values are a box and five points in it, and not outlines of seven points.

    All rows that are not plain boxes have to be so, three of them or one with a hidden point, and
    most points to lie as far apart as eyes and mouth: the second point of an outline is not a
    size of a box that all its others lie in.

    Args:
        files: of labels.
    """
    spread: list[bool] = []
    hidden = False
    for file in files:
        try:
            rows = read_text(file).splitlines()
        except DatasetError:  # whose reader reports it
            continue
        for text in rows:
            values = [number(field) for field in text.split()]
            if len(values) < 7:
                continue
            if len(values) != LANDMARKS or not _holds_points(values):
                return False
            down = [y for y in values[6::2] if y >= 0]
            hidden |= len(down) < len(values[6::2])
            spread.append(not down or max(down) - min(down) > values[4] / 4)
    return sum(spread) * 2 > len(spread) and (hidden or len(spread) >= MIN_ROWS)


def _holds_points(values: list[float]) -> bool:
    """Whether points lie in the box before them, or a tenth of it beyond."""
    _, x, y, width, height = values[:5]
    across = all(px < 0 or abs(px - x) <= 0.6 * width for px in values[5::2])
    return across and all(py < 0 or abs(py - y) <= 0.6 * height for py in values[6::2])


def are_tracked(files: Iterable[Path]) -> bool:
    """Whether rows of seven values are a tracker's answers, and not outlines of three points.

    All of them have to end in a whole number, one above 1 or three of them: the last point of an
    outline is hardly ever just at the edge.

    Args:
        files: of labels.
    """
    numbers: list[int] = []
    for file in files:
        try:
            rows = [text.split() for text in read_text(file).splitlines()]
        except DatasetError:  # whose reader reports it
            continue
        ends = [fields[-1] for fields in rows if len(fields) == TRACKED]
        if not all(map(str.isdecimal, ends)):
            return False
        numbers += map(int, ends)
    return max(numbers, default=0) > 1 or len(numbers) >= MIN_ROWS


def meaning_of(count: int) -> str:
    """A probable meaning of a row with so many values, and what to do; empty: none."""
    if count == 6:
        return "; with a score behind, these are a detector's answers: remove the last column"
    if count == TRACKED:
        return (
            "; with a score and a number behind, these are a tracker's answers: remove the last "
            "two columns"
        )
    if count > 10 and count % 3 == 2:
        points = (count - 5) // 3
        return (
            f"; with key points behind the box: write kpt_shape: [{points}, 3] into the data.yaml"
        )
    if count == 10:
        return "; these look like DOTA's turned boxes: export them as YOLO"
    return ""


class LabelFinder:
    """Finds the labels of images below a folder."""

    def __init__(self, root: Path, images: Iterable[Path], problems: Problems) -> None:
        """Reads nothing before an image has no labels in the usual places.

        Args:
            root: no file may lie outside of this folder.
            images: all that are read.
            problems: takes notes.
        """
        self._root, self._problems = root, problems
        self._images = list(images)
        self._names: dict[str, list[Path]] | None = None
        self._owners: dict[str, list[Path]] = {}
        self._taken: set[Path] = set()

    def find(self, image: Path) -> Path | None:
        """The file of an image's labels, if there is one.

        Raises:
            DatasetError: a link leads out of the folder.
        """
        for path in (inside(self._root, str(name)) for name in self._usual(image)):
            if path.is_file():
                self._taken.add(path)
                return path
        if found := self._by_name(image):
            self._taken.add(found)
            self._problems.note(ELSEWHERE, image, f"is {os.path.relpath(found, self._root)}")
            return found
        if self._root.name == "images" and (self._root.parent / "labels").is_dir():
            raise DatasetError(
                f"{image}: its labels are not below {self._root}; give the folder above"
            )
        return None

    def note_orphans(self, folder: Path) -> None:
        """Takes a note of each file in YOLO's folders that no image had.

        Args:
            folder: that is read; others below the root may be other parts of the data set.
        """
        stems = {image.stem for image in self._images}
        for path in self._texts():
            if not path.is_relative_to(folder):
                continue
            usual = "labels" in path.relative_to(self._root).parts[:-1]
            if usual and path not in self._taken and _stem_of(path) not in stems:
                self._problems.note(ORPHANS, path, "")

    def _usual(self, image: Path) -> Iterator[Path]:
        parts = list(image.relative_to(self._root).parts)
        if "images" in parts:
            last = len(parts) - 1 - parts[::-1].index("images")
            yield Path(*parts[:last], "labels", *parts[last + 1 :]).with_suffix(".txt")
        yield Path(*parts).with_suffix(".txt")

    def _by_name(self, image: Path) -> Path | None:
        """The one file with an image's name, or the one that Label Studio gives it.

        Of several files or images of a name, those belong together that share most folders.
        """
        if self._names is None:
            self._names = defaultdict(list)
            self._owners = defaultdict(list)
            for path in self._texts():
                self._names[uploaded_name(_stem_of(path))].append(path)
            for each in self._images:
                self._owners[uploaded_name(each.stem)].append(each)
        name = uploaded_name(image.stem)
        found, owners = self._names.get(name, []), self._owners[name]
        if len(found) == len(owners) == 1:
            return inside(self._root, os.path.relpath(found[0], self._root))
        nearest = self._nearest(image, found)
        if nearest is None or self._nearest(nearest, owners) != image:
            return None
        return inside(self._root, os.path.relpath(nearest, self._root))

    def _nearest(self, path: Path, others: Sequence[Path]) -> Path | None:
        """The one of some files that shares most names of folders with another."""
        own = self._folders(path)
        shared = [(own & self._folders(other)).total() for other in others]
        most = max(shared, default=0)
        return others[shared.index(most)] if most and shared.count(most) == 1 else None

    def _folders(self, path: Path) -> Counter[str]:
        return Counter(map(folded_name, path.relative_to(self._root).parent.parts))

    def _texts(self) -> list[Path]:
        lists = {*IMAGE_LISTS, *(Path(name).name for name in CLASS_LISTS)}
        found = (path for path in self._root.rglob(TEXTS) if not path.name.startswith("."))
        return sorted(path for path in found if path.name.lower() not in lists)


def _stem_of(labels: Path) -> str:
    """The stem of the image that a file of labels is named after: ``a.txt`` or ``a.jpg.txt``."""
    inner = Path(labels.stem)
    return inner.stem if inner.suffix.lower() in SUFFIXES else labels.stem
