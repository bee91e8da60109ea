"""Augmentation for small faces: one random view of one or four images, boxes carried along.

Every function takes its random generator, so that a seed gives the same view again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from maskdet import boxes as box_ops
from maskdet.datasets.samples import Sample
from maskdet.images import conditions
from maskdet.images.letterbox import GRAY
from maskdet.images.warping import warp
from maskdet.training.augmentation.photometric import degrade, jitter_color

IGNORE = -1
"""Class of a face cut so far that it is neither a face nor background."""
CLOSE_UP_WIDTHS = (0.2, 0.95)
"""Smallest and largest share of a close-up's width that its face has."""
CLOSE_UP_ENLARGEMENT = 4.0
"""How far a face is enlarged at most for a close-up: beyond it there is nothing but blur."""
MIN_CLOSE_UP_WIDTH = 32.0
"""Faces narrower than this many pixels in their image give no close-up."""
CROWD_GRID = (3, 4)
"""Smallest and largest number of images along either side of a crowd."""
_MAX_TRIES = 4


@dataclass(frozen=True, eq=False)
class View:
    """An image (BGR uint8) as the network will see it, with its boxes (N, 4) and classes (N,)."""

    image: np.ndarray
    boxes: np.ndarray
    classes: np.ndarray


@dataclass(frozen=True)
class Augmentation:
    """Limits of the difference between views and their images.

    Attributes:
        size: side in pixels of the square view.
        long_side: what an image's long side is resized to before jitter.
        scale: smallest and largest factor of that.
        mosaic: share of views made of four images.
        rotation: degrees to either side, in a third of the views.
        stretch: largest width for the same height, and height for the same width, in a third
            of the views: a head that is bent back looks flat.
        color: strength 0–1 of brightness, contrast, hue and saturation changes.
        degrade: share of views blurred, noised or JPEG-compressed.
        conditions: share of views in bad light or of a bad camera; see
            `maskdet.images.conditions`.
        close_up: share of views in which one face fills a fifth of the width and more; in half of
            them an edge or two cut it.
        crowd: share of views made of many small images.
        background: share of views without any face.
        smallest: faces narrower than this in the view are ignored.
        visible: share of a face that must be in view for it to count.
    """

    size: int = 448
    long_side: int = 640
    scale: tuple[float, float] = (0.5, 1.6)
    mosaic: float = 0.4
    rotation: float = 10.0
    stretch: float = 1.0
    color: float = 0.6
    degrade: float = 0.25
    conditions: float = 0.0
    close_up: float = 0.0
    crowd: float = 0.0
    background: float = 0.0
    smallest: float = 4.0
    visible: float = 0.5

    def view(
        self, sample: Sample, others: Callable[[], Sample], random: np.random.Generator
    ) -> View:
        """A random view of a sample; `others` draws further ones for views of several."""
        view = self._plain_view(sample, others, random)
        if random.random() < 0.5:
            view = flip(view)
        image = jitter_color(view.image, self.color, random)
        if random.random() < self.conditions:
            image = self._worsen(image, view.boxes, random)
        elif random.random() < self.degrade:
            image = degrade(image, random)
        return View(image, view.boxes, view.classes)

    def _plain_view(
        self, sample: Sample, others: Callable[[], Sample], random: np.random.Generator
    ) -> View:
        """A view as the camera saw it, of a kind drawn by the kinds' shares."""
        kind = random.random()
        if (kind := kind - self.close_up) < 0:
            return self._close_up(sample, others, random)
        if (kind := kind - self.background) < 0:
            return self._background(sample, others, random)
        if (kind := kind - self.crowd) < 0:
            return self._crowd(sample, others, random)
        if random.random() < self.mosaic:
            return self._mosaic([sample, others(), others(), others()], random)
        return self._single(sample, self.size, self.size, random, self.scale)

    def _worsen(
        self, image: np.ndarray, boxes: np.ndarray, random: np.random.Generator
    ) -> np.ndarray:
        """One condition of a random severity, or two that are less severe."""
        count = 1 if random.random() < 0.7 else 2
        highest = conditions.MAX_SEVERITY if count == 1 else 3.0
        for name in random.choice(list(conditions.CONDITIONS), count, replace=False):
            image = conditions.apply(name, image, random.uniform(0.5, highest), random, boxes)
        return image

    def _close_up(
        self, sample: Sample, others: Callable[[], Sample], random: np.random.Generator
    ) -> View:
        """A view that one face fills, whole or cut by one or two edges."""
        for _ in range(_MAX_TRIES):
            widths = box_ops.widths(sample.boxes)
            wide = np.flatnonzero((widths >= MIN_CLOSE_UP_WIDTH) & (sample.classes >= 0))
            if len(wide):
                break
            sample = others()
        else:
            return self._single(sample, self.size, self.size, random, self.scale)
        index = int(random.choice(wide))
        low, high = np.log(CLOSE_UP_WIDTHS)
        wanted = np.exp(random.uniform(low, high)) * self.size
        factor = min(wanted / widths[index], CLOSE_UP_ENLARGEMENT) * self._stretch(random)
        box = sample.boxes[index] * np.tile(factor, 2)
        inside = np.sort(np.stack([box[2:] - self.size, box[:2]]), axis=0)
        corner = random.uniform(*inside)
        if random.random() < 0.5:  # an edge cuts up to 45 % of the face
            for axis in range(2) if random.random() < 0.3 else (random.integers(2),):
                cut = random.uniform(0, 0.45) * (box[axis + 2] - box[axis])
                ends = (box[axis] + cut, box[axis + 2] - cut - self.size)
                corner[axis] = ends[int(random.integers(2))]
        return self._crop(sample, self.size, self.size, random, factor, corner)

    def _background(
        self, sample: Sample, others: Callable[[], Sample], random: np.random.Generator
    ) -> View:
        """A view without faces: a part of an image between them, enlarged."""
        for _ in range(_MAX_TRIES):
            for _ in range(_MAX_TRIES):
                side = random.uniform(0.2, 0.8) * min(sample.width, sample.height)
                corner = random.uniform((0, 0), (sample.width - side, sample.height - side))
                part = np.concatenate([corner, corner + side])[None]
                if not len(sample.boxes) or not (box_ops.iou(part, sample.boxes) > 0).any():
                    factor = np.full(2, self.size / side)
                    return self._crop(sample, self.size, self.size, random, factor, corner * factor)
            sample = others()
        return self._single(sample, self.size, self.size, random, self.scale)

    def _crowd(
        self, sample: Sample, others: Callable[[], Sample], random: np.random.Generator
    ) -> View:
        """A grid of images made small: many faces, all of them far."""
        count = int(random.integers(CROWD_GRID[0], CROWD_GRID[1] + 1))
        edges = np.linspace(0, self.size, count + 1).astype(int)
        canvas = np.full((self.size, self.size, 3), GRAY, np.uint8)
        boxes, classes = [], []
        drawn = [sample, *(others() for _ in range(min(count * count, 9) - 1))]
        for place in range(count * count):
            row, column = divmod(place, count)
            (top, bottom), (left, right) = edges[row : row + 2], edges[column : column + 2]
            share = (right - left) / self.long_side
            scale = (share * 0.8, share * 1.8)
            each = drawn[place % len(drawn)]
            part = self._single(each, int(right - left), int(bottom - top), random, scale)
            canvas[top:bottom, left:right] = part.image
            boxes.append(part.boxes + np.array([left, top, left, top], np.float32))
            classes.append(part.classes)
        return View(canvas, np.concatenate(boxes), np.concatenate(classes))

    def _mosaic(self, samples: list[Sample], random: np.random.Generator) -> View:
        """Four views around a random cross, each at a smaller scale."""
        cross = (random.uniform(0.3, 0.7, 2) * self.size).astype(int)
        canvas = np.full((self.size, self.size, 3), GRAY, np.uint8)
        spans = [[(0, int(middle)), (int(middle), self.size)] for middle in cross]
        boxes, classes = [], []
        low, high = self.scale
        for index, sample in enumerate(samples):
            (left, right), (top, bottom) = spans[0][index % 2], spans[1][index // 2]
            part = self._single(sample, right - left, bottom - top, random, (low * 0.8, high * 0.7))
            canvas[top:bottom, left:right] = part.image
            boxes.append(part.boxes + np.array([left, top, left, top], np.float32))
            classes.append(part.classes)
        return View(canvas, np.concatenate(boxes), np.concatenate(classes))

    def _single(
        self,
        sample: Sample,
        width: int,
        height: int,
        random: np.random.Generator,
        scale: tuple[float, float],
    ) -> View:
        """A crop of one image, resized, perhaps rotated, placed at random."""
        jitter = np.exp(random.uniform(*np.sort(np.log(scale))))
        factor = jitter * self.long_side / max(sample.width, sample.height) * self._stretch(random)
        corner = self._corner(sample, factor, width, height, random)
        return self._crop(sample, width, height, random, factor, corner)

    def _crop(
        self,
        sample: Sample,
        width: int,
        height: int,
        random: np.random.Generator,
        factor: np.ndarray,
        corner: np.ndarray,
    ) -> View:
        """A part of an image resized, perhaps rotated.

        Args:
            sample: whose image.
            width: of the part, in pixels of the view.
            height: of the part.
            random: draws the rotation.
            factor: (2,), pixels of the view for one of the image, across and down.
            corner: x, y of the part's upper left corner in the resized image.
        """
        image = sample.read()
        left_over = factor
        if factor.min() < 0.75:  # the warp below would alias
            shrunk = np.minimum(factor, 1)
            smaller = np.maximum(1, np.round(shrunk * [sample.width, sample.height]))
            image = cv2.resize(image, smaller.astype(int).tolist(), interpolation=cv2.INTER_AREA)
            left_over = factor / shrunk
        angle = random.uniform(-1, 1) * self.rotation if random.random() < 1 / 3 else 0.0
        matrix = cv2.getRotationMatrix2D((0, 0), angle, 1)
        matrix[:, :2] *= left_over
        middle = np.array([width / 2, height / 2])
        matrix[:, 2] = middle - matrix[:, :2] @ ((corner + middle) / left_over)
        warped = warp(image, matrix, (width, height))
        ratio = np.array([image.shape[1] / sample.width, image.shape[0] / sample.height])
        boxes = box_ops.warp(sample.boxes * np.tile(ratio, 2), matrix)
        return self._visible(View(warped, boxes, sample.classes), width, height)

    def _stretch(self, random: np.random.Generator) -> np.ndarray:
        """Factors (2,) by which a view is wider and taller."""
        wider = self.stretch ** random.uniform(-0.5, 0.5) if random.random() < 1 / 3 else 1.0
        return np.array([wider, 1 / wider])

    def _corner(
        self,
        sample: Sample,
        factor: np.ndarray,
        width: int,
        height: int,
        random: np.random.Generator,
    ) -> np.ndarray:
        """Where the crop begins in the resized image; mostly such that it holds a face."""
        size = np.array([sample.width, sample.height]) * factor
        crop = np.array([width, height])
        low, high = np.minimum(0, size - crop), np.maximum(0, size - crop)
        if len(sample.boxes) and random.random() < 0.8:
            box = sample.boxes[random.integers(len(sample.boxes))] * np.tile(factor, 2)
            low = np.clip(box[2:] - crop, low, high)
            high = np.clip(box[:2], low, high)
        return random.uniform(low, high)

    def _visible(self, view: View, width: int, height: int) -> View:
        """Boxes cut to the view; the barely visible become ignored, the invisible go."""
        clipped = box_ops.clip(view.boxes, width, height)
        share = box_ops.area(clipped) / np.maximum(box_ops.area(view.boxes), 1e-6)
        small = (clipped[:, 2:] - clipped[:, :2]).min(axis=1)
        doubtful = (share < self.visible) | (small < self.smallest)
        classes = np.where(doubtful, IGNORE, view.classes)
        keep = (share > 0) & (small > 1)
        return View(view.image, clipped[keep].astype(np.float32), classes[keep])


def flip(view: View) -> View:
    """Left becomes right."""
    width = view.image.shape[1]
    boxes = view.boxes[:, [2, 1, 0, 3]] * [-1, 1, -1, 1] + [width, 0, width, 0]
    image = np.ascontiguousarray(view.image[:, ::-1])
    return View(image, boxes.astype(np.float32), view.classes)
