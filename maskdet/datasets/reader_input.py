"""Input of a format's reader."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from maskdet.datasets.builder import check_name
from maskdet.datasets.class_list import read_classes
from maskdet.datasets.image_files import SUFFIXES

LABEL_FOLDERS = ("annotations", "labels", "imagesets", "main")
"""Folders of labels, in small letters: their images lie beside them."""

IMAGE_FOLDERS = ("images", "JPEGImages")


def root_of(labels: Path) -> Path:
    """The folder that the images of labels lie below, unless a person names another one.

    Args:
        labels: a folder, which is that folder itself; or a file.
    """
    if labels.is_dir():
        return labels
    folder = labels.parent
    while folder.name.lower() in LABEL_FOLDERS:
        folder = folder.parent
    beside = any((folder.parent / name).is_dir() for name in IMAGE_FOLDERS)
    return folder.parent if beside and _holds_labels_alone(folder) else folder


def _holds_labels_alone(folder: Path) -> bool:
    """Whether a folder has neither images nor folders in it."""
    try:
        entries = list(folder.iterdir())
    except OSError:  # whose reader reports why
        return False
    return not any(entry.is_dir() or entry.suffix.lower() in SUFFIXES for entry in entries)


def file_of_name(folder: Path, name: str) -> Path | None:
    """The file of a name, relative to a folder, or the only one of that name in another case.

    Labels that were made on Windows have ``Classes.txt``, and no program there minds.
    """
    if (exact := folder / name).is_file():
        return exact
    parent = exact.parent
    try:
        others = [one for one in parent.iterdir() if one.name.lower() == exact.name.lower()]
    except OSError:  # there is no such folder, or its reader reports why
        return None
    return others[0] if len(others) == 1 and others[0].is_file() else None


@dataclass(frozen=True)
class Source:
    """Labels, and where their images may lie.

    Attributes:
        path: the file or folder of the labels.
        root: no image may lie outside of this folder.
        class_list: a file that lists the classes; None: the format's own place is looked into.
    """

    path: Path
    root: Path
    class_list: Path | None = None

    @property
    def folder(self) -> Path:
        """The folder of the labels."""
        return self.path if self.path.is_dir() else self.path.parent

    def classes(self, beside: Sequence[str] = ()) -> dict[int, str] | None:
        """Class names by id: of `class_list`, or else of the first file there is beside the labels.

        Args:
            beside: names of files, relative to the folder of the labels.

        Raises:
            DatasetError: the list is wrong.
        """
        if self.class_list is not None:
            return read_classes(self.class_list)
        for name in beside:
            if file := file_of_name(self.folder, name):
                return read_classes(file, may_be_empty=True)
        return None

    def names(self) -> tuple[str, ...] | None:
        """The class names of `class_list` alone, in order of their ids; None without one."""
        classes = self.classes()
        return None if classes is None else tuple(classes.values())


def class_of(classes: dict[int, str], number: int) -> str:
    """The class of an id.

    Raises:
        DatasetError: there is none; the message lists those there are.
    """
    if number not in classes:
        check_name(f"id {number}", [f"{i}: {name}" for i, name in classes.items()])
    return classes[number]
