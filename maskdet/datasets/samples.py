"""Annotated images: what a data set is once its format no longer matters."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from maskdet.datasets.problems import Problems
from maskdet.detections import CLASS_NAMES
from maskdet.errors import DatasetError, reason_of
from maskdet.images.decoding import ImageError, decode_image
from maskdet.model.class_names import NOT_A_FACE, guess_state, map_states

LEFT_OUT = "boxes of class {!r} that were left out, as they show no face"


@dataclass(frozen=True, eq=False)
class Sample:
    """One annotated image, not yet read.

    Attributes:
        file: where the image lies.
        width: in pixels, as annotated.
        height: in pixels, as annotated.
        boxes: float32 (N, 4), x1 y1 x2 y2 in pixels of the image.
        classes: int64 (N,), indices into `CLASS_NAMES`, or into `DataSet.names` while it is in one.
        labeled: the classes that its data set labels at all; a face of another class stands
            there under a wrong name.
        span: first byte and length of the image within the file, where the file holds more.
        name: what its data set calls it; empty: the file's name.
        part: ``train``, ``val`` or ``test``, where its data set is divided so; else empty.
    """

    file: Path
    width: int
    height: int
    boxes: np.ndarray
    classes: np.ndarray
    labeled: tuple[int, ...] = tuple(range(len(CLASS_NAMES)))
    span: tuple[int, int] | None = None
    name: str = ""
    part: str = ""

    @property
    def title(self) -> str:
        """The image as messages name it."""
        return f"{self.file}, picture {self.name[:80]!r}" if self.span else str(self.file)

    def read(self) -> np.ndarray:
        """The image, BGR uint8 (height, width, 3).

        Raises:
            DatasetError: it is missing, broken or of another size than annotated.
        """
        try:
            image = decode_image(self.content())
        except ImageError as error:
            message = f"{self.title}: cannot be read as a picture: it {error}"
            raise DatasetError(message) from None
        if image.shape[:2] != (self.height, self.width):
            raise DatasetError(
                f"{self.title}: is {image.shape[1]}×{image.shape[0]} but annotated as "
                f"{self.width}×{self.height}; correct its annotation"
            )
        return image

    def content(self) -> bytes:
        """The image's file as it is, not decoded.

        Raises:
            DatasetError: it cannot be read.
        """
        start, length = self.span or (0, -1)
        try:
            with open(self.file, "rb") as file:
                file.seek(start)
                return file.read(length)
        except OSError as error:
            reason = reason_of(error)
            raise DatasetError(f"{self.title}: cannot be read: {reason}") from None


@dataclass(frozen=True, eq=False)
class DataSet:
    """Annotated images under the class names that they came with.

    Attributes:
        samples: their `classes` are indices into `names`.
        names: of the classes; some may have no box.
        places: where each box of each sample is written, as ``a.csv:7``, for messages.
    """

    samples: list[Sample]
    names: tuple[str, ...]
    places: list[list[str]]

    def in_states(
        self,
        mapping: Mapping[str, str] | None = None,
        labeled: tuple[int, ...] = tuple(range(len(CLASS_NAMES))),
        problems: Problems | None = None,
    ) -> list[Sample]:
        """The samples with mask states for classes, as networks learn them.

        Args:
            mapping: see `maskdet.model.class_names.map_states`; boxes that show no face are left
                out.
            labeled: see `Sample`.
            problems: takes a note for each box that is left out.

        Raises:
            DatasetError: a class's state cannot be determined.
        """
        chosen = mapping or {}
        faces = self.without({n for n, state in chosen.items() if state == NOT_A_FACE}, problems)
        used = sorted({int(index) for sample in faces.samples for index in sample.classes})
        names = [self.names[index] for index in used]
        strange = {i for i, name in zip(used, names, strict=True) if _unknown(name, chosen)}
        states = np.zeros(len(self.names), np.int64)
        where = self._place_of(strange)
        mapped = map_states(names, chosen, where=where, error=DatasetError)
        states[used] = [state for state in mapped if state is not None]  # all: see above
        return [
            replace(sample, classes=states[sample.classes], labeled=labeled)
            for sample in faces.samples
        ]

    def without(self, names: Collection[str], problems: Problems | None = None) -> DataSet:
        """The same without the boxes of some classes; their images stay.

        Args:
            names: of the classes.
            problems: takes a note for each box that is left out.
        """
        left_out = {index for index, name in enumerate(self.names) if name in names}
        if not left_out:
            return self
        samples, all_places = [], []
        for sample, places in zip(self.samples, self.places, strict=True):
            kept = ~np.isin(sample.classes, list(left_out))
            for index in np.flatnonzero(~kept).tolist():
                if problems is not None:
                    name = self.names[sample.classes[index]]
                    problems.note(LEFT_OUT.format(name[:40]), places[index], "")
            boxes, classes = sample.boxes[kept], sample.classes[kept]
            samples.append(replace(sample, boxes=boxes, classes=classes))
            all_places.append(
                [place for place, is_kept in zip(places, kept, strict=True) if is_kept]
            )
        return DataSet(samples, self.names, all_places)

    def with_names(self, names: Sequence[str]) -> DataSet:
        """The same with its classes in another order, or with more of them.

        Raises:
            DatasetError: a class that has a box is not among them.
        """
        used = {int(index) for sample in self.samples for index in sample.classes}
        index = np.zeros(len(self.names), np.int64)
        for number in sorted(used):
            try:
                index[number] = class_index(self.names[number], names)
            except DatasetError as error:
                raise DatasetError(f"{self._place_of({number})}: {error}") from None
        samples = [replace(sample, classes=index[sample.classes]) for sample in self.samples]
        return DataSet(samples, tuple(names), self.places)

    def _place_of(self, classes: set[int]) -> str:
        """Where a box of any of these classes is written first."""
        for sample, places in zip(self.samples, self.places, strict=True):
            for index, place in zip(sample.classes.tolist(), places, strict=True):
                if index in classes:
                    return place
        return ""


def scene_names(samples: Sequence[Sample], scene: str) -> list[str | None]:
    """The person or scene that each sample's image shows.

    Args:
        samples: of a data set.
        scene: a regular expression; what its one group matches in the image's path names the
            scene. None for an image without a match, which is a scene of its own; empty: each is.
    """
    if not scene:
        return [None] * len(samples)
    found = [re.search(scene, sample.file.as_posix()) for sample in samples]
    return [match[1] if match else None for match in found]


def limit_scenes(
    samples: Sequence[Sample], names: Sequence[str | None], limit: int
) -> list[Sample]:
    """No more than some images of each scene, in the order as they come.

    Args:
        samples: of a data set.
        names: of their scenes; see `scene_names`.
        limit: images of a scene; which ones is drawn, each time the same.
    """
    kept: list[int] = []
    taken: Counter[str] = Counter()
    for index in np.random.default_rng(0).permutation(len(samples)).tolist():
        name = names[index]
        if name is not None:
            taken[name] += 1
            if taken[name] > limit:
                continue
        kept.append(index)
    return [samples[index] for index in sorted(kept)]


def check_scene(scene: str) -> str:
    """A regular expression that can name scenes, unchanged.

    Raises:
        ValueError: it is none, or has not just one group.
    """
    try:
        groups = re.compile(scene).groups
    except re.error as error:
        raise ValueError(f"is not a regular expression: {error}") from None
    if scene and groups != 1:
        raise ValueError("must have one group, as in '([a-z]+)_[0-9]+'")
    return scene


def _unknown(name: str, mapping: Mapping[str, str]) -> bool:
    return name not in mapping and guess_state(name) is None


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
        shown = name if name.isprintable() else repr(name)
        raise DatasetError(
            f"{shown:.200}: leads out of the data folder {folder}; use a path below it"
        )
    return path
