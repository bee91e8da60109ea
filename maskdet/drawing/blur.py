"""Faces made unrecognizable in what is stored or sent."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from maskdet import boxes as box_ops
from maskdet.detections import Detections
from maskdet.frame import require_image
from maskdet.observation import Observation

_MARGIN = 0.25
"""Part of the face's size added on each side: hair, ears and a box that lags behind."""
_CELLS = 5
"""Averages that remain of a face along each side; too few to recognize anyone."""


def blur_faces(image: np.ndarray, detections: Detections) -> np.ndarray:
    """A copy of the image in which the faces found are a coarse mosaic.

    Each face keeps 5 × 5 mean colors of its surroundings and its own; what was between them is
    gone, so nothing can bring it back. A face that was not found stays as it is.

    Args:
        image: BGR uint8 (height, width, 3); left as it is.
        detections: faces in the image's pixels.

    Example:
        >>> import maskdet
        >>> frame = next(maskdet.read_frames("demo"))
        >>> faces = maskdet.Detections([[200, 100, 300, 220]], [0.9], [0])
        >>> blurred = maskdet.blur_faces(frame.image, faces)
        >>> bool((blurred[100:220, 200:300] != frame.image[100:220, 200:300]).mean() > 0.5)
        True
    """
    require_image(image)
    blurred = image.copy()
    height, width = image.shape[:2]
    for x1, y1, x2, y2 in _regions(detections.boxes, width, height).tolist():
        region = blurred[y1:y2, x1:x2]
        cells = cv2.resize(region, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA)
        blurred[y1:y2, x1:x2] = cv2.resize(cells, (x2 - x1, y2 - y1), interpolation=cv2.INTER_CUBIC)
    return blurred


def cover_faces(image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """A copy of the image in which each face is one plain color, the mean of what was there.

    A detector still takes the mosaic of `blur_faces` for a face, this never.

    Args:
        image: BGR uint8 (height, width, 3); left as it is.
        boxes: of the faces, float (N, 4), in the image's pixels.
    """
    covered = image.copy()
    height, width = image.shape[:2]
    for x1, y1, x2, y2 in _regions(boxes, width, height).tolist():
        mean = [round(value) for value in cv2.mean(covered[y1:y2, x1:x2])[:3]]
        cv2.rectangle(covered, (x1, y1), (x2 - 1, y2 - 1), mean, cv2.FILLED)
    return covered


def blur_observation(observation: Observation) -> Observation:
    """The same observation on an image with blurred faces."""
    image = blur_faces(observation.frame.image, observation.detections)
    return replace(observation, frame=replace(observation.frame, image=image))


def _regions(boxes: np.ndarray, width: int, height: int) -> np.ndarray:
    """The boxes with their margin, int (N, 4), inside the image; empty ones left out."""
    margin = np.tile((boxes[:, 2:] - boxes[:, :2]) * _MARGIN, 2) * (-1, -1, 1, 1)
    wide = box_ops.clip(np.nan_to_num(boxes + margin), width, height)
    regions = np.hstack([np.floor(wide[:, :2]), np.ceil(wide[:, 2:])]).astype(int)
    return regions[(regions[:, 2] > regions[:, 0]) & (regions[:, 3] > regions[:, 1])]
