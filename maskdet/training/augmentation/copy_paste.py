"""Copy-paste of faces: one of another image laid over one that is there.

After Ghiasi et al. 2021, "Simple Copy-Paste is a Strong Data Augmentation"; here the pasted face
takes another's place, so that head, body and surroundings stay plausible. Every class is pasted as
often as the others: the rare one is seen in more places, and the seam of a pasted face shows
nothing about its class. Small faces are pasted on anything, too: a face is one without a body.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import cv2
import numpy as np

from maskdet import boxes as box_ops
from maskdet.datasets.samples import Sample

MARGIN_SHARE = 0.18
"""What is pasted beyond the box on each side, in parts of its size; it fades out there."""
MIN_PASTED_WIDTH = 12.0
"""Faces narrower than this in their image are neither given nor replaced."""
MAX_ENLARGEMENT = 1.6
"""How far a face may be blown up."""
SCATTERED_WIDTHS = (0.015, 0.08)
"""Smallest and largest width of a face pasted anywhere, in parts of its image's long side."""
MAX_SCATTERED = 3
"""Faces that are pasted anywhere in one image, at most."""
_MAX_TRIES = 4


@dataclass(frozen=True)
class Face:
    """One face of a sample."""

    sample: Sample
    index: int

    @property
    def box(self) -> np.ndarray:
        """x1 y1 x2 y2 in pixels of its image."""
        return self.sample.boxes[self.index]

    @property
    def state(self) -> int:
        """Its class."""
        return int(self.sample.classes[self.index])

    @property
    def size(self) -> np.ndarray:
        """Width and height (2,) in pixels of its image."""
        size: np.ndarray = self.box[2:] - self.box[:2]
        return size

    @property
    def width(self) -> float:
        """In pixels of its image."""
        return float(self.size[0])


@dataclass(frozen=True, eq=False)
class PastedSample(Sample):
    """A sample with faces laid over some of its boxes; its classes are theirs already."""

    pasted: tuple[tuple[int, Face, bool], ...] = ()
    """Index of the box, the face that is laid over it, whether mirrored."""

    def read(self) -> np.ndarray:
        """The image with its pasted faces; see `Sample.read`."""
        image = super().read()
        for index, source_face, mirrored in self.pasted:
            paste_face(image, self.boxes[index], source_face, mirrored)
        return image


class CopyPaste:
    """Lays faces of all classes over others, and small ones on anything, in some images."""

    def __init__(self, samples: Sequence[Sample], share: float, scatter: float = 0.0) -> None:
        """Faces in `samples` are what is pasted.

        Args:
            samples: label every class.
            share: of the images, in which one or two faces are covered by others.
            scatter: share of the images in which small faces are pasted where there is none.
        """
        self._share, self._scatter = share, scatter
        faces = [Face(sample, i) for sample in samples for i in range(len(sample.boxes))]
        self._source_faces: dict[int, list[Face]] = {}
        for face in faces:
            if face.width >= MIN_PASTED_WIDTH and face.state >= 0:
                self._source_faces.setdefault(face.state, []).append(face)
        self._widths = {
            state: np.array([face.width for face in source_faces])
            for state, source_faces in self._source_faces.items()
        }

    def __call__(self, sample: Sample, random: np.random.Generator) -> Sample:
        """The sample, or one with faces pasted."""
        covered = self._covered(sample, random)
        if self._scatter and random.random() < self._scatter:
            return self._scattered(covered, random)
        return covered

    def _covered(self, sample: Sample, random: np.random.Generator) -> Sample:
        """The sample, or one with one or two of its faces covered."""
        wide = box_ops.widths(sample.boxes) >= MIN_PASTED_WIDTH
        places = np.flatnonzero(wide & (sample.classes >= 0))
        if not len(places) or random.random() >= self._share:
            return sample
        classes = sample.classes.copy()
        pasted = []
        for index in random.permutation(places)[: random.integers(1, 3)]:
            source_face = self._source_face(Face(sample, int(index)).width, sample.labeled, random)
            if source_face is not None:
                pasted.append((int(index), source_face, bool(random.random() < 0.5)))
                classes[index] = source_face.state
        return _with_pasted(sample, pasted, classes=classes)

    def _scattered(self, sample: Sample, random: np.random.Generator) -> Sample:
        """The sample with some small faces more, where no box is."""
        boxes, classes = sample.boxes, sample.classes
        pasted = []
        low, high = np.log(np.array(SCATTERED_WIDTHS) * max(sample.width, sample.height))
        for _ in range(int(random.integers(1, MAX_SCATTERED + 1))):
            width = float(np.exp(random.uniform(low, high)))
            face = self._source_face(width, sample.labeled, random)
            if face is None:
                continue
            place = _free_place(sample, boxes, face.size * width / face.width, random)
            if place is None:
                continue
            pasted.append((len(boxes), face, bool(random.random() < 0.5)))
            boxes = np.concatenate([boxes, place[None].astype(np.float32)])
            classes = np.append(classes, face.state)
        return _with_pasted(sample, pasted, boxes=boxes, classes=classes)

    def _source_face(
        self, width: float, labeled: Sequence[int], random: np.random.Generator
    ) -> Face | None:
        """A face, of a class drawn first, that need not be blown up much to be that wide."""
        states = [state for state in labeled if state in self._source_faces]
        if not states:
            return None
        state = states[int(random.integers(len(states)))]
        fitting = np.flatnonzero(self._widths[state] * MAX_ENLARGEMENT >= width)
        return self._source_faces[state][int(random.choice(fitting))] if len(fitting) else None


