"""Analysis of one source: its frames and faces become observations of people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import tzinfo

from maskdet.detections import Detections, MaskState
from maskdet.frame import Frame
from maskdet.observation import (
    Observation,
    PeopleCounts,
    PersonEvent,
    PersonEventReason,
    Shape,
)
from maskdet.people.appearance import describe
from maskdet.people.clock import SourceClock
from maskdet.people.counting import PeopleTally
from maskdet.people.margin import Margin
from maskdet.people.motion import MEASUREMENT_NOISE
from maskdet.people.person import Change, Follower, Places
from maskdet.people.person_state import face_scores, probabilities_of, sharpness, weight_of
from maskdet.people.reporting import counts_of, event_of, person_of
from maskdet.people.track import Track
from maskdet.people.tracking import Tracker
from maskdet.people.zones import Line, Zone, shapes_of

SHARPNESS_INTERVAL_S = 0.15
"""Seconds between two measurements of a face's sharpness."""


class Analysis:
    """Follows the people of one source.

    An image that comes from a file of its own has nothing to do with the image before: nobody is
    followed then, and its faces are counted as faces alone.
    """

    def __init__(
        self,
        *,
        memory_seconds: float = 2.0,
        still_after: float | None = 180.0,
        zone_inertia: float = 0.5,
        zones: Sequence[Zone] = (),
        lines: Sequence[Line] = (),
        local_zone: tzinfo | None = None,
    ) -> None:
        """Follows nobody yet.

        Args:
            memory_seconds: without a detection, after which a person is gone.
            still_after: seconds without any movement after which a face is a poster or a screen;
                None: never.
            zone_inertia: seconds that somebody must be inside, or outside, to enter or leave.
            zones: in which people are counted.
            lines: over which people are counted.
            local_zone: of hours and days; None: that of the machine.
        """
        self._tracker = Tracker(memory_seconds)
        self._still_after = still_after
        self._inertia = zone_inertia
        self.set_places(zones, lines)
        self._zones, self._lines = self._wanted_places
        self._clock = SourceClock()
        self._tally = PeopleTally(local_zone)
        self._followers: dict[Track, Follower] = {}
        self._crossings: dict[str, dict[str, Counter[str]]] = {}
        self._shapes: tuple[Shape, ...] = ()
        self._place()
        self._size: tuple[int, int] | None = None
        self._margin = Margin()
        self._position = self._rested = 0.0

    def set_places(self, zones: Sequence[Zone], lines: Sequence[Line]) -> None:
        """Replaces zones and lines from the next frame on; may be called from another thread."""
        self._wanted_places = (tuple(zones), tuple(lines))

    def _place(self) -> None:
        """Takes the wanted zones and lines; counts of lines that stay go on."""
        self._zones, self._lines = self._wanted_places
        for one in self._followers.values():
            one.places = one.places.replaced(self._zones, self._lines)
        self._crossings = {
            line.name: self._crossings.get(line.name, {"in": Counter(), "out": Counter()})
            for line in self._lines
        }
        self._shapes = shapes_of(self._zones, self._lines)

    def observe(self, frame: Frame, detections: Detections) -> Observation:
        """A frame and its faces with the people they belong to.

        Args:
            frame: later than the one before, or not: see `SourceClock`.
            detections: of that frame.
        """
        if frame.file:
            return Observation(frame, detections, detections.counts())
        if self._wanted_places != (self._zones, self._lines):
            self._place()
        seconds = self._rest(frame, self._clock.advance(frame))
        self._fit(frame)
        if self._tally.begin(frame.utc):
            self._margin.begin_day()
        step = self._tracker.update(
            detections.boxes,
            seconds,
            self._clock.now,
            looks=describe(frame.image, detections.boxes),
            scores=face_scores(detections),
        )
        self._margin.update(step, self._tracker.tracks, self._clock.now)
        detections = replace(detections, track_ids=step.track_ids)
        events: list[PersonEvent] = []
        for track in self._tracker.tracks:
            events += self._follow(track, frame, detections)
        for track in step.ended:
            reason: PersonEventReason = "unseen" if step.is_after_long_pause else "left"
            events += self._end(self._followers[track], reason)
        self._forget()
        return Observation(
            frame,
            detections,
            detections.counts(),
            people=tuple(person_of(one, self._clock) for one in self._people()),
            events=tuple(sorted(events, key=lambda event: event.time)),
            people_counts=self._counts(),
            shapes=self._shapes,
            hidden_boxes=self._tracker.hidden_boxes(),
        )

    def carry_on(self, observation: Observation) -> Observation:
        """The last observation with a newer frame, in which nothing has moved.

        It is no evidence, and nobody counts as out of sight meanwhile.
        """
        self._rested = observation.frame.position - self._position
        return observation

    def finish(self, observation: Observation) -> Observation:
        """The last observation without anybody: all who were there are gone.

        Numbers of people go on with those who come later.
        """
        events = [event for one in self._people() for event in self._end(one, "unseen")]
        self._tracker.tracks.clear()
        self._forget()
        counts = self._counts() if observation.people_counts is not None else None
        return replace(observation, people=(), events=tuple(events), people_counts=counts)

    def _rest(self, frame: Frame, seconds: float) -> float:
        """Keeps those in place who were found before some carried frames.

        Returns:
            The seconds, of those since the last observed frame, in which something may have moved.
        """
        rested, self._rested = min(max(0.0, self._rested), seconds), 0.0
        self._position = frame.position
        for track in self._tracker.tracks:
            if track.row is not None:
                track.grace += rested
        return seconds - rested

    def _fit(self, frame: Frame) -> None:
        """Follows a change of the image's size."""
        size = (frame.width, frame.height)
        if self._size is not None and size != self._size:
            self._tracker.rescale(size[0] / self._size[0], size[1] / self._size[1])
        self._size = size

    def _follow(self, track: Track, frame: Frame, detections: Detections) -> list[PersonEvent]:
        """Takes in one face of a frame; returns its events, if it is a person."""
        one = self._followers.get(track)
        if one is None:
            places = Places(self._zones, self._lines)
            one = self._followers[track] = Follower(track, places, since=self._clock.now)
        changes = [] if track.row is None else self._see(one, track.row, frame, detections)
        if not track.is_confirmed:
            one.waiting += changes
            return []
        if not one.is_known:
            one.is_known = True
            before = [change for change in (*one.waiting, *changes) if change.kind != "state"]
            changes = [Change("appeared", track.began), *before]
            one.waiting = []
            self._count(one)
        return [self._event(one, change) for change in changes]

    def _see(self, one: Follower, row: int, frame: Frame, detections: Detections) -> list[Change]:
        """A face was found: its state, its places, whether it moves."""
        now, motion = self._clock.now, one.track.motion
        seconds = None if one.weighed is None else now - one.weighed
        before, one.weighed = one.mask.state, now
        self._wear(one, seconds or 0.0)
        weight = self._weight(one, frame, detections.boxes[row].tolist())
        changes = []
        if one.mask.update(probabilities_of(detections, row), weight, seconds):
            one.since = now
            changes.append(Change("state", now, {"previous": before}))
            self._add(one, 0.0)
        x, y, width = motion.x / frame.width, motion.y / frame.height, motion.width / frame.width
        aspect = frame.width / frame.height
        changes += self._set_aside(one, one.stillness.seconds(x, y / aspect, width, now))
        if not one.track.is_still:
            changes += one.places.update(x, y, width, aspect, now, self._inertia)
        return changes

    def _weight(self, one: Follower, frame: Frame, box: Sequence[float]) -> float:
        """Weight of a face's evidence; its sharpness is measured a few times a second."""
        if one.sharp is None or self._clock.now - one.measured >= SHARPNESS_INTERVAL_S:
            one.sharp, one.measured = sharpness(frame.image, box), self._clock.now
        return weight_of(box[2] - box[0], one.sharp)

    def _wear(self, one: Follower, seconds: float) -> None:
        """Counts the time since the detection before for the state worn in it.

        Of a pause of the source it counts no more than of somebody out of sight.
        """
        seconds = min(seconds, self._tracker.memory)
        one.worn[one.mask.state] += seconds
        self._add(one, seconds)

    def _add(self, one: Follower, seconds: float) -> None:
        """Adds time in the present state to the count of people."""
        if one.is_known and not one.track.is_still:
            self._tally.add(one.track.track_id, one.mask.state, seconds)

    def _count(self, one: Follower) -> None:
        """Begins to count a person, with what was worn until now."""
        for state in MaskState:
            if one.worn[state]:
                self._tally.add(one.track.track_id, state, one.worn[state])
        self._add(one, 0.0)

    def _set_aside(self, one: Follower, seconds: float) -> list[Change]:
        """Sets a face that does not move aside, or takes it back."""
        track = one.track
        is_still = self._still_after is not None and seconds >= self._still_after
        if is_still == track.is_still or not track.is_confirmed:
            return []
        track.is_still = is_still
        if not is_still:
            self._count(one)
            return [Change("moved", self._clock.now)]
        track.motion.halt(MEASUREMENT_NOISE)  # who gets up goes at any speed
        self._tally.remove(track.track_id)
        left = one.places.leave(self._clock.now)
        return [*left, Change("still", self._clock.now, {"duration": seconds})]

    def _end(self, one: Follower, reason: PersonEventReason) -> list[PersonEvent]:
        """A person is gone: leaves the zones, counts as a number."""
        track = one.track
        self._tally.end(track.track_id)
        gone = Change("gone", track.seen, {"duration": track.seen - track.began})
        changes = [*one.places.leave(track.seen), gone]
        return [replace(self._event(one, change), reason=reason) for change in changes]

    def _forget(self) -> None:
        alive = set(self._tracker.tracks)
        self._followers = {t: one for t, one in self._followers.items() if t in alive}

    def _event(self, one: Follower, change: Change) -> PersonEvent:
        event = event_of(one, change, self._clock)
        if change.kind == "crossed":
            place, direction = change.facts["place"], change.facts["direction"]
            self._crossings[place][direction][event.state.name] += 1
        return event

    def _people(self) -> list[Follower]:
        return [one for track, one in self._followers.items() if track.is_confirmed]

    def _counts(self) -> PeopleCounts:
        zones = [zone.name for zone in self._zones]
        return counts_of(self._people(), zones, self._crossings, self._tally, self._margin)
