"""Matching of faces to people from frame to frame, at one to thirty frames a second.

A walking person moves several face widths between two frames of a slow camera, where boxes do not
overlap any more. So faces are matched by the distance of their centers in face widths, beside what
the person's velocity and the time since the last detection make likely; every gate and every limit
is in seconds of the frames' own times.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from maskdet.people.appearance import LookChange
from maskdet.people.assignment import assign
from maskdet.people.matching import are_near, camera_shift, gains, is_covered, likenesses
from maskdet.people.motion import Motion
from maskdet.people.track import UNCONFIRMED, Track

CONFIRM_S = 0.19
"""Seconds between first and last detection from which on a track is a person."""
SLOW_S = 0.3
"""Seconds between frames from which on a single detection beyond doubt is a person: many people
walk through the image of so slow a camera in one frame."""
MIN_CERTAIN_SCORE = 0.6
"""Probability of there being a face from which on a detection is beyond doubt."""
MAX_HIDDEN_MARGIN = 1.0
"""Face widths, at most, by which the place of a face that was not found grows on each side."""
MIN_RATE = 0.4
"""Share of the frames in which a person must have been found to be confirmed."""
TENTATIVE_MEMORY_S = 0.5
"""Seconds without a detection after which an unconfirmed track is given up."""
MAX_MEMORY_INTERVAL_S = 0.25
"""Seconds of the interval between two frames, at most, that are no part of the memory: who comes
back in the frame that ends it was out of sight for less."""
MEMORY_FRAMES = 2.5
"""Frames that a track is kept at least, whatever the frame rate."""
LEAP_S = 0.1
"""Seconds for which somebody who leaps may have been out of sight; slower cameras need no leap."""
RECENT_S = 1.0
"""Seconds since the last detection up to which somebody shows how the image moved."""
MAX_COORDINATE = 1e6
"""Pixels from an image's corner beyond which a box is an error of the detector."""
MAX_PAUSE_S = 60.0
"""Seconds of a source's pause over which people who stay where they are keep their number."""
PAUSE_DISTANCE = 0.4
"""Standard deviation, in face widths, of where they are then."""
STILL_MEMORY_S = 600.0
"""Seconds for which a poster's place is remembered while it is hidden."""


@dataclass(frozen=True)
class Step:
    """Result of one frame.

    Attributes:
        confirmed: tracks that became people in this frame.
        ended: people who were given up.
        track_ids: int64 (N,), one for each detection.
        interval: seconds between two frames, on average.
        is_after_long_pause: whether the source gave nothing for so long that all are given up.
    """

    confirmed: Sequence[Track]
    ended: Sequence[Track]
    track_ids: np.ndarray
    interval: float
    is_after_long_pause: bool


@dataclass(frozen=True)
class _Faces:
    """The faces of one frame: boxes, and descriptions where they are known."""

    boxes: np.ndarray
    looks: np.ndarray | None
    scores: np.ndarray | None

    def look(self, row: int) -> np.ndarray | None:
        if self.looks is None or np.isnan(self.looks[row, 0]):
            return None
        return self.looks[row]

    def is_sure(self, row: int) -> bool:
        return self.scores is not None and bool(self.scores[row] >= MIN_CERTAIN_SCORE)


