"""Finding images by the names that labels give them, be they names of another machine."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from maskdet.datasets.image_files import list_images
from maskdet.datasets.problems import Problems
from maskdet.datasets.reader_input import Source
from maskdet.datasets.samples import inside
from maskdet.errors import DatasetError
from maskdet.images.kinds import IMAGE_SUFFIXES
from maskdet.system.file_names import folded_name

ELSEWHERE = (
    "pictures found by the last part of their name, as the labels have the names of another machine"
)
FOLDERS = ("", "images", "JPEGImages", "../images", "../JPEGImages")
"""Where images lie, seen from the folder of the labels."""
MAX_LISTED = 4
"""Images of one name that a message lists."""
_ENDINGS = (*IMAGE_SUFFIXES, ".xml", ".txt", ".json", ".")
"""Of names: those of images, of their labels, or a point alone."""
_IMAGE_SUFFIX = re.compile(f"({'|'.join(map(re.escape, _ENDINGS))})$", re.IGNORECASE)
_TASK_PREFIX = re.compile(r"^[0-9a-f]{8}-(?=.)")
"""What Label Studio puts before the name of an image that was uploaded to it."""


class ImageLookup:
    """Images by the last parts of their names.

    Upper and lower case, the endings and the two ways to write an accent do not matter.
    """

    def __init__(self, files: Iterable[Path]) -> None:
        """Takes the images that names may mean."""
        self._names: dict[str, list[Path]] = defaultdict(list)
        self._stems: dict[str, list[Path]] = defaultdict(list)
        self._uploaded: dict[str, list[Path]] = {}
        for file in files:
            self._names[folded_name(file.name)].append(file)
            self._stems[folded_name(file.stem)].append(file)

    def find(self, name: str) -> list[Path]:
        """The images that a name fits best and equally well; empty: there is none."""
        parts = parts_of(name)
        if not parts:
            return []
        *folders, last = parts
        plain = unquote(last)
        bare = _TASK_PREFIX.sub("", plain)
        for text in dict.fromkeys((last, _TASK_PREFIX.sub("", last), plain, bare)):
            stem = _IMAGE_SUFFIX.sub("", text)
            for table, key in ((self._names, text), (self._stems, text), (self._stems, stem)):
                if found := table.get(folded_name(key)):
                    return _nearest(found, folders, last)
        return self._find_uploaded(bare) if bare != plain else []

    def _find_uploaded(self, name: str) -> list[Path]:
        """The images that Label Studio gives such a name to: without blanks and most signs."""
        if not self._uploaded:
            for files in self._names.values():
                self._uploaded.setdefault(uploaded_name(files[0].name), []).extend(files)
                self._uploaded.setdefault(uploaded_name(files[0].stem), []).extend(files)
        return self._uploaded.get(uploaded_name(name), [])


def parts_of(name: str) -> list[str]:
    """Folders and file of a name of any machine: with backslashes, a drive, or as an address."""
    text = name.strip()
    if "?d=" in text:  # Label Studio's local files
        text = unquote(text.partition("?d=")[2])
    elif "://" in text or text.startswith("/data/"):
        try:
            text = unquote(urlsplit(text).path)
        except ValueError:  # no address, whatever it looks like
            return []
    return [part for part in re.split(r"[\\/]", text) if part not in ("", ".", "..")]


def same_name_message(name: str, files: Sequence[Path], root: Path) -> str:
    """The message about a name that several images have."""
    shown = ", ".join(os.path.relpath(file, root) for file in files[:MAX_LISTED])
    more = f" and {len(files) - MAX_LISTED} more" if len(files) > MAX_LISTED else ""
    return (
        f"{name[:120]!r} may be any of {len(files)} pictures: {shown}{more}; write the folder "
        "into the labels, or give the folder of the right ones"
    )


class Finder:
    """Finds images by their names in labels, never outside a folder."""

    def __init__(self, source: Source, problems: Problems) -> None:
        """Looks in and around the folder of the labels, then in and around the data folder.

        Args:
            source: the labels that name the images.
            problems: takes a note of each image that only the last part of its name leads to.
        """
        self._root, self._problems = source.root, problems
        near = [*_folders_named_like(source.path), *FOLDERS]
        paths = [Path(os.path.normpath(folder / name)) for folder in (source.folder, source.root)
                 for name in near]  # fmt: skip
        root = source.root
        self._folders = [f for f in dict.fromkeys(paths) if f.is_relative_to(root) and f.is_dir()]
        self._found: dict[str, Path] = {}
        self._owners: dict[Path, str] = {}
        self._lookup: ImageLookup | None = None

    def find(self, name: str, place: object) -> Path:
        """The image of that name.

        Args:
            name: as the labels have it.
            place: where they have it.

        Raises:
            DatasetError: there is none, or more than one, or it lies outside the folder.
        """
        if name not in self._found:
            self._found[name] = path = self._find(name, place)
            self._owners.setdefault(path, name)
        return self._found[name]

    def _find(self, name: str, place: object) -> Path:
        if not name.strip():
            raise DatasetError("the picture has no name")
        led_out = None
        for folder in self._folders or [self._root]:
            try:
                below = os.path.join(os.path.relpath(folder, self._root), name)
                path = inside(self._root, name if os.path.isabs(name) else os.path.normpath(below))
            except DatasetError as error:
                led_out = led_out or error
                continue
            if os.path.isfile(path):
                return path
        if found := self._find_by_last_part(name, place):
            return found
        if led_out:
            raise led_out
        raise DatasetError(f"no picture {name[:120]!r} in {self._root} or its images/")

    def _find_by_last_part(self, name: str, place: object) -> Path | None:
        if self._lookup is None:
            self._lookup = ImageLookup(list_images(self._root))
        files = self._lookup.find(name)
        if not files:
            return None
        if len(files) > 1:  # one of them may be where images usually are
            usual = ([file for file in files if file.parent == near] for near in self._folders)
            files = next((found for found in usual if len(found) == 1), files)
        if len(files) > 1:
            raise DatasetError(same_name_message(name, files, self._root))
        relative = os.path.relpath(files[0], self._root)
        path = inside(self._root, relative)
        if other := self._owners.get(path):
            raise DatasetError(
                f"{name[:120]!r}: the only picture of this name, {relative}, is that of "
                f"{other[:120]!r} already"
            )
        self._problems.note(ELSEWHERE, place, f"{name[:120]!r} is {relative}")
        return path


def _folders_named_like(labels: Path) -> list[str]:
    """Folders of images that are named like a file of labels.

    ``instances_val2017.json`` has its images in ``val2017``, ``train_labels.csv`` in ``train``.
    """
    if labels.is_dir():
        return []
    words = re.split(r"[_.-]", labels.stem)
    names = dict.fromkeys(word for word in (labels.stem, words[-1], words[0]) if word)
    return [f"{base}{name}" for name in names for base in ("", "images/", "../", "../images/")]


def _nearest(files: Sequence[Path], folders: Sequence[str], last: str) -> list[Path]:
    """Those of the images of a name that have most of its folders, too."""
    if len(files) == 1:
        return list(files)
    shared = [shared_folders(file.parent.parts, folders) for file in files]
    best = [file for file, count in zip(files, shared, strict=True) if count == max(shared)]
    exact = [file for file in best if file.name == last]
    return exact or best


def shared_folders(one: Sequence[str], other: Sequence[str]) -> int:
    """Number of folders, seen from the file upwards, that two places have in common."""
    count = 0
    for own, wanted in zip(reversed(one), reversed(other), strict=False):
        if folded_name(own) != folded_name(wanted):
            break
        count += 1
    return count


def uploaded_name(name: str) -> str:
    """A name as Label Studio changes it: without blanks, most signs, and its own mark before it."""
    whole = folded_name(unquote(name))  # before signs go: a separate accent is one
    plain = re.sub(r"[^-\w.]", "", whole.strip().replace(" ", "_"))
    return _TASK_PREFIX.sub("", plain)
