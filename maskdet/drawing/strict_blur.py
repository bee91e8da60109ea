"""Faces covered in every frame of a source, held over frames in which detection drops out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from maskdet.boxes import centers, iou
from maskdet.detections import Detections
from maskdet.drawing.blur import cover_faces
from maskdet.frame import Frame
from maskdet.model.decision import DecisionRule

HOLD_S = 2.0
"""Seconds for which the place of a face that is no longer found stays covered."""
MAX_PAUSE_S = 1.0
"""Seconds, at most, by which a place ages between two frames: after a pause of the source, too, a
face that was there before may be there, and be missed in the first frames."""
_WIDTHS_PER_S = 2.5
"""Face widths a second by which such a place grows on each side: people walk on meanwhile."""
_MAX_WIDTHS = 1.0
"""Face widths by which it grows at most."""
_SAME_FACE = 0.6
"""Overlap (IoU) from which on two boxes are those of one face."""


class StrictBlur:
    """Covers the faces of one source before a window or an output gets its frames.

    A face that was found a moment ago is still there, though the detector may miss it for some
    frames: its place stays covered, and grows, until the face is found again in it or `HOLD_S`
    have passed. Faces that are too doubtful to be shown or counted are covered, too.
    """

    def __init__(self, rule: DecisionRule | None = None) -> None:
        """Nothing was seen yet.

        Args:
            rule: decides which of the faces found are shown; None: all.
        """
        self._rule = rule
        self._boxes = np.zeros((0, 4), np.float32)
        self._ages = np.zeros(0)
        self._position = 0.0
        self._size = (0, 0)

    def shown(self, found: Detections) -> Detections:
        """The faces, of all that were found, that are drawn and counted."""
        return found if self._rule is None else self._rule.apply(found)

    def cover(self, frame: Frame, found: Detections, hidden: np.ndarray | None = None) -> Frame:
        """The frame without faces.

        Args:
            frame: the source's next one; left as it is.
            found: all faces found in it.
            hidden: (N, 4), places of further faces, which walked on and were not found.
        """
        boxes = self._update(frame, found.boxes)
        if hidden is not None:
            boxes = np.concatenate([boxes, hidden])
        return replace(frame, image=cover_faces(frame.image, boxes))

    def _update(self, frame: Frame, found: np.ndarray) -> np.ndarray:
        """Takes over the faces found; returns the places to cover, float32 (N, 4)."""
        height, width = frame.image.shape[:2]
        if self._size not in ((width, height), (0, 0)):  # faces are where they were in the view
            scale = (width / self._size[0], height / self._size[1]) * 2
            self._boxes = self._boxes * np.array(scale, np.float32)
        self._size = width, height
        passed, self._position = frame.position - self._position, frame.position
        ages = self._ages + (min(passed, MAX_PAUSE_S) if passed >= 0 else np.inf)
        grown = self._grown(ages)
        held = (ages <= HOLD_S) & ~_is_found(self._boxes, grown, found)
        self._boxes = np.concatenate([found, self._boxes[held]])
        self._ages = np.concatenate([np.zeros(len(found)), ages[held]])
        return np.concatenate([found, grown[held]])

    def _grown(self, ages: np.ndarray) -> np.ndarray:
        widths = (self._boxes[:, 2:] - self._boxes[:, :2]).mean(axis=1)
        margin = widths * np.clip(ages * _WIDTHS_PER_S, 0, _MAX_WIDTHS)
        return (self._boxes + margin[:, None] * (-1, -1, 1, 1)).astype(np.float32)


def _is_found(boxes: np.ndarray, places: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Whether the faces that were seen before were found again, bool (N,).

    A face that was found stands for the nearest place alone that its center lies in, and for those
    whose box was nearly its own: where two faces overlap, each keeps its place until it is found.

    Args:
        boxes: (N, 4), as they were seen.
        places: (N, 4), these as they have grown since.
        found: (M, 4).
    """
    again = np.asarray((iou(boxes, found) >= _SAME_FACE).any(axis=1), bool)
    shift = centers(found)[None] - centers(places)[:, None]
    reach = np.maximum((places[:, None, 2:] - places[:, None, :2]) / 2, 1e-6)
    distances = np.abs(shift / reach).max(axis=2)  # 1 at the place's edge
    while distances.size and distances.min() <= 1:
        place, face = divmod(int(distances.argmin()), len(found))
        again[place] = True
        distances[place, :] = distances[:, face] = np.inf
    return again
