"""Tracker of the faces of one source from frame to frame, at one to thirty frames a second.

A walking person moves several face widths between two frames of a slow camera, where boxes do not
overlap any more. So faces are matched by the distance of their centers in face widths, beside what
the person's velocity and the time since the last detection make likely; every gate and every limit
is in seconds of the frames' own times.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from maskdet.people.tracking.affinity import is_covered
from maskdet.people.tracking.appearance import AppearanceChange
from maskdet.people.tracking.association import SLOW_S, Association, FrameFaces
from maskdet.people.tracking.camera_motion import follow_camera
from maskdet.people.tracking.motion import Motion
from maskdet.people.tracking.returning import RETURN_S, returning
from maskdet.people.tracking.track import UNCONFIRMED, Track

CONFIRM_S = 0.19
"""Seconds between first and last detection from which on a track is a person."""
MAX_HIDDEN_MARGIN = 1.0
"""Face widths, at most, by which the place of a face that was not found grows on each side."""
MIN_RATE = 0.4
"""Share of the frames in which a person must have been found to be confirmed."""
TENTATIVE_MEMORY_S = 0.5
"""Seconds without a detection after which an unconfirmed track is given up."""
MAX_MEMORY_INTERVAL_S = 0.25
"""Seconds of the interval between two frames, at most, that are no part of the memory: a
person who comes back in the frame that ends it was out of sight for less."""
MEMORY_FRAMES = 2.5
"""Frames that a track is kept at least, whatever the frame rate."""
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
        returned: of these, people with the number of one who was given up before.
        ended: people who were given up.
        track_ids: int64 (N,), one for each detection.
        interval: seconds between two frames, on average.
        is_after_long_pause: whether the source gave nothing for so long that all are given up.
    """

    confirmed: Sequence[Track]
    returned: Mapping[Track, Track]
    ended: Sequence[Track]
    track_ids: np.ndarray
    interval: float
    is_after_long_pause: bool


@dataclass(eq=False)
class Tracker:
    """Follows the faces of one source.

    Attributes:
        memory: seconds without a detection after which a person is gone.
        tracks: everybody who is followed, confirmed or not.
        gone: people who were given up, but may come back.
    """

    memory: float = 2.0
    tracks: list[Track] = field(default_factory=list)
    gone: list[Track] = field(default_factory=list)
    _last_id: int = 0
    _interval: float = 0.0
    _change: AppearanceChange = field(default_factory=AppearanceChange)

    def update(
        self,
        boxes: np.ndarray,
        seconds: float,
        now: float,
        appearances: np.ndarray | None = None,
        scores: np.ndarray | None = None,
    ) -> Step:
        """Takes the faces of one frame in.

        Args:
            boxes: (N, 4), x1 y1 x2 y2 in pixels.
            seconds: since the frame before.
            now: time of the frame on a clock that never goes back.
            appearances: see `appearance.describe`; None: places alone count.
            scores: probabilities that these are faces; None: not known.
        """
        is_pause = seconds > max(self.memory, MEMORY_FRAMES * self._interval)
        ended = self._bridge(seconds, now) if is_pause else []
        self._learn_interval(seconds)
        for track in (*self.tracks, *self.gone):
            track.begin_frame(0.0 if is_pause else seconds)
        faces = FrameFaces(boxes, appearances, scores)
        follow_camera(self.tracks, faces.boxes[faces.free], now)
        association = Association(self.tracks, faces, now, self._interval)
        association.by_place(self.memory, self._change)
        association.by_leap()
        association.by_appearance()
        ended += self._end(now)
        self._begin(faces, now)
        confirmed = [track for track in self.tracks if self._is_person(track)]
        self._follow_gone(ended, now)
        returned = self._number(confirmed)
        is_long = is_pause and seconds > MAX_PAUSE_S
        return Step(confirmed, returned, ended, self._ids(len(boxes)), self._interval, is_long)

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
        for track in (*self.tracks, *self.gone):
            track.rescale(across, down)

    def _learn_interval(self, seconds: float) -> None:
        """Follows the frame rate; a pause changes it little."""
        if not self._interval:
            self._interval = seconds
        elif seconds > 0:
            self._interval += 0.2 * (min(seconds, 2 * self._interval) - self._interval)

    def _bridge(self, seconds: float, now: float) -> list[Track]:
        """Keeps those in place who were there before a pause of the source, if it was short.

        Where somebody walked in the meantime is not known; people who stood or sat are found
        again. After a long one nobody is, however alike: returns the people who are given up.
        """
        if seconds > MAX_PAUSE_S:
            return self._end(now)
        for track in self.tracks:
            unseen = now - seconds - track.seen
            if track.is_confirmed and unseen <= max(1.0, 2 * self._interval):
                track.motion.halt(PAUSE_DISTANCE)
                track.grace = seconds
        return []

    def _follow_gone(self, ended: Sequence[Track], now: float) -> None:
        """Remembers who was given up, as long as they may come back."""
        self.gone = [one for one in (*self.gone, *ended) if one.unseen(now) <= RETURN_S]

    def _number(self, confirmed: Sequence[Track]) -> dict[Track, Track]:
        """Gives new people their numbers: their former one if they come back, else the next."""
        returned = {}
        for track in confirmed:
            before = returning(track, self.gone)
            if before is None:
                self._last_id += 1
                track.track_id = self._last_id
            else:
                self.gone.remove(before)
                track.track_id, returned[track] = before.track_id, before
        return returned

    def _is_person(self, track: Track) -> bool:
        if track.is_confirmed or track.row is None:
            return False
        if track.is_certain and self._interval >= SLOW_S:
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

    def _begin(self, faces: FrameFaces, now: float) -> None:
        """Begins a track with each detection that is nobody's."""
        for row in np.flatnonzero(faces.free).tolist():
            box = faces.boxes[row]
            if not is_covered(box, faces.boxes[~faces.free]):
                faces.free[row] = False
                track = Track(Motion(box.tolist()), now, now, row=row)
                track.appearance, track.is_certain = faces.appearance(row), faces.is_certain(row)
                self.tracks.append(track)

    def _ids(self, count: int) -> np.ndarray:
        ids = np.full(count, UNCONFIRMED, np.int64)
        for track in self.tracks:
            if track.row is not None:
                ids[track.row] = track.track_id
        return ids
