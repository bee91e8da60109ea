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
from maskdet.people.clock import SourceClock
from maskdet.people.counting import PeopleTally
from maskdet.people.margin import Margin
from maskdet.people.person import Change, Places, TrackedPerson
from maskdet.people.person_state import face_scores
from maskdet.people.reporting import counts_of, event_of, person_of
from maskdet.people.tracking.appearance import describe
from maskdet.people.tracking.motion import MEASUREMENT_NOISE
from maskdet.people.tracking.track import Track
from maskdet.people.tracking.tracker import Tracker
from maskdet.people.zones import Line, Zone, shapes_of


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
        self._clock = SourceClock()
        self._tally = PeopleTally(local_zone)
        self._people: dict[Track, TrackedPerson] = {}
        self._crossings: dict[str, dict[str, Counter[str]]] = {}
        self._shapes: tuple[Shape, ...] = ()
        self._apply_places()
        self._size: tuple[int, int] | None = None
        self._margin = Margin()
        self._position = self._rested = 0.0

    def set_places(self, zones: Sequence[Zone], lines: Sequence[Line]) -> None:
        """Replaces zones and lines from the next frame on; may be called from another thread."""
        self._wanted_places = (tuple(zones), tuple(lines))

    def _apply_places(self) -> None:
        """Takes the wanted zones and lines; counts of lines that stay go on."""
        self._zones, self._lines = self._wanted_places
        for person in self._people.values():
            person.places = person.places.replaced(self._zones, self._lines)
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
            self._apply_places()
        seconds = self._skip_carried_time(frame, self._clock.advance(frame))
        self._follow_image_size(frame)
        if self._tally.begin(frame.utc):
            self._margin.begin_day()
        step = self._tracker.update(
            detections.boxes,
            seconds,
            self._clock.now,
            appearances=describe(frame.image, detections.boxes),
            scores=face_scores(detections),
        )
        self._margin.update(step, self._tracker.tracks, self._tracker.gone, self._clock.now)
        detections = replace(detections, track_ids=step.track_ids)
        events = [self._resume(track, before) for track, before in step.returned.items()]
        for track in self._tracker.tracks:
            events += self._update_person(track, frame, detections)
        for track in step.ended:
            reason: PersonEventReason = "unseen" if step.is_after_long_pause else "left"
            events += self._end(self._people[track], reason)
        self._drop_ended()
        return Observation(
            frame,
            detections,
            detections.counts(),
            people=tuple(person_of(person, self._clock) for person in self._confirmed()),
            events=tuple(sorted(events, key=lambda event: event.time)),
            people_counts=self._counts(),
            shapes=self._shapes,
            hidden_boxes=self._tracker.hidden_boxes(),
        )

    def carry_on(self, observation: Observation) -> Observation:
        """The last observation with a newer frame, in which nothing has moved.

        It is not evidence, and nobody counts as out of sight meanwhile. Zones and lines that were
        replaced since are those of the frame.
        """
        self._rested = observation.frame.position - self._position
        shapes = shapes_of(*self._wanted_places)
        return observation if shapes == observation.shapes else observation.with_shapes(shapes)

    def finish(self, observation: Observation) -> Observation:
        """The last observation without anybody: all who were there are gone.

        Numbers of people go on with those who come later.
        """
        events = [event for person in self._confirmed() for event in self._end(person, "unseen")]
        self._tracker.tracks.clear()
        self._tracker.gone.clear()
        self._drop_ended()
        counts = self._counts() if observation.people_counts is not None else None
        return replace(observation, people=(), events=tuple(events), people_counts=counts)

    def _skip_carried_time(self, frame: Frame, seconds: float) -> float:
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

    def _follow_image_size(self, frame: Frame) -> None:
        """Follows a change of the image's size."""
        size = (frame.width, frame.height)
        if self._size is not None and size != self._size:
            self._tracker.rescale(size[0] / self._size[0], size[1] / self._size[1])
        self._size = size

    def _update_person(
        self, track: Track, frame: Frame, detections: Detections
    ) -> list[PersonEvent]:
        """Takes in one face of a frame; returns its events, if it is a person."""
        person = self._people.get(track)
        if person is None:
            places = Places(self._zones, self._lines)
            person = self._people[track] = TrackedPerson(track, places, since=self._clock.now)
        changes = [] if track.row is None else self._take_detection(person, frame, detections)
        if not track.is_confirmed:
            person.waiting += changes
            return []
        if not person.is_known:
            person.is_known = True
            before = [change for change in (*person.waiting, *changes) if change.kind != "state"]
            changes = [Change("appeared", track.began), *before]
            person.waiting = []
            self._begin_counting(person)
        return [self._event(person, change) for change in changes]

    def _resume(self, track: Track, before: Track) -> PersonEvent:
        """Somebody who was gone is back: what is known of the person goes on."""
        person = self._people[track] = self._people.pop(before)
        back = Change("appeared", track.began)
        person.track, track.began = track, before.began
        return self._event(person, back)

    def _take_detection(
        self, person: TrackedPerson, frame: Frame, detections: Detections
    ) -> list[Change]:
        """A face was found: its state, its places, whether it moves."""
        now, before = self._clock.now, person.mask.state
        self._count_worn_time(person)
        changes = []
        if person.weigh(frame, detections, now):
            changes.append(Change("state", now, {"previous": before}))
            self._add_to_tally(person, 0.0)
        position = person.position(frame)
        changes += self._set_aside(person, person.stillness.seconds(position, now))
        if not person.track.is_still:
            changes += person.places.update(position, now, self._inertia)
        return changes

    def _count_worn_time(self, person: TrackedPerson) -> None:
        """Counts the time since the detection before for the state worn in it.

        Of a pause of the source it counts no more than of somebody out of sight.
        """
        if person.weighed is not None:
            seconds = min(self._clock.now - person.weighed, self._tracker.memory)
            person.worn[person.mask.state] += seconds
            self._add_to_tally(person, seconds)

    def _add_to_tally(self, person: TrackedPerson, seconds: float) -> None:
        """Adds time in the present state to the count of people."""
        if person.is_known and not person.track.is_still:
            self._tally.add(person.track.track_id, person.mask.state, seconds)

    def _begin_counting(self, person: TrackedPerson) -> None:
        """Begins to count a person, with what was worn until now."""
        for state in MaskState:
            if person.worn[state]:
                self._tally.add(person.track.track_id, state, person.worn[state])
        self._add_to_tally(person, 0.0)

    def _set_aside(self, person: TrackedPerson, seconds: float) -> list[Change]:
        """Sets a face that does not move aside, or takes it back."""
        track = person.track
        is_still = self._still_after is not None and seconds >= self._still_after
        if is_still == track.is_still or not track.is_confirmed:
            return []
        track.is_still = is_still
        if not is_still:
            self._begin_counting(person)
            return [Change("moved", self._clock.now)]
        track.motion.halt(MEASUREMENT_NOISE)  # who gets up goes at any speed
        self._tally.remove(track.track_id)
        left = person.places.leave(self._clock.now)
        return [*left, Change("still", self._clock.now, {"duration": seconds})]

    def _end(self, person: TrackedPerson, reason: PersonEventReason) -> list[PersonEvent]:
        """A person is gone, and leaves the zones."""
        track = person.track
        gone = Change("gone", track.seen, {"duration": track.seen - track.began})
        changes = [*person.places.leave(track.seen), gone]
        return [replace(self._event(person, change), reason=reason) for change in changes]

    def _drop_ended(self) -> None:
        """Forgets who cannot come back: each of them counts as a number from now on."""
        kept = {*self._tracker.tracks, *self._tracker.gone}
        for track in [track for track in self._people if track not in kept]:
            self._tally.end(track.track_id)
            del self._people[track]

    def _event(self, person: TrackedPerson, change: Change) -> PersonEvent:
        event = event_of(person, change, self._clock)
        if change.kind == "crossed":
            place, direction = change.facts["place"], change.facts["direction"]
            self._crossings[place][direction][event.state.name] += 1
        return event

    def _confirmed(self) -> list[TrackedPerson]:
        tracks = self._tracker.tracks
        return [self._people[track] for track in tracks if track.is_confirmed]

    def _counts(self) -> PeopleCounts:
        zones = [zone.name for zone in self._zones]
        return counts_of(self._confirmed(), zones, self._crossings, self._tally, self._margin)
