"""Images of any sizes: one after another, or in batches of one size."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import numpy as np

from maskdet.contracts import require_images
from maskdet.detections import Detections


class SingleImageDetector:
    """The part of a detector that processes one image after another; a subclass has `_detect`."""

    def detect(self, images: Sequence[np.ndarray]) -> list[Detections]:
        """Faces of each image (BGR uint8), best first; one after another."""
        require_images(images)
        return [self._detect(image) for image in images]

    def warm_up(self, height: int = 480, width: int = 640) -> None:
        """Runs once on a gray image of the size to come."""
        self._detect(np.full((height, width, 3), 128, np.uint8))

    def _detect(self, image: np.ndarray) -> Detections:
        raise NotImplementedError


def detect_in_batches(
    images: Sequence[np.ndarray],
    kind: Callable[[np.ndarray], Hashable],
    batch: int,
    answer: Callable[[list[np.ndarray]], list[Detections]],
) -> list[Detections]:
    """Detections of each image, in the images' order.

    Args:
        images: BGR uint8 (height, width, 3), of any sizes.
        kind: what images that may go together have in common.
        batch: most images that go together.
        answer: detections of images of one kind.
    """
    kinds = [kind(image) for image in images]
    found: dict[int, Detections] = {}
    for one in dict.fromkeys(kinds):
        alike = [index for index, other in enumerate(kinds) if other == one]
        for start in range(0, len(alike), batch):
            part = alike[start : start + batch]
            found.update(zip(part, answer([images[index] for index in part]), strict=True))
    return [found[index] for index in range(len(images))]