@dataclass(eq=False)
class Tracker:
    """Follows the faces of one source.

    Attributes:
        memory: seconds without a detection after which a person is gone.
        tracks: everybody who is followed, confirmed or not.
    """

    memory: float = 2.0
    tracks: list[Track] = field(default_factory=list)
    _people: int = 0
    _interval: float = 0.0
    _change: LookChange = field(default_factory=LookChange)

    def update(
        self,
        boxes: np.ndarray,
        seconds: float,
        now: float,
        looks: np.ndarray | None = None,
        scores: np.ndarray | None = None,
    ) -> Step:
        """Takes the faces of one frame in.

        Args:
            boxes: (N, 4), x1 y1 x2 y2 in pixels.
            seconds: since the frame before.
            now: time of the frame on a clock that never goes back.
            looks: descriptions of the faces: see `appearance.describe`; None: places alone count.
            scores: probabilities that these are faces; None: not known.
        """
        is_pause = seconds > max(self.memory, MEMORY_FRAMES * self._interval)
        ended = self._bridge(seconds, now) if is_pause else []
        self._learn_interval(seconds)
        for track in self.tracks:
            track.motion.predict(0.0 if is_pause or track.is_still else seconds)
            track.frames += 1
            track.is_hidden = track.row is None
            track.row = None
        free = (np.abs(boxes) < MAX_COORDINATE).all(axis=1)  # no NaN, either
        boxes = np.where(free[:, None], boxes, 0.0)
        faces = _Faces(boxes, looks, scores)
        self._follow_camera(boxes[free], now)
        self._match(faces, free, now)
        self._leap(faces, free, now)
        self._recognize(faces, free, now)
        ended += self._end(now)
        self._begin(faces, free, now)
        confirmed = [track for track in self.tracks if self._is_person(track)]
        for track in confirmed:
            self._people += 1
            track.track_id = self._people
        is_long = is_pause and seconds > MAX_PAUSE_S
        return Step(confirmed, ended, self._ids(len(boxes)), self._interval, is_long)

    def hidden_boxes(self) -> np.ndarray:
        """Where faces that were not found in this frame should be, float32 (N, 4).

        They are larger the longer a face was not found, as nobody knows how it walked.
        """
        boxes = []
        for motion in (track.motion for track in self.tracks if track.row is None):
            margin = motion.width * min(math.sqrt(motion.variance), MAX_HIDDEN_MARGIN)
            boxes.append(motion.box + margin * np.array([-1, -1, 1, 1], np.float32))
        return np.array(boxes, np.float32).reshape(-1, 4)

    def rescale(self, across: float, down: float) -> None:
        """Follows a change of the image's size by these factors."""
        for track in self.tracks:
            track.rescale(across, down)

    def _learn_interval(self, seconds: float) -> None:
        """Follows the frame rate; a pause changes it little."""
        if not self._interval:
            self._interval = seconds
        elif seconds > 0:
            self._interval += 0.2 * (min(seconds, 2 * self._interval) - self._interval)

    def _bridge(self, seconds: float, now: float) -> list[Track]:
        """Keeps those in place who were there before a pause of the source, if it was short.

        Where somebody walked in the meantime is not known; who stood or sat is found again. After
        a long one nobody is, however alike: returns the people who are given up.
        """
        if seconds > MAX_PAUSE_S:
            return self._end(now)
        for track in self.tracks:
            unseen = now - seconds - track.seen
            if track.is_confirmed and unseen <= max(1.0, 2 * self._interval):
                track.motion.halt(PAUSE_DISTANCE)
                track.grace = seconds
        return []

    def _follow_camera(self, boxes: np.ndarray, now: float) -> None:
        """Moves everybody on where the whole image moved: a camera that shakes or is turned."""
        seen = [t.motion for t in self.tracks if t.is_confirmed and t.unseen(now) <= RECENT_S]
        shift = camera_shift(seen, boxes) if len(seen) > 1 else None
        if shift is not None:
            for track in self.tracks:
                track.motion.x += shift[0]
                track.motion.y += shift[1]

    def _match(self, faces: _Faces, free: np.ndarray, now: float) -> None:
        """Gives free detections to tracks, the likeliest pairs together, people first."""
        if not self.tracks or not free.any():
            return
        absences = self._absences(now)
        suits = gains(self.tracks, faces.boxes, faces.looks, absences, self.memory, self._change)
        are_people = np.array([track.is_confirmed for track in self.tracks])
        for some in (np.flatnonzero(are_people), np.flatnonzero(~are_people)):
            rows = np.flatnonzero(free)
            for i, j in assign(suits[np.ix_(some, rows)]):
                track, row = self.tracks[some[i]], int(rows[j])
                track.motion.correct(faces.boxes[row].tolist())
                track.found(row, now, faces.look(row), faces.is_sure(row))
                free[row] = False

    def _absences(self, now: float) -> np.ndarray:
        """Seconds out of sight, beyond a frame, of each track; a poster is always there."""
        unseen = np.array([0.0 if t.is_still else t.unseen(now) for t in self.tracks])
        return np.maximum(unseen - self._interval, 0.0)

    def _leap(self, faces: _Faces, free: np.ndarray, now: float) -> None:
        """Gives a lone detection to the one person nearby who vanished just before it came.

        A head that is thrown round, or a dropped frame nobody knows of, is faster than any gate;
        so is who was taken for a poster, which is expected exactly where it was.
        """
        lost = [
            track
            for track in self.tracks
            if track.is_confirmed
            and track.row is None
            and (now - track.seen <= LEAP_S or (track.is_still and not track.is_hidden))
        ]
        rows = np.flatnonzero(free)
        if not lost or not len(rows):
            return
        near = are_near([track.motion for track in lost], faces.boxes[rows])
        for i, j in zip(*np.nonzero(near), strict=True):
            if near[i].sum() == near[:, j].sum() == 1:
                row = int(rows[j])
                lost[i].motion.leap(faces.boxes[row].tolist())
                lost[i].found(row, now, faces.look(row), faces.is_sure(row))
                free[row] = False

    def _recognize(self, faces: _Faces, free: np.ndarray, now: float) -> None:
        """Gives detections that are left to those out of sight who look the same, further away."""
        if faces.looks is None:
            return
        is_slow = self._interval >= SLOW_S
        lost = [
            track
            for track in self.tracks
            if track.row is None
            and track.look is not None
            and not (track.is_still and track.is_hidden)
            and (track.is_confirmed or is_slow)  # false boxes are alike, too
        ]
        rows = np.flatnonzero(free)
        if not lost or not len(rows):
            return
        suits = likenesses(lost, faces.boxes[rows], faces.looks[rows], now)
        for i, j in assign(suits):
            row = int(rows[j])
            motion = lost[i].motion
            is_leap = lost[i].is_still or lost[i].unseen(now) <= LEAP_S
            (motion.leap if is_leap else motion.correct)(faces.boxes[row].tolist())
            lost[i].found(row, now, faces.look(row), faces.is_sure(row))
            free[row] = False

    def _is_person(self, track: Track) -> bool:
        if track.is_confirmed or track.row is None:
            return False
        if track.is_sure and self._interval >= SLOW_S:
            return True
        is_found_often = track.detections >= MIN_RATE * track.frames
        return is_found_often and track.seen - track.began >= CONFIRM_S

    def _end(self, now: float) -> list[Track]:
        """Gives up who was not found for too long; returns the people among them."""
        least = MEMORY_FRAMES * self._interval
        between = min(self._interval, MAX_MEMORY_INTERVAL_S) + 1e-6
        kept: list[Track] = []
        ended: list[Track] = []
        for track in self.tracks:
            memory = self.memory + between if track.is_confirmed else TENTATIVE_MEMORY_S
            if track.is_still:
                memory = max(memory, STILL_MEMORY_S)
            (kept if now - track.seen <= max(memory, least) + track.grace else ended).append(track)
        self.tracks = kept
        return [track for track in ended if track.is_confirmed]

    def _begin(self, faces: _Faces, free: np.ndarray, now: float) -> None:
        """Begins a track with each detection that is nobody's."""
        for row in np.flatnonzero(free).tolist():
            box = faces.boxes[row]
            if not is_covered(box, faces.boxes[~free]):
                free[row] = False
                track = Track(Motion(box.tolist()), now, now, row=row)
                track.look, track.is_sure = faces.look(row), faces.is_sure(row)
                self.tracks.append(track)

    def _ids(self, count: int) -> np.ndarray:
        ids = np.full(count, UNCONFIRMED, np.int64)
        for track in self.tracks:
            if track.row is not None:
                ids[track.row] = track.track_id
        return ids
