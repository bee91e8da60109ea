"""Small faces: an image processed as a whole and again in overlapping tiles, each at full size.

A network shrinks a large image to its input, and small faces with it; in a tile they stay larger
(slicing aided inference: Akyon et al. 2022). It costs as many looks as there are tiles, and one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maskdet import boxes as box_ops
from maskdet.contracts import Detector
from maskdet.detections import Detections
from maskdet.runtimes.batching import SingleImageDetector
from maskdet.runtimes.decoding import MAX_DETECTIONS, SUPPRESSION_IOU

SHARED_SHARE = 0.2
"""Share of a tile's side that its neighbor sees, too: a face up to that size is whole in one."""
MIN_INSIDE_SHARE = 0.7
"""Share of the smaller of two boxes that lies in the other where both are one face's …"""
MIN_AREA_SHARE = 0.3
"""… if the smaller one has at least this share of the other's area."""
EDGE_PIXELS = 2.0
"""Pixels from a cut within which a box counts as cut."""


class TiledDetector(SingleImageDetector):
    """Another detector, on the whole image and on tiles of it."""

    def __init__(self, detector: Detector, tiles: int) -> None:
        """Wraps a detector, which it closes, too.

        Args:
            detector: looks at the image and at each tile.
            tiles: along either side of an image.
        """
        self.name = detector.name
        self.device = detector.device
        self._detector = detector
        self._tiles = tiles

    def warm_up(self, height: int = 480, width: int = 640) -> None:
        """Runs once on a gray image of the size to come: its tiles have sizes of their own."""
        self._detector.warm_up()
        super().warm_up(height, width)

    def close(self) -> None:
        """Frees the model."""
        self._detector.close()

    def _detect(self, image: np.ndarray) -> Detections:
        height, width = image.shape[:2]
        tiles = tiles_of(height, width, self._tiles)
        whole, *parts = self._detector.detect([image, *views_of(image, tiles)])
        pairs = zip(parts, tiles, strict=True)
        return merged([whole, *(uncut(part, tile, height, width) for part, tile in pairs)])


def tiled(detector: Detector, tiles: int) -> Detector:
    """A detector that looks at so many tiles along either side, too; itself for one."""
    return TiledDetector(detector, tiles) if tiles > 1 else detector


def tiles_of(height: int, width: int, count: int) -> np.ndarray:
    """Tiles (count², 4) of an image, x1 y1 x2 y2 in whole pixels, row by row."""
    columns, rows = (_spans(side, count) for side in (width, height))
    return np.array([(x1, y1, x2, y2) for y1, y2 in rows for x1, x2 in columns])


def views_of(image: np.ndarray, places: np.ndarray) -> list[np.ndarray]:
    """Places (N, 4) of an image as images."""
    return [np.ascontiguousarray(image[y1:y2, x1:x2]) for x1, y1, x2, y2 in places.tolist()]


def place_around(box: np.ndarray, sides: np.ndarray | float, size: tuple[int, int]) -> np.ndarray:
    """A place (4,) with a box (4,) in its middle, moved and cut to lie in the image.

    Args:
        box: x1 y1 x2 y2 in pixels.
        sides: whole pixels of the place, across and down.
        size: height and width of the image.
    """
    limit = np.array(size[::-1])
    sides = np.minimum(sides, limit).astype(np.int64)
    low = np.clip((box[:2] + box[2:]) / 2 - sides / 2, 0, limit - sides).astype(np.int64)
    return np.concatenate([low, low + sides])


def _spans(side: int, count: int) -> list[tuple[int, int]]:
    length = min(side, int(np.ceil(side / (count - (count - 1) * SHARED_SHARE))))
    starts = np.round(np.linspace(0, side - length, count)).astype(int)
    return [(start, start + length) for start in starts.tolist()]


def uncut(part: Detections, tile: np.ndarray, height: int, width: int) -> Detections:
    """A tile's faces in the image's pixels, less those that its inner edges cut.

    Larger ones than what tiles share go, too: of those a tile may hold a part that looks like a
    face, and the whole image shows them better.

    Args:
        part: faces in the tile's own pixels.
        tile: x1 y1 x2 y2 (4,) in the image's pixels.
        height: of the image.
        width: of the image.
    """
    boxes = part.boxes + np.tile(tile[:2], 2)
    near = np.abs(boxes - tile) < EDGE_PIXELS
    inner = tile != (0, 0, width, height)
    large = (boxes[:, 2:] - boxes[:, :2] > SHARED_SHARE * (tile[2:] - tile[:2])).any(axis=1)
    moved = Detections(boxes, part.scores, part.states, None, part.probabilities)
    return moved[~(near & inner).any(axis=1) & ~large]


def merged(parts: Sequence[Detections]) -> Detections:
    """Detections of several looks at one image as if of one: each face once, best first."""
    known = [part.probabilities for part in parts if part.probabilities is not None]
    found = Detections(
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.states for part in parts]),
        None,
        np.concatenate(known) if len(known) == len(parts) else None,
    )
    # not by the score, which of an unsure face is that of all states together
    best = found.scores if found.probabilities is None else found.probabilities.max(axis=1)
    kept = found[_once(found.boxes, best)]
    return kept[np.argsort(-kept.scores, kind="stable")]


def _once(boxes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Indices of the boxes that are left where looks disagree on where a face ends.

    Beside those that overlap by `SUPPRESSION_IOU`, a box goes that lies mostly in a better one of
    about its size, or has such a one within it.
    """
    order = box_ops.nms(boxes, scores, SUPPRESSION_IOU, MAX_DETECTIONS)
    areas = box_ops.area(boxes)
    kept: list[int] = []
    for index in order.tolist():
        others = np.array(kept, np.int64)
        shared = _shared(boxes[index], boxes[others])
        smaller, larger = (
            np.minimum(areas[index], areas[others]),
            np.maximum(areas[index], areas[others]),
        )
        alike = smaller >= MIN_AREA_SHARE * larger
        if not (alike & (shared > MIN_INSIDE_SHARE * smaller)).any():
            kept.append(index)
    return np.array(kept, np.int64)


def _shared(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Area that a box (4,) shares with each of others (N, 4)."""
    low, high = np.maximum(box[:2], boxes[:, :2]), np.minimum(box[2:], boxes[:, 2:])
    area: np.ndarray = np.prod(np.maximum(high - low, 0), axis=1)
    return area
