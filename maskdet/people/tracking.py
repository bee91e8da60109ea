"""Matching of faces to people from frame to frame, at one to thirty frames a second.

A walking person moves several face widths between two frames of a slow camera, where boxes do not
overlap any more. So faces are matched by the distance of their centers in face widths, beside what
the person's velocity and the time since the last detection make likely; every gate and every limit
is in seconds of the frames' own times.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from maskdet.boxes import iou
from maskdet.people.assignment import assign
from maskdet.people.motion import MEASUREMENT_NOISE, SIZE_DRIFT, SIZE_NOISE, Motion

UNCONFIRMED = -1
"""Track id of a face that is not known for a person yet."""
CONFIRM_S = 0.25
"""Seconds between first and last detection from which on a track is a person."""
MIN_DETECTIONS = 2
"""Detections that a person needs."""
MIN_RATE = 0.4
"""Share of the frames in which a person must have been found to be confirmed."""
TENTATIVE_MEMORY_S = 0.5
"""Seconds without a detection after which an unconfirmed track is given up."""
MEMORY_FRAMES = 2.5
"""Frames that a track is kept at least, whatever the frame rate."""
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
LEAP_S = 0.1
"""Seconds for which somebody who leaps may have been out of sight; slower cameras need no leap."""
MAX_COORDINATE = 1e6
"""Pixels from an image's corner beyond which a box is an error of the detector."""
MAX_PAUSE_S = 60.0
"""Seconds of a source's pause over which people who stay where they are keep their number."""
PAUSE_DISTANCE = 0.4
"""Standard deviation, in face widths, of where they are then."""
STILL_MEMORY_S = 600.0
"""Seconds for which a poster's place is remembered while it is hidden."""
UNSEEN_COST = 4.0
"""Added to it at the end of memory: the longer out of sight, the likelier it is somebody else."""
MAX_VARIANCE = 9.0
"""Square face widths up to which the place of somebody out of sight is uncertain."""
DUPLICATE_IOU = 0.45
"""Overlap with another detection from which on a detection does not begin a track."""


@dataclass(eq=False)
class Track:
    """A face followed from frame to frame.

    Attributes:
        motion: where it is.
        began: time of the first detection, seconds of the tracker's own clock.
        seen: time of the newest detection, likewise.
        track_id: number of the person; `UNCONFIRMED` until it is one.
        detections: how many there were.
        frames: processed frames since the first detection.
        row: index of this frame's detection; None where it was not found.
        absent: seconds out of sight before the newest detection.
        grace: further seconds for which it is kept, after a pause of the source.
        is_still: whether it is a poster or a screen, which stays where it is.
    """

    motion: Motion
    began: float
    seen: float
    track_id: int = UNCONFIRMED
    detections: int = 1
    frames: int = 1
    row: int | None = None
    absent: float = 0.0
    grace: float = 0.0
    is_still: bool = False

    def found(self, row: int, now: float) -> None:
        """Takes note of this frame's detection."""
        self.absent = now - self.seen - self.grace
        self.row, self.seen, self.grace = row, now, 0.0
        self.detections += 1

    @property
    def is_confirmed(self) -> bool:
        """Whether it is a person."""
        return self.track_id != UNCONFIRMED


