"""Annotated pictures: what a data set is once its format no longer matters."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from maskdet.detections import CLASS_NAMES
from maskdet.errors import DatasetError


@dataclass(frozen=True, eq=False)
class Sample:
    """One annotated picture, not yet read.

    Attributes:
        file: where the picture lies.
        width: in pixels, as annotated.
        height: in pixels, as annotated.
        boxes: float32 (N, 4), x1 y1 x2 y2 in pixels of the picture.
        classes: int64 (N,), indices into `CLASS_NAMES`.
        labelled: the classes that its data set labels at all; a face of another class stands
            there under a wrong name.
    """

    file: Path
    width: int
    height: int
    boxes: np.ndarray
    classes: np.ndarray
    labelled: tuple[int, ...] = tuple(range(len(CLASS_NAMES)))

    def read(self) -> np.ndarray:
        """The picture, BGR uint8 (height, width, 3).

        Raises:
            DatasetError: it is missing, broken or of another size than annotated.
        """
        image = cv2.imread(str(self.file), cv2.IMREAD_COLOR)
        if image is None:
            raise DatasetError(f"{self.file}: cannot be read as a picture; replace or remove it")
        if image.shape[:2] != (self.height, self.width):
            raise DatasetError(
                f"{self.file}: is {image.shape[1]}×{image.shape[0]} but annotated as "
                f"{self.width}×{self.height}; correct its annotation"
            )
        return image


def class_index(name: str, names: Sequence[str] = CLASS_NAMES) -> int:
    """Index of a class name.

    Raises:
        DatasetError: there is no such class; the message lists those there are.
    """
    try:
        return names.index(name)
    except ValueError:
        shown = repr(name[:40])
        raise DatasetError(f"unknown class {shown}; there are {', '.join(names)}") from None


def inside(folder: Path, name: str) -> Path:
    """A file below a folder.

    Raises:
        DatasetError: the name leads out of the folder, or in circles.
    """
    path = folder / name
    try:
        below = path.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError, ValueError) as error:  # links in a circle, a NUL character
        raise DatasetError(f"{name!r}: no file of {folder} can have this name: {error}") from None
    if os.path.isabs(name) or not below:
        raise DatasetError(f"{name}: leads out of the data folder {folder}; use a path below it")
    return path
