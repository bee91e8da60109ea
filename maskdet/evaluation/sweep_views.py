"""Views of annotated images that differ in one thing alone: size, cut, tilt, light, no face."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields

import cv2
import numpy as np

from maskdet import boxes as box_ops
from maskdet.datasets.samples import Sample
from maskdet.images import conditions
from maskdet.images.warping import warp

VIEW = (640, 480)
"""Width and height in pixels of the size sweep's views, as most webcams give them."""
CUT_SHARE = 0.3
"""Share of the face that an edge cuts off, in the part of the sweep that has cut faces."""
ENLARGEMENT = 2.5
"""A face is enlarged by so much at most: what is blurred shows nothing of size."""
_MAX_TRIES = 16


@dataclass(frozen=True, eq=False)
class MadeSample(Sample):
    """A sample whose image is made when it is read.

    Attributes:
        make: returns the image.
    """

    make: Callable[[], np.ndarray] = lambda: np.zeros((1, 1, 3), np.uint8)

    def read(self) -> np.ndarray:
        """The image; see `Sample.read`."""
        return self.make()


def size_views(
    samples: Sequence[Sample], share: float, count: int, *, cut: bool = False
) -> Iterator[MadeSample]:
    """Views in each of which one face takes a share of the width, all states in turn.

    Args:
        samples: images; faces that would have to be enlarged much are left out.
        share: of the view's width.
        count: of views at most.
        cut: whether an edge cuts the face.
    """
    random = np.random.default_rng(round(share * 1000) + cut)
    by_state: dict[int, list[tuple[Sample, int]]] = {}
    for sample in samples:
        widths = box_ops.widths(sample.boxes)
        for index in np.flatnonzero(widths * ENLARGEMENT >= share * VIEW[0]).tolist():
            by_state.setdefault(int(sample.classes[index]), []).append((sample, index))
    for state, faces in by_state.items():
        order = random.permutation(len(faces))[: -(-count // len(by_state))]
        by_state[state] = [faces[i] for i in order]
    for faces in by_state.values():
        for sample, index in faces:
            yield _size_view(sample, index, share, random, cut)


def _size_view(
    sample: Sample, index: int, share: float, random: np.random.Generator, cut: bool
) -> MadeSample:
    width, height = VIEW
    factor = share * width / float(sample.boxes[index, 2] - sample.boxes[index, 0])
    box = sample.boxes[index] * factor
    ends = np.sort(np.stack([box[2:] - VIEW, box[:2]]), axis=0)
    corner = random.uniform(*ends)
    if cut:
        axis = int(random.integers(2))
        part = CUT_SHARE * (box[axis + 2] - box[axis])
        corner[axis] = (box[axis] + part, box[axis + 2] - part - VIEW[axis])[random.integers(2)]
    boxes = box_ops.clip(sample.boxes * factor - np.tile(corner, 2), width, height)
    wide = box_ops.area(boxes) > 0

    def make() -> np.ndarray:
        image = sample.read()
        scale = np.diag([factor, factor, 1.0])
        if factor < 0.75:
            smaller = [max(1, round(side * factor)) for side in (sample.width, sample.height)]
            image = cv2.resize(image, smaller, interpolation=cv2.INTER_AREA)
            scale = np.eye(3)
        return warp(image, np.array([[1, 0, -corner[0]], [0, 1, -corner[1]]]) @ scale, VIEW)

    keep = np.flatnonzero(wide)
    first = np.concatenate([[index], keep[keep != index]])  # the face that the view is made for
    return MadeSample(
        sample.file,
        width,
        height,
        boxes[first].astype(np.float32),
        sample.classes[first],
        sample.labeled,
        make=make,
    )


def tilted_view(sample: Sample, degrees: float) -> MadeSample:
    """An image turned about its middle, whole, gray around it: a head held askew, or a camera.

    Args:
        sample: the image.
        degrees: counterclockwise.
    """
    size = np.array([sample.width, sample.height])
    matrix = cv2.getRotationMatrix2D((0, 0), degrees, 1)
    width, height = np.ceil(np.abs(matrix[:, :2]) @ size).astype(int).tolist()
    matrix[:, 2] = np.array([width, height]) / 2 - matrix[:, :2] @ (size / 2)

    def make() -> np.ndarray:
        return warp(sample.read(), matrix, (width, height))

    return MadeSample(
        sample.file,
        width,
        height,
        box_ops.warp(sample.boxes, matrix),
        sample.classes,
        sample.labeled,
        make=make,
    )


def condition_view(sample: Sample, name: str, severity: int) -> MadeSample:
    """An image under a condition, the same each time."""

    def make() -> np.ndarray:
        random = np.random.default_rng((severity, sample.width, sample.height))
        return conditions.apply(name, sample.read(), severity, random, sample.boxes)

    known = {field.name: getattr(sample, field.name) for field in fields(Sample)}
    return MadeSample(**known, make=make)


def empty_views(samples: Sequence[Sample], count: int) -> Iterator[np.ndarray]:
    """Views of what is between the faces, enlarged; at most one an image."""
    random = np.random.default_rng(0)
    made = 0
    for index in random.permutation(len(samples)):
        sample = samples[index]
        for _ in range(_MAX_TRIES):
            side = random.uniform(0.15, 0.6) * min(sample.width, sample.height)
            corner = random.uniform((0, 0), (sample.width - side, sample.height - side))
            part = np.concatenate([corner, corner + side])
            if not _shares(part, sample.boxes):
                x1, y1, x2, y2 = part.astype(int)
                cropped = sample.read()[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)]
                yield cv2.resize(cropped, (480, 480), interpolation=cv2.INTER_LINEAR)
                made += 1
                break
        if made == count:
            return


def _shares(part: np.ndarray, boxes: np.ndarray) -> bool:
    """Whether a part of an image shares anything with a face or its surroundings."""
    margin = (boxes[:, 2:] - boxes[:, :2]) * 0.3
    low, high = boxes[:, :2] - margin, boxes[:, 2:] + margin
    inside = (np.minimum(high, part[2:]) > np.maximum(low, part[:2])).all(axis=1)
    return bool(inside.any())