def _with_pasted(
    sample: Sample, pasted: Sequence[tuple[int, Face, bool]], **changes: np.ndarray
) -> Sample:
    """The sample with faces laid over some of its boxes, beside those that are already."""
    if not pasted:
        return sample
    known = {field.name: getattr(sample, field.name) for field in fields(sample)}
    before = known.pop("pasted", ())
    return PastedSample(**{**known, **changes}, pasted=(*before, *pasted))


def _free_place(
    sample: Sample, boxes: np.ndarray, size: np.ndarray, random: np.random.Generator
) -> np.ndarray | None:
    """A box (4,) of that size within the image that touches no other, if a few tries find one."""
    room = np.array([sample.width, sample.height]) - size
    if (room <= 0).any():
        return None
    margin = MARGIN_SHARE * size
    for _ in range(_MAX_TRIES):
        corner = random.uniform((0, 0), room)
        low, high = corner - margin, corner + size + margin
        if not ((boxes[:, :2] < high) & (boxes[:, 2:] > low)).all(axis=1).any():
            return np.concatenate([corner, corner + size])
    return None


def paste_face(image: np.ndarray, box: np.ndarray, source_face: Face, mirrored: bool) -> None:
    """Lays a face, its edge fading, over the box (4,) of an image, which is changed.

    The face keeps half of the difference in brightness between its image and this one.
    """
    crop = _around(source_face.sample.read(), source_face.box)
    if mirrored:
        crop = crop[:, ::-1]
    left, top, right, bottom = _widened(box)
    smaller = crop.shape[1] > right - left
    method = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    face = cv2.resize(crop, (right - left, bottom - top), interpolation=method).astype(np.float32)
    x1, y1 = max(0, left), max(0, top)
    x2, y2 = min(image.shape[1], right), min(image.shape[0], bottom)
    if x2 <= x1 or y2 <= y1:
        return
    part = (slice(y1 - top, y2 - top), slice(x1 - left, x2 - left))
    under = image[y1:y2, x1:x2]
    face = face[part] + (under.mean() - face[part].mean()) / 2
    alpha = _fading_ellipse(right - left, bottom - top)[part][..., None]
    image[y1:y2, x1:x2] = np.clip(face * alpha + under * (1 - alpha), 0, 255).astype(np.uint8)


def _widened(box: np.ndarray) -> tuple[int, int, int, int]:
    """The box with its margin, in whole pixels, at least one wide and high."""
    margin = np.tile((box[2:] - box[:2]) * MARGIN_SHARE, 2) * [-1, -1, 1, 1]
    left, top, right, bottom = (int(value) for value in np.round(box + margin))
    return left, top, max(right, left + 1), max(bottom, top + 1)


def _around(image: np.ndarray, box: np.ndarray) -> np.ndarray:
    """The box with its margin cut out; what lies beyond the image repeats its edge."""
    left, top, right, bottom = _widened(box)
    height, width = image.shape[:2]
    rows = np.clip(np.arange(top, bottom), 0, height - 1)
    columns = np.clip(np.arange(left, right), 0, width - 1)
    return image[rows[:, None], columns]


def _fading_ellipse(width: int, height: int) -> np.ndarray:
    """Opacity (height, width): 1 in the middle, from three quarters outwards fading to 0."""
    across = (np.arange(width, dtype=np.float32) + 0.5) * 2 / width - 1
    down = (np.arange(height, dtype=np.float32) + 0.5) * 2 / height - 1
    radius = np.hypot(across[None, :], down[:, None])
    return np.clip((1 - radius) / 0.25, 0, 1)
