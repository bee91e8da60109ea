"""Association of a frame's detections with tracks: the surest pairs first, each only once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from maskdet.people.tracking.affinity import (
    appearance_affinities,
    may_leap,
    place_affinities,
    subtract_color_costs,
)
from maskdet.people.tracking.appearance import MAX_COORDINATE, AppearanceChange
from maskdet.people.tracking.assignment import assign
from maskdet.people.tracking.track import Track

SLOW_S = 0.3
"""Seconds between frames from which on a camera is slow: many people walk through its image in one
frame, and a face that was found once is remembered by its appearance."""
MIN_CERTAIN_SCORE = 0.6
"""Probability of there being a face from which on a detection is beyond doubt."""
LEAP_S = 0.1
"""Seconds for which somebody who leaps may have been out of sight; slower cameras need no leap."""


@dataclass(frozen=True)
class FrameFaces:
    """Detections of one frame.

    Attributes:
        boxes: (N, 4), x1 y1 x2 y2 in pixels.
        appearances: see `appearance.describe`; None: places alone count.
        scores: probabilities that these are faces; None: not known.
        free: bool (N,), which belong to no track yet. A box that is an error is never free.
    """

    boxes: np.ndarray
    appearances: np.ndarray | None
    scores: np.ndarray | None
    free: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        free = (np.abs(self.boxes) < MAX_COORDINATE).all(axis=1)  # no NaN, either
        object.__setattr__(self, "boxes", np.where(free[:, None], self.boxes, 0.0))
        object.__setattr__(self, "free", free)

    def appearance(self, row: int) -> np.ndarray | None:
        """Appearance (cells · 3,) of one face; None: not known."""
        if self.appearances is None or np.isnan(self.appearances[row, 0]):
            return None
        return self.appearances[row]

    def is_certain(self, row: int) -> bool:
        """Whether a detection is a face beyond doubt."""
        return self.scores is not None and bool(self.scores[row] >= MIN_CERTAIN_SCORE)


@dataclass(frozen=True)
class Association:
    """Gives the free detections of one frame to tracks that were moved on to it.

    Attributes:
        tracks: everybody who is followed.
        faces: those of the frame.
        now: time of the frame, seconds.
        interval: seconds between two frames, on average.
    """

    tracks: Sequence[Track]
    faces: FrameFaces
    now: float
    interval: float

    def by_place(self, memory: float, change: AppearanceChange) -> None:
        """Pairs what is where it is expected, the likeliest pairs together, people first.

        Args:
            memory: seconds without a detection after which a person is gone.
            change: usual one of a face's colors, which learns from this frame.
        """
        if not self.tracks or not self.faces.free.any():
            return
        faces, absences = self.faces, self._absences()
        found = place_affinities(self.tracks, faces.boxes, absences, memory)
        if faces.appearances is not None:
            subtract_color_costs(found, self.tracks, faces.appearances, absences, change)
        are_people = np.array([track.is_confirmed for track in self.tracks])
        for some in (np.flatnonzero(are_people), np.flatnonzero(~are_people)):
            rows = np.flatnonzero(faces.free)
            for i, j in assign(found[np.ix_(some, rows)]):
                self._pair(self.tracks[some[i]], int(rows[j]))

    def by_leap(self) -> None:
        """Gives a lone detection to the one person nearby who vanished just before it came.

        A head that is thrown round, or a dropped frame nobody knows of, is faster than any gate;
        so is who was taken for a poster, which is expected exactly where it was.
        """
        lost = [
            track
            for track in self.tracks
            if track.is_confirmed
            and track.row is None
            and (self.now - track.seen <= LEAP_S or (track.is_still and not track.was_hidden))
        ]
        rows = np.flatnonzero(self.faces.free)
        if not lost or not len(rows):
            return
        near = may_leap([track.motion for track in lost], self.faces.boxes[rows])
        for i, j in zip(*np.nonzero(near), strict=True):
            if near[i].sum() == near[:, j].sum() == 1:
                self._pair(lost[i], int(rows[j]), is_leap=True)

    def by_appearance(self) -> None:
        """Gives detections that are left to those out of sight who look the same, further away."""
        if self.faces.appearances is None:
            return
        is_slow = self.interval >= SLOW_S
        lost = [
            track
            for track in self.tracks
            if track.row is None
            and track.appearance is not None
            and not (track.is_still and track.was_hidden)
            and (track.is_confirmed or is_slow)  # false boxes are alike, too
        ]
        rows = np.flatnonzero(self.faces.free)
        if not lost or not len(rows):
            return
        found = appearance_affinities(
            lost, self.faces.boxes[rows], self.faces.appearances[rows], self.now
        )
        for i, j in assign(found):
            is_leap = lost[i].is_still or lost[i].unseen(self.now) <= LEAP_S
            self._pair(lost[i], int(rows[j]), is_leap)

    def _absences(self) -> np.ndarray:
        """Seconds out of sight, beyond a frame, of each track; a poster is always there."""
        unseen = np.array([0.0 if t.is_still else t.unseen(self.now) for t in self.tracks])
        return np.maximum(unseen - self.interval, 0.0)

    def _pair(self, track: Track, row: int, is_leap: bool = False) -> None:
        box = self.faces.boxes[row].tolist()
        (track.motion.leap if is_leap else track.motion.correct)(box)
        track.found(row, self.now, self.faces.appearance(row), self.faces.is_certain(row))
        self.faces.free[row] = False