@dataclass(frozen=True)
class Step:
    """Result of one frame.

    Attributes:
        confirmed: tracks that became people in this frame.
        ended: people who were given up.
        track_ids: int64 (N,), one for each detection.
    """

    confirmed: Sequence[Track]
    ended: Sequence[Track]
    track_ids: np.ndarray


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

    def update(self, boxes: np.ndarray, seconds: float, now: float) -> Step:
        """Takes the faces of one frame in.

        Args:
            boxes: (N, 4), x1 y1 x2 y2 in pixels.
            seconds: since the frame before.
            now: time of the frame on a clock that never goes back.
        """
        is_pause = seconds > max(self.memory, MEMORY_FRAMES * self._interval)
        if is_pause:
            self._bridge(seconds, now - seconds)
        self._learn_interval(seconds)
        for track in self.tracks:
            track.motion.predict(0.0 if is_pause or track.is_still else seconds)
            track.frames += 1
            track.row = None
        free = (np.abs(boxes) < MAX_COORDINATE).all(axis=1)  # no NaN, either
        boxes = np.where(free[:, None], boxes, 0.0)
        for wants_confirmed in (True, False):
            some = [track for track in self.tracks if track.is_confirmed == wants_confirmed]
            self._match(some, boxes, free, now)
        self._leap(boxes, free, now)
        confirmed = [track for track in self.tracks if self._is_person(track)]
        for track in confirmed:
            self._people += 1
            track.track_id = self._people
        ended = self._end(now)
        self._begin(boxes, free, now)
        return Step(confirmed, ended, self._ids(len(boxes)))

    def rescale(self, across: float, down: float) -> None:
        """Follows a change of the image's size by these factors."""
        for track in self.tracks:
            track.motion.rescale(across, down)

    def _learn_interval(self, seconds: float) -> None:
        """Follows the frame rate; a pause changes it little."""
        if not self._interval:
            self._interval = seconds
        elif seconds > 0:
            self._interval += 0.2 * (min(seconds, 2 * self._interval) - self._interval)

    def _bridge(self, seconds: float, last: float) -> None:
        """Keeps those in place who were there before a pause of the source, if it was short.

        Where somebody walked in the meantime is not known; who stood or sat is found again.
        """
        if seconds > MAX_PAUSE_S:
            return
        for track in self.tracks:
            if track.is_confirmed and last - track.seen <= max(1.0, 2 * self._interval):
                track.motion.halt(PAUSE_DISTANCE)
                track.grace = seconds

    def _match(
        self, tracks: Sequence[Track], boxes: np.ndarray, free: np.ndarray, now: float
    ) -> None:
        """Gives free detections to tracks, the likeliest pairs together."""
        rows = np.flatnonzero(free)
        if not tracks or not len(rows):
            return
        gains = MAX_COST - distances([track.motion for track in tracks], boxes[rows])
        gains -= self._absence(tracks, now)[:, None]
        for i, j in assign(gains):
            row = int(rows[j])
            tracks[i].motion.correct(boxes[row].tolist())
            tracks[i].found(row, now)
            free[row] = False

    def _absence(self, tracks: Sequence[Track], now: float) -> np.ndarray:
        """Cost of being out of sight for more than a frame (tracks,); a poster pays none."""
        unseen = np.array([0.0 if t.is_still else now - t.seen - t.grace for t in tracks])
        return UNSEEN_COST / self.memory * np.maximum(unseen - self._interval, 0.0)

    def _leap(self, boxes: np.ndarray, free: np.ndarray, now: float) -> None:
        """Gives a lone detection to the one person nearby who vanished just before it came.

        A head that is thrown round, or a dropped frame nobody knows of, is faster than any gate.
        """
        lost = [
            track
            for track in self.tracks
            if track.is_confirmed and track.row is None and now - track.seen <= LEAP_S
        ]
        rows = np.flatnonzero(free)
        if not lost or not len(rows):
            return
        near = _are_near([track.motion for track in lost], boxes[rows])
        for i, j in zip(*np.nonzero(near), strict=True):
            if near[i].sum() == near[:, j].sum() == 1:
                row = int(rows[j])
                lost[i].motion.leap(boxes[row].tolist())
                lost[i].found(row, now)
                free[row] = False

    def _is_person(self, track: Track) -> bool:
        return (
            not track.is_confirmed
            and track.row is not None
            and track.detections >= MIN_DETECTIONS
            and track.seen - track.began >= CONFIRM_S
            and track.detections >= MIN_RATE * track.frames
        )

    def _end(self, now: float) -> list[Track]:
        """Gives up who was not found for too long; returns the people among them."""
        least = MEMORY_FRAMES * self._interval
        kept: list[Track] = []
        ended: list[Track] = []
        for track in self.tracks:
            memory = self.memory if track.is_confirmed else TENTATIVE_MEMORY_S
            if track.is_still:
                memory = max(memory, STILL_MEMORY_S)
            (kept if now - track.seen <= max(memory, least) + track.grace else ended).append(track)
        self.tracks = kept
        return [track for track in ended if track.is_confirmed]

    def _begin(self, boxes: np.ndarray, free: np.ndarray, now: float) -> None:
        """Begins a track with each detection that is nobody's."""
        for row in np.flatnonzero(free).tolist():
            if not _is_covered(boxes[row], boxes[~free]):
                free[row] = False
                track = Track(Motion(boxes[row].tolist()), now, now, row=row)
                self.tracks.append(track)

    def _ids(self, count: int) -> np.ndarray:
        ids = np.full(count, UNCONFIRMED, np.int64)
        for track in self.tracks:
            if track.row is not None:
                ids[track.row] = track.track_id
        return ids


def distances(motions: Iterable[Motion], boxes: np.ndarray) -> np.ndarray:
    """Distance of each detection from each track (tracks, detections); infinite beyond gates.

    Twice the negative logarithm of the likelihood of the center's distance and of the size; a
    track that was not found for a while expects less and so pays for the wider area.
    """
    rows = [(m.x, m.y, m.size, m.variance, m.unseen) for m in motions]
    x, y, size, variance, unseen = np.array(rows, np.float64).T[:, :, None]
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 1.0).astype(np.float64)
    sizes = np.sqrt(sides[:, 0] * sides[:, 1])[None]
    scale = np.sqrt(size * sizes)
    across = (boxes[:, 0] + boxes[:, 2])[None] / 2 - x
    down = (boxes[:, 1] + boxes[:, 3])[None] / 2 - y
    squared = (across**2 + down**2) / scale**2
    spread = np.minimum(variance, MAX_VARIANCE) + MEASUREMENT_NOISE**2
    change = np.log(sizes / size)
    size_spread = 2 * SIZE_NOISE**2 + SIZE_DRIFT**2 * unseen
    cost = squared / spread + change**2 / size_spread + 2 * np.log(spread / MEASUREMENT_NOISE**2)
    far = (squared > MAX_DISTANCE**2) | (np.abs(change) > MAX_SIZE_RATIO)
    cost[far] = math.inf
    return cost


def _are_near(motions: Iterable[Motion], boxes: np.ndarray) -> np.ndarray:
    """Whether each detection may be a leap of each track (tracks, detections)."""
    x, y, size = np.array([(m.x, m.y, m.size) for m in motions], np.float64).T[:, :, None]
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 1.0).astype(np.float64)
    across = (boxes[:, 0] + boxes[:, 2])[None] / 2 - x
    down = (boxes[:, 1] + boxes[:, 3])[None] / 2 - y
    change = np.abs(np.log(np.sqrt(sides[:, 0] * sides[:, 1])[None] / size))
    near: np.ndarray = (np.hypot(across, down) < LEAP_DISTANCE * size) & (change < LEAP_SIZE_RATIO)
    return near


def _is_covered(box: np.ndarray, others: np.ndarray) -> bool:
    """Whether a face that is somebody's covers a box: a second box around the same face."""
    return bool(len(others)) and bool((iou(box[None], others) > DUPLICATE_IOU).any())
