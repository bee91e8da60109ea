"""Lists of images: a text file with a name a line, as Pascal VOC, darknet and others have it."""

from __future__ import annotations

import os
import re
from pathlib import Path

from maskdet.datasets.image_files import SUFFIXES, list_images
from maskdet.datasets.image_lookup import ELSEWHERE, ImageLookup, same_name_message
from maskdet.datasets.problems import Problems
from maskdet.datasets.samples import inside
from maskdet.datasets.text import read_text
from maskdet.errors import DatasetError

FLAGS = "lines that end in Pascal's flag (1, 0, -1) or the name of xml, which was left aside"
_FLAG = re.compile(r"(?<=\S)\s+(-1|0|1|\S+\.xml)$")

_BOXES = re.compile(r"\s\d+,\d+,\d+,\d+,\d+(\s|$)")
"""A box and the number of its class, behind an image's name."""
_BEHIND_NAMES = (
    "boxes behind a name, as keras-yolo3 has them, are not read: convert them to COCO, VOC xml or "
    "YOLO"
)
_ROW = re.compile(r"[,;\t]\d+([,;\t]\d+){3}|,,,,")


def read_list(file: Path) -> list[str]:
    """The lines of a list of images, blank ones left out.

    Raises:
        DatasetError: the list cannot be read.
    """
    return [line.strip() for line in read_text(file).splitlines() if line.strip()]


def root_of_list(file: Path) -> Path:
    """The folder that the images of a list lie below: the nearest one that has the first."""
    first = next(iter(read_list(file)), "")
    names = [first, _FLAG.sub("", first)]
    for folder in (file.parent, *file.parent.parents):
        if any(name and os.path.isfile(folder / name) for name in names if not os.path.isabs(name)):
            return folder
    # Pascal's own layout: stems in ImageSets/Main, images in JPEGImages
    for folder in (file.parent, *file.parent.parents[:3]):
        if any((folder / images).is_dir() for images in ("images", "JPEGImages")):
            return folder
    return file.parent


class ListedImages:
    """Finds the images that the lines of a list name."""

    def __init__(self, root: Path, problems: Problems) -> None:
        """Reads nothing before a line needs it.

        Args:
            root: no image may lie outside of this folder.
            problems: takes notes.
        """
        self._root, self._problems = root, problems
        self._lookup: ImageLookup | None = None

    def find(self, line: str) -> str:
        """The name, relative to the folder, of the image that a line names.

        Pascal's lists have stems, some with a flag behind; others have names of another machine.

        Raises:
            DatasetError: there is no such image, or more than one.
        """
        error: DatasetError | None = None
        try:
            if os.path.isfile(inside(self._root, line)):
                return line
        except DatasetError as caught:
            if not (os.path.isabs(line) or ".." in re.split(r"[\\/]", line)):
                raise  # a link that leads out is nobody's old name
            error = caught
        name = _FLAG.sub("", line)
        if self._lookup is None:
            self._lookup = ImageLookup(list_images(self._root))
        files = self._lookup.find(name)
        if len(files) > 1:
            files = _in_usual_folder(files, self._root) or files
        if len(files) > 1:
            raise DatasetError(same_name_message(name, files, self._root))
        if not files:
            raise error or DatasetError(f"{self._root / line}: no such picture{_hint(line)}")
        relative = os.path.relpath(files[0], self._root)
        inside(self._root, relative)
        if name != line:
            self._problems.note(FLAGS, repr(line[:120]), "")
        if name.lower().endswith(SUFFIXES):
            self._problems.note(ELSEWHERE, repr(name[:120]), f"is {relative}")
        return relative


def refuse_boxes_in_lists(folder: Path) -> None:
    """Names a list of images that has their boxes, too, which would be lost.

    Raises:
        DatasetError: there is one.
    """
    for file in sorted(folder.glob("*.[tT][xX][tT]")):
        first = next(iter(read_list(file)), "")
        if _BOXES.search(first):
            raise DatasetError(f"{file}:1: {_BEHIND_NAMES}")


def _hint(line: str) -> str:
    """The end of a message about a line that names no image, where it is one of something else."""
    if _BOXES.search(line):
        return f"; {_BEHIND_NAMES}"
    if _ROW.search(line):
        return "; this is the row of a table: let its name end in .csv, or name the --format"
    return ""


def _in_usual_folder(files: list[Path], root: Path) -> list[Path]:
    """Those of the images that lie where Pascal's stems mean."""
    usual = (root / "JPEGImages", root / "images")
    return [file for file in files if file.parent in usual]
