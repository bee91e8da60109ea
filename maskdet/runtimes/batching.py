"""Images of any sizes, answered in batches of one size."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

import numpy as np

from maskdet.detections import Detections


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
