"""Affinity of detections to tracks: by place and size, and by colors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from maskdet.boxes import iou
from maskdet.people.tracking.appearance import AppearanceChange, differences
from maskdet.people.tracking.motion import MEASUREMENT_NOISE, SIZE_DRIFT, SIZE_NOISE, Motion
from maskdet.people.tracking.track import Track

MAX_DISTANCE = 9.0
"""Face widths beyond which no face is matched."""
MAX_SIZE_RATIO = 0.75
"""Largest change of a face's size that is matched, as a natural logarithm."""
MAX_COST = 20.0
"""Largest negative log likelihood (times two, without its constant) that is matched."""
LEAP_DISTANCE = 1.6
"""Face widths within which a detection may be a leap of somebody who vanished just before."""
LEAP_SIZE_RATIO = 0.3
"""Change of the face's size in a leap, as a natural logarithm."""
UNSEEN_COST = 4.0
"""Cost at the end of memory: the longer out of sight, the likelier it is somebody else."""
MAX_VARIANCE = 9.0
"""Square face widths up to which the place of somebody out of sight is uncertain."""
APPEARANCE_ABSENCE_S = 0.15
"""Seconds out of sight, beyond a frame, from which on colors count though nobody competes."""
ALIKE = 0.09
"""Difference of colors up to which a detection may be somebody who should be elsewhere."""
ALIKE_DISTANCE = 3.0
"""Face widths from the expected place within which a detection of the same colors may be it."""
ALIKE_SPEED = 3.0
"""Face widths by which that grows in a second out of sight."""
ALIKE_SIZE_RATIO = 0.4
"""Change of the face's size then, as a natural logarithm."""
DUPLICATE_IOU = 0.45
"""Overlap with another detection from which on a detection does not begin a track."""


class Offsets(NamedTuple):
    """Ways from tracks to detections, arrays that broadcast to (tracks, detections), in pixels.

    Attributes:
        across: from where the track is expected to the detection.
        down: likewise.
        size: of the tracks (tracks, 1).
        sizes: of the detections (1, detections).
    """

    across: np.ndarray
    down: np.ndarray
    size: np.ndarray
    sizes: np.ndarray

    @property
    def distance(self) -> np.ndarray:
        """Pixels between the centers (tracks, detections)."""
        return np.hypot(self.across, self.down)

    @property
    def size_change(self) -> np.ndarray:
        """Absolute natural logarithm of the ratio of sizes (tracks, detections)."""
        return np.abs(np.log(self.sizes / self.size))


def offsets(motions: Sequence[Motion], boxes: np.ndarray) -> Offsets:
    """Ways from each track to each detection; boxes are (N, 4) in pixels."""
    x, y, size = np.array([(m.x, m.y, m.size) for m in motions], np.float64).T[:, :, None]
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 1.0).astype(np.float64)
    across = (boxes[:, 0] + boxes[:, 2])[None] / 2 - x
    down = (boxes[:, 1] + boxes[:, 3])[None] / 2 - y
    return Offsets(across, down, size, np.sqrt(sides[:, 0] * sides[:, 1])[None])


def place_affinities(
    tracks: Sequence[Track], boxes: np.ndarray, absences: np.ndarray, memory: float
) -> np.ndarray:
    """Fit of each detection to where each track is (tracks, detections); above 0 where it may be.

    Args:
        tracks: moved on to this frame.
        boxes: (N, 4).
        absences: seconds out of sight beyond a frame, of each track.
        memory: seconds without a detection after which a person is gone.
    """
    costs = distances([track.motion for track in tracks], boxes)
    found: np.ndarray = MAX_COST - costs - UNSEEN_COST / memory * absences[:, None]
    return found


def subtract_color_costs(
    found: np.ndarray,
    tracks: Sequence[Track],
    appearances: np.ndarray,
    absences: np.ndarray,
    change: AppearanceChange,
) -> None:
    """Lowers affinities by place, where several compete or one was hidden, by what colors say.

    Args:
        found: affinities by place (tracks, detections), changed here.
        tracks: its rows.
        appearances: its columns: see `appearance.describe`.
        absences: seconds out of sight beyond a frame, of each track.
        change: usual one of a face's colors; learns from those whom nobody competes for.
    """
    possible = found > 0
    contested = (possible.sum(axis=1)[:, None] > 1) | (possible.sum(axis=0)[None] > 1)
    asked = possible & (contested | (absences > APPEARANCE_ABSENCE_S)[:, None])
    unlike = _differences(tracks, appearances)
    change.learn(unlike[possible & ~asked])
    found[asked] -= MAX_COST * change.strangeness(unlike[asked])


def _differences(tracks: Sequence[Track], appearances: np.ndarray) -> np.ndarray:
    """Differences of colors (tracks, detections); NaN where a track's are not known."""
    unknown = np.full(appearances.shape[1], np.nan, np.float32)
    known = np.array(
        [unknown if track.appearance is None else track.appearance for track in tracks]
    )
    return differences(known, appearances)


def distances(motions: Sequence[Motion], boxes: np.ndarray) -> np.ndarray:
    """Distance of each detection from each track (tracks, detections); infinite beyond gates.

    Twice the negative logarithm of the likelihood of the center's distance and of the size; a
    track that was not found for a while expects less and so pays for the wider area.
    """
    across, down, size, sizes = offsets(motions, boxes)
    variance, unseen = np.array([(m.variance, m.unseen) for m in motions], np.float64).T[:, :, None]
    scale = np.sqrt(size * sizes)
    squared = (across**2 + down**2) / scale**2
    spread = np.minimum(variance, MAX_VARIANCE) + MEASUREMENT_NOISE**2
    change = np.log(sizes / size)
    size_spread = 2 * SIZE_NOISE**2 + SIZE_DRIFT**2 * unseen
    cost = squared / spread + change**2 / size_spread + 2 * np.log(spread / MEASUREMENT_NOISE**2)
    far = (squared > MAX_DISTANCE**2) | (np.abs(change) > MAX_SIZE_RATIO)
    cost[far] = math.inf
    return cost


def may_leap(motions: Sequence[Motion], boxes: np.ndarray) -> np.ndarray:
    """Whether each detection may be a leap of each track (tracks, detections)."""
    way = offsets(motions, boxes)
    return (way.distance < LEAP_DISTANCE * way.size) & (way.size_change < LEAP_SIZE_RATIO)


def appearance_affinities(
    tracks: Sequence[Track], boxes: np.ndarray, appearances: np.ndarray, now: float
) -> np.ndarray:
    """Likeness of each detection to each track (tracks, detections); above 0 where it may be it.

    Args:
        tracks: out of sight.
        boxes: (N, 4).
        appearances: descriptions of the detections.
        now: time of the frame.
    """
    way = offsets([track.motion for track in tracks], boxes)
    unseen = np.array([track.unseen(now) for track in tracks])[:, None]
    reach = np.minimum(ALIKE_DISTANCE + ALIKE_SPEED * unseen, MAX_DISTANCE) * way.size
    far = (way.distance > reach) | (way.size_change > ALIKE_SIZE_RATIO)
    known = np.array([track.appearance for track in tracks])
    alike: np.ndarray = np.where(far, 0.0, ALIKE - differences(known, appearances))
    return np.nan_to_num(alike, nan=0.0)


def is_covered(box: np.ndarray, others: np.ndarray) -> bool:
    """Whether a box is a second one around a face that is somebody's.

    Args:
        box: x1 y1 x2 y2 (4,) in pixels.
        others: of those faces (N, 4), likewise.
    """
    return bool(len(others)) and bool((iou(box[None], others) > DUPLICATE_IOU).any())
