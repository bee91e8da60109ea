"""An image with the looks that are planned for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from maskdet import boxes as box_ops
from maskdet.detections import Detections
from maskdet.runtimes.looks.plan import LookPlan
from maskdet.runtimes.looks.state_memory import StateMemory
from maskdet.runtimes.looks.tiling import tiles_of, views_of

HALVED = 3
"""From so many pixels of an image for one of an input on it is halved first: means of two by two
pixels take a twentieth of the time of uneven ones, and no detail that is left changes."""


@dataclass
class LookTask:
    """An image with the looks that are planned for it.

    Attributes:
        image: BGR uint8 (height, width, 3).
        input_side: longest side in pixels of the network's input.
        plan: of its looks.
        is_due: which parts are processed (N,); None: all.
        states: those that looks at the camera's last frames have shown; None: no camera's image.
    """

    image: np.ndarray
    input_side: int
    plan: LookPlan
    is_due: np.ndarray | None = None
    states: StateMemory | None = None

    def __post_init__(self) -> None:
        self.size: tuple[int, int] = (self.image.shape[0], self.image.shape[1])
        """Height and width in pixels."""
        self.whole: np.ndarray = halved(self.image, self.input_side)
        """The image as the look at the whole gets it."""
        count = self.plan.parts
        self.parts: np.ndarray = (
            tiles_of(*self.size, count) if count > 1 else np.zeros((0, 4), np.int64)
        )
        """All of its parts (N, 4), x1 y1 x2 y2 in whole pixels; none where the plan has none."""

    @property
    def side(self) -> int:
        """The longer one of height and width."""
        return max(self.size)

    @property
    def cost(self) -> float:
        """Time that its looks take together, in looks at full size."""
        return self.plan.cost - (len(self.parts) - len(self.cuts))

    @property
    def cuts(self) -> np.ndarray:
        """The parts (N, 4) that are processed."""
        return self.parts if self.is_due is None else self.parts[self.is_due]

    @property
    def shown_parts(self) -> np.ndarray:
        """All parts (N, 4); where the plan has none, the whole image."""
        return self.parts if len(self.parts) else np.array([[0, 0, *self.size[::-1]]])

    def due(self, found: Detections) -> Detections:
        """The faces whose middle is in a part that is processed; all, where there are no parts."""
        if not len(self.parts):
            return found
        middles = box_ops.centers(found.boxes)[:, None]
        cuts = self.cuts
        inside = (middles >= cuts[:, :2]) & (middles <= cuts[:, 2:])
        return found[np.any(np.all(inside, axis=2), axis=1)]


def views_at(tasks: Sequence[LookTask], places: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The places (N, 4) of each image as images."""
    pairs = zip(tasks, places, strict=True)
    return [view for task, cuts in pairs for view in views_of(task.image, cuts)]


def halved(image: np.ndarray, side: int) -> np.ndarray:
    """An image (BGR uint8), halved as often as it still has plenty of pixels for an input.

    Args:
        image: of any size.
        side: longest side in pixels of the input.
    """
    while max(image.shape[:2]) >= HALVED * side:
        size = max(1, image.shape[1] // 2), max(1, image.shape[0] // 2)
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return image


def enlarged(found: Detections, view: np.ndarray, size: tuple[int, int]) -> Detections:
    """Faces of a halved image in the pixels of the image itself.

    Args:
        found: in the pixels of the halved one.
        view: the halved one (height, width, 3).
        size: height and width of the image itself.
    """
    if view.shape[:2] == size:
        return found
    factor = np.array([size[1] / view.shape[1], size[0] / view.shape[0]] * 2, np.float32)
    return replace(found, boxes=found.boxes * factor)
