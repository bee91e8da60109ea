"""Costs of giving a detection to a track."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from maskdet.boxes import iou
from maskdet.people.appearance import LookChange, differences
from maskdet.people.motion import MEASUREMENT_NOISE, SIZE_DRIFT, SIZE_NOISE, Motion
from maskdet.people.track import Track

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
SHIFT_DISTANCE = 2.0
"""Face widths within which a face is looked for where the whole image may have moved."""
SHIFT_AGREEMENT = 0.25
"""Face widths by which faces that moved with the image differ."""
SHIFT_SHARE = 0.6
"""Share of the people who have to have moved alike."""
UNSEEN_COST = 4.0
"""Added to it at the end of memory: the longer out of sight, the likelier it is somebody else."""
MAX_VARIANCE = 9.0
"""Square face widths up to which the place of somebody out of sight is uncertain."""
LOOK_ABSENCE_S = 0.15
"""Seconds out of sight, beyond a frame, from which on colors count though nobody competes."""
ALIKE = 0.09
"""Difference of colors up to which a detection may be somebody who should be elsewhere."""
ALIKE_DISTANCE = 3.0
"""Face widths from where somebody should be within which a detection may be it, if it looks so."""
ALIKE_SPEED = 3.0
"""Face widths by which that grows in a second out of sight."""
ALIKE_SIZE_RATIO = 0.4
"""Change of the face's size then, as a natural logarithm."""
DUPLICATE_IOU = 0.45
"""Overlap with another detection from which on a detection does not begin a track."""


def gains(
    tracks: Sequence[Track],
    boxes: np.ndarray,
    looks: np.ndarray | None,
    absences: np.ndarray,
    memory: float,
    change: LookChange,
) -> np.ndarray:
    """Fit of each detection to each track (tracks, detections); above 0 where it may be.

    Args:
        tracks: moved on to this frame.
        boxes: (N, 4).
        looks: descriptions of the detections; None: not known.
        absences: seconds out of sight beyond a frame, of each track.
        memory: seconds without a detection after which a person is gone.
        change: usual one of a face's colors; learns from those whom nobody competes for.
    """
    costs = distances([track.motion for track in tracks], boxes)
    found: np.ndarray = MAX_COST - costs - UNSEEN_COST / memory * absences[:, None]
    if looks is None:
        return found
    possible = found > 0
    contested = (possible.sum(axis=1)[:, None] > 1) | (possible.sum(axis=0)[None] > 1)
    asked = possible & (contested | (absences > LOOK_ABSENCE_S)[:, None])
    unlike = _differences(tracks, looks)
    change.learn(unlike[possible & ~asked])
    found[asked] -= MAX_COST * change.strangeness(unlike[asked])
    return found


def _differences(tracks: Sequence[Track], looks: np.ndarray) -> np.ndarray:
    """Differences of colors (tracks, detections); NaN where a track's are not known."""
    unknown = np.full(looks.shape[1], np.nan, np.float32)
    known = np.array([unknown if track.look is None else track.look for track in tracks])
    return differences(known, looks)


def distances(motions: Sequence[Motion], boxes: np.ndarray) -> np.ndarray:
    """Distance of each detection from each track (tracks, detections); infinite beyond gates.

    Twice the negative logarithm of the likelihood of the center's distance and of the size; a
    track that was not found for a while expects less and so pays for the wider area.
    """
    across, down, size, sizes = _offsets(motions, boxes)
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


def camera_shift(motions: Sequence[Motion], boxes: np.ndarray) -> tuple[float, float] | None:
    """Movement of the whole image in pixels, which most faces share; None: there is none.

    Args:
        motions: of people, moved on to this frame.
        boxes: (N, 4).
    """
    across, down, size, sizes = _offsets(motions, boxes)
    change = np.abs(np.log(sizes / size))
    near = (np.hypot(across, down) < SHIFT_DISTANCE * size) & (change < LEAP_SIZE_RATIO)
    rows = np.nonzero(near)[0]
    if not len(rows):
        return None
    ways = np.stack([across[near], down[near]], axis=1)
    offered = np.concatenate([np.zeros((1, 2)), ways])  # that it did not move, first
    apart = np.linalg.norm(ways[None] - offered[:, None], axis=2)
    agree = apart < SHIFT_AGREEMENT * size[rows, 0]
    firsts = np.flatnonzero(np.diff(rows, prepend=-1))  # one vote for each person
    votes = np.logical_or.reduceat(agree, firsts, axis=1).sum(axis=1)
    best = int(votes.argmax())
    if votes[best] < max(votes[0] + 2, SHIFT_SHARE * len(motions)):
        return None
    dx, dy = np.median(ways[agree[best]], axis=0)
    return float(dx), float(dy)


def are_near(motions: Sequence[Motion], boxes: np.ndarray) -> np.ndarray:
    """Whether each detection may be a leap of each track (tracks, detections)."""
    across, down, size, sizes = _offsets(motions, boxes)
    change = np.abs(np.log(sizes / size))
    near: np.ndarray = (np.hypot(across, down) < LEAP_DISTANCE * size) & (change < LEAP_SIZE_RATIO)
    return near


def likenesses(
    tracks: Sequence[Track], boxes: np.ndarray, looks: np.ndarray, now: float
) -> np.ndarray:
    """Likeness of each detection to each track (tracks, detections); above 0 where it may be it.

    Args:
        tracks: out of sight.
        boxes: (N, 4).
        looks: descriptions of the detections.
        now: time of the frame.
    """
    across, down, size, sizes = _offsets([track.motion for track in tracks], boxes)
    change = np.abs(np.log(sizes / size))
    unseen = np.array([track.unseen(now) for track in tracks])[:, None]
    reach = np.minimum(ALIKE_DISTANCE + ALIKE_SPEED * unseen, MAX_DISTANCE) * size
    far = (np.hypot(across, down) > reach) | (change > ALIKE_SIZE_RATIO)
    known = np.array([track.look for track in tracks])
    alike: np.ndarray = np.where(far, 0.0, ALIKE - differences(known, looks))
    return np.nan_to_num(alike, nan=0.0)


def _offsets(motions: Sequence[Motion], boxes: np.ndarray) -> tuple[np.ndarray, ...]:
    """Way from each track to each detection (tracks, detections), across and down in pixels.

    Then sizes of the tracks (tracks, 1) and of the detections (1, detections).
    """
    x, y, size = np.array([(m.x, m.y, m.size) for m in motions], np.float64).T[:, :, None]
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 1.0).astype(np.float64)
    across = (boxes[:, 0] + boxes[:, 2])[None] / 2 - x
    down = (boxes[:, 1] + boxes[:, 3])[None] / 2 - y
    return across, down, size, np.sqrt(sides[:, 0] * sides[:, 1])[None]


def is_covered(box: np.ndarray, others: np.ndarray) -> bool:
    """Whether a face that is somebody's covers a box: a second box around the same face."""
    return bool(len(others)) and bool((iou(box[None], others) > DUPLICATE_IOU).any())
