"""Picture files: finding them by the name that labels give, their size, their bytes."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

import cv2
from imutils.paths import list_files
from PIL import Image

from maskdet.errors import DatasetError
from maskdet.training.dataset import Sample, inside

SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")
FOLDERS = ("", "images", "JPEGImages", "../images", "../JPEGImages")
"""Where pictures lie, seen from the folder of the labels."""
_ORIENTATION = 0x0112
_SIDEWAYS = (5, 6, 7, 8)
"""EXIF orientations that swap width and height."""
_KINDS = {"JPEG": "jpeg", "PNG": "png"}
"""Kinds of picture that TensorFlow's readers know, and what they call them."""


def list_pictures(folder: Path) -> list[Path]:
    """Every picture below a folder, in order of the names."""
    return sorted(map(Path, list_files(str(folder), validExts=SUFFIXES)))


class Finder:
    """Finds pictures by their names in labels, never outside a folder."""

    def __init__(self, root: Path, labels: Path) -> None:
        """Looks in and around the folder of the labels, then in and around `root`.

        Args:
            root: the folder that no picture may lie outside of.
            labels: the folder of the file that names them.
        """
        self._root = root
        near = [Path(os.path.normpath(folder / name)) for folder in (labels, root)
                for name in FOLDERS]  # fmt: skip
        self._folders = [f for f in dict.fromkeys(near) if f.is_relative_to(root) and f.is_dir()]
        self._found: dict[str, Path] = {}

    def find(self, name: str) -> Path:
        """The picture of that name.

        Raises:
            DatasetError: there is none, or it lies outside the folder.
        """
        if name not in self._found:
            self._found[name] = self._find(name)
        return self._found[name]

    def _find(self, name: str) -> Path:
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
        if led_out:
            raise led_out
        raise DatasetError(f"no picture {name[:120]!r} in {self._root} or its images/")


def size_of(file: Path) -> tuple[int, int]:
    """Width and height of a picture as OpenCV reads it, from its first bytes.

    Raises:
        DatasetError: it is missing or no picture.
    """
    _, width, height, _ = _header(file, file)
    return width, height


def size_in(content: bytes, title: object) -> tuple[int, int]:
    """Width and height of an encoded picture; see `size_of`."""
    _, width, height, _ = _header(BytesIO(content), title)
    return width, height


def wrong_sizes(samples: Iterable[Sample]) -> Iterable[str]:
    """A line for each picture that is not there or not of the size that its labels say."""
    for sample in samples:
        source = BytesIO(sample.content()) if sample.span else sample.file
        try:
            _, width, height, _ = _header(source, sample.title)
        except DatasetError as error:
            yield str(error)
            continue
        if (width, height) != (sample.width, sample.height):
            yield (
                f"{sample.title}: is {width}×{height} but annotated as "
                f"{sample.width}×{sample.height}; correct its annotation"
            )


def suffix_of(sample: Sample, wanted: str) -> str:
    """How the name of a picture's file should end: as wanted, if that is right for its content.

    Raises:
        DatasetError: it cannot be read.
    """
    kind = _header(BytesIO(sample.content()), sample.title)[0]
    fitting = {"JPEG": (".jpg", ".jpeg"), "PNG": (".png",), "BMP": (".bmp",), "WEBP": (".webp",)}
    if kind not in fitting:
        raise DatasetError(f"{sample.title}: is a {kind} picture, which no data set here can have")
    return wanted if wanted.lower() in fitting[kind] else fitting[kind][0]


def encoded(sample: Sample) -> tuple[bytes, str, bool]:
    """A picture as JPEG or PNG, which of them (``jpeg``, ``png``), and whether it was that before.

    Others, and those that a camera marked as turned, are written as PNG: TensorFlow's readers
    know neither.

    Raises:
        DatasetError: it cannot be read.
    """
    content = sample.content()
    kind, _, _, turned = _header(BytesIO(content), sample.title)
    if kind in _KINDS and not turned:
        return content, _KINDS[kind], True
    return cv2.imencode(".png", sample.read())[1].tobytes(), "png", False


def _header(source: Path | BytesIO, title: object) -> tuple[str, int, int, bool]:
    """Kind, width and height of a picture, and whether it is to be turned before it is shown."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about pictures that are large
            with Image.open(source) as image:
                turn = image.getexif().get(_ORIENTATION, 1)
                width, height = image.size
                kind = str(image.format)
    except Exception as error:  # Pillow's readers of damaged files raise what they like
        missing = isinstance(error, FileNotFoundError)
        reason = "no such picture" if missing else "cannot be read as a picture; replace it"
        raise DatasetError(f"{title}: {reason}") from None
    if turn in _SIDEWAYS:
        width, height = height, width
    return kind, width, height, turn not in (0, 1)
