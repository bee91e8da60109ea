"""Augmentation for small faces: one random view of one or four pictures, boxes carried along.

Every function takes its random generator, so that a seed gives the same view again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from maskdet import boxes as box_ops
from maskdet.training.dataset import Sample

GREY = 114
IGNORE = -1
"""Class of a face cut so far that it is neither a face nor background."""


@dataclass(frozen=True, eq=False)
class View:
    """A picture (BGR uint8) as the network will see it, with its boxes (N, 4) and classes (N,)."""

    image: np.ndarray
    boxes: np.ndarray
    classes: np.ndarray


@dataclass(frozen=True)
class Augmentation:
    """How far views may differ from their pictures.

    Attributes:
        size: side in pixels of the square view.
        long_side: what a picture's long side is resized to before jitter.
        scale: smallest and largest factor of that.
        mosaic: share of views made of four pictures.
        rotation: degrees to either side, in a third of the views.
        colour: strength 0–1 of brightness, contrast, hue and saturation changes.
        degrade: share of views blurred, noised or JPEG-compressed.
        smallest: faces narrower than this in the view are ignored.
        visible: share of a face that must be in view for it to count.
    """

    size: int = 448
    long_side: int = 640
    scale: tuple[float, float] = (0.5, 1.6)
    mosaic: float = 0.4
    rotation: float = 10.0
    colour: float = 0.6
    degrade: float = 0.25
    smallest: float = 4.0
    visible: float = 0.5

    def view(
        self, sample: Sample, others: Callable[[], Sample], random: np.random.Generator
    ) -> View:
        """A random view of a sample; `others` draws further ones for a mosaic."""
        if random.random() < self.mosaic:
            view = self._mosaic([sample, others(), others(), others()], random)
        else:
            view = self._single(sample, self.size, self.size, random, self.scale)
        if random.random() < 0.5:
            view = flip(view)
        image = jitter_colour(view.image, self.colour, random)
        if random.random() < self.degrade:
            image = degrade(image, random)
        return View(image, view.boxes, view.classes)

    def _mosaic(self, samples: list[Sample], random: np.random.Generator) -> View:
        """Four views around a random cross, each at a smaller scale."""
        cross = (random.uniform(0.3, 0.7, 2) * self.size).astype(int)
        canvas = np.full((self.size, self.size, 3), GREY, np.uint8)
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
        """A crop of one picture, resized, perhaps rotated, placed at random."""
        image = sample.read()
        jitter = np.exp(random.uniform(*np.sort(np.log(scale))))
        factor = jitter * self.long_side / max(sample.width, sample.height)
        left_over = factor
        if factor < 0.75:  # the warp below would alias
            smaller = [max(1, round(side * factor)) for side in (sample.width, sample.height)]
            image = cv2.resize(image, smaller, interpolation=cv2.INTER_AREA)
            left_over = 1.0
        angle = random.uniform(-1, 1) * self.rotation if random.random() < 1 / 3 else 0.0
        matrix = cv2.getRotationMatrix2D((0, 0), angle, left_over)
        corner = self._corner(sample, factor, width, height, random)
        focus = np.array([image.shape[1] / 2, image.shape[0] / 2]) * left_over
        turned = matrix[:, :2] @ np.array([image.shape[1] / 2, image.shape[0] / 2])
        matrix[:, 2] = focus - turned - corner
        by_centres = matrix.copy()  # OpenCV counts from a pixel's centre, boxes from its corner
        by_centres[:, 2] += matrix[:, :2].sum(axis=1) / 2 - 0.5
        warped = cv2.warpAffine(
            image, by_centres, (width, height), flags=cv2.INTER_LINEAR, borderValue=(GREY,) * 3
        )
        ratio = np.array([image.shape[1] / sample.width, image.shape[0] / sample.height])
        boxes = turn_boxes(sample.boxes * np.tile(ratio, 2), matrix)
        return self._visible(View(warped, boxes, sample.classes), width, height)

    def _corner(
        self, sample: Sample, factor: float, width: int, height: int, random: np.random.Generator
    ) -> np.ndarray:
        """Where the crop begins in the resized picture; mostly such that it holds a face."""
        size = np.array([sample.width, sample.height]) * factor
        crop = np.array([width, height])
        low, high = np.minimum(0, size - crop), np.maximum(0, size - crop)
        if len(sample.boxes) and random.random() < 0.8:
            box = sample.boxes[random.integers(len(sample.boxes))] * factor
            low = np.clip(box[2:] - crop, low, high)
            high = np.clip(box[:2], low, high)
        return random.uniform(low, high)

    def _visible(self, view: View, width: int, height: int) -> View:
        """Boxes cut to the view; the barely visible become ignored, the invisible go."""
        clipped = box_ops.clip(view.boxes, width, height)
        share = box_ops.area(clipped) / np.maximum(box_ops.area(view.boxes), 1e-6)
        small = np.minimum(clipped[:, 2] - clipped[:, 0], clipped[:, 3] - clipped[:, 1])
        doubtful = (share < self.visible) | (small < self.smallest)
        classes = np.where(doubtful, IGNORE, view.classes)
        keep = (share > 0) & (small > 1)
        return View(view.image, clipped[keep].astype(np.float32), classes[keep])


def turn_boxes(boxes: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Boxes (N, 4) under an affine map (2, 3), a face taken as the ellipse inside its box."""
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2 @ matrix[:, :2].T + matrix[:, 2]
    half = np.sqrt(((boxes[:, 2:] - boxes[:, :2]) / 2) ** 2 @ (matrix[:, :2] ** 2).T)
    return np.concatenate([centre - half, centre + half], axis=1).astype(np.float32)


def flip(view: View) -> View:
    """Left becomes right."""
    width = view.image.shape[1]
    boxes = view.boxes[:, [2, 1, 0, 3]] * [-1, 1, -1, 1] + [width, 0, width, 0]
    image = np.ascontiguousarray(view.image[:, ::-1])
    return View(image, boxes.astype(np.float32), view.classes)


def jitter_colour(image: np.ndarray, strength: float, random: np.random.Generator) -> np.ndarray:
    """Brightness, contrast, colour cast and saturation changed at once; grey now and then."""
    gain = np.exp(random.normal(0, 0.25 * strength)) * np.exp(random.normal(0, 0.08 * strength, 3))
    shift = random.normal(0, 20 * strength)
    table = np.clip((np.arange(256)[:, None] - 128) * gain + 128 + shift, 0, 255)
    image = cv2.LUT(image, table[None].astype(np.uint8))
    dull = random.random() < 0.08 * strength
    saturation = 0.0 if dull else np.exp(random.normal(0, 0.3 * strength))
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    return cv2.addWeighted(image, saturation, grey, 1 - saturation, 0)


def degrade(image: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """What cameras and codecs do: blur, noise, JPEG, or a coarser picture blown up."""
    kind = random.integers(4)
    if kind == 0:
        return cv2.GaussianBlur(image, (0, 0), random.uniform(0.5, 1.5))
    if kind == 1:
        noise = random.normal(0, random.uniform(3, 12), image.shape).astype(np.float32)
        return np.clip(image + noise, 0, 255).astype(np.uint8)
    if kind == 2:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(random.uniform(20, 70))]
        decoded = cv2.imdecode(cv2.imencode(".jpg", image, quality)[1], cv2.IMREAD_COLOR)
        assert decoded is not None  # it was encoded a moment ago
        return decoded
    height, width = image.shape[:2]
    factor = random.uniform(0.5, 0.8)
    small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
