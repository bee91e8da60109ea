"""Movement of the whole image: a camera that shakes or is turned."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from maskdet.people.tracking.affinity import LEAP_SIZE_RATIO, offsets
from maskdet.people.tracking.motion import Motion
from maskdet.people.tracking.track import Track

RECENT_S = 1.0
"""Seconds since the last detection up to which somebody shows how the image moved."""
SHIFT_DISTANCE = 2.0
"""Face widths within which a face is looked for where the whole image may have moved."""
SHIFT_AGREEMENT = 0.25
"""Face widths by which faces that moved with the image differ."""
SHIFT_SHARE = 0.6
"""Share of the people who have to have moved alike."""


def follow_camera(tracks: Sequence[Track], boxes: np.ndarray, now: float) -> None:
    """Moves every track on where the whole image moved.

    Args:
        tracks: moved on to this frame.
        boxes: (N, 4).
        now: time of the frame.
    """
    seen = [t.motion for t in tracks if t.is_confirmed and t.unseen(now) <= RECENT_S]
    shift = camera_shift(seen, boxes) if len(seen) > 1 else None
    if shift is not None:
        for track in tracks:
            track.motion.x += shift[0]
            track.motion.y += shift[1]


def camera_shift(motions: Sequence[Motion], boxes: np.ndarray) -> tuple[float, float] | None:
    """Movement of the whole image in pixels, which most faces share; None: there is none.

    Args:
        motions: of people, moved on to this frame.
        boxes: (N, 4).
    """
    way = offsets(motions, boxes)
    near = (way.distance < SHIFT_DISTANCE * way.size) & (way.size_change < LEAP_SIZE_RATIO)
    rows = np.nonzero(near)[0]
    if not len(rows):
        return None
    shifts = np.stack([way.across[near], way.down[near]], axis=1)
    offered = np.concatenate([np.zeros((1, 2)), shifts])  # that it did not move, first
    apart = np.linalg.norm(shifts[None] - offered[:, None], axis=2)
    agree = apart < SHIFT_AGREEMENT * way.size[rows, 0]
    firsts = np.flatnonzero(np.diff(rows, prepend=-1))  # one vote for each person
    votes = np.logical_or.reduceat(agree, firsts, axis=1).sum(axis=1)
    best = int(votes.argmax())
    if votes[best] < max(votes[0] + 2, SHIFT_SHARE * len(motions)):
        return None
    dx, dy = np.median(shifts[agree[best]], axis=0)
    return float(dx), float(dy)
