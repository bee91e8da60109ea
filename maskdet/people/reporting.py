"""Reports of the people who are followed: `Person`, `PersonEvent`, `PeopleCounts`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from maskdet.detections import MaskState
from maskdet.observation import PeopleCounts, Person, PersonEvent
from maskdet.people.clock import SourceClock
from maskdet.people.counting import PeopleTally
from maskdet.people.margin import Margin
from maskdet.people.person import Change, TrackedPerson

_STATE_NAMES = tuple(state.name for state in MaskState)


def person_of(person: TrackedPerson, clock: SourceClock) -> Person:
    """A followed person, with times on the source's own time line."""
    track = person.track
    return Person(
        track.track_id,
        person.mask.state,
        person.mask.certainty,
        clock.time_of(person.since),
        clock.time_of(track.began),
        clock.time_of(track.seen),
        person.places.inside,
        track.is_still,
        person.longest,
    )


def event_of(person: TrackedPerson, change: Change, clock: SourceClock) -> PersonEvent:
    """A change of a person as an event; of a person who is gone, with the state worn longest."""
    return PersonEvent(
        change.kind,
        person.track.track_id,
        clock.time_of(change.moment),
        clock.utc_of(change.moment),
        person.longest if change.kind == "gone" else person.mask.state,
        person.mask.certainty,
        **change.facts,
    )


def counts_of(
    people: Sequence[TrackedPerson],
    zones: Sequence[str],
    crossings: Mapping[str, Mapping[str, Mapping[str, int]]],
    tally: PeopleTally,
    margin: Margin,
) -> PeopleCounts:
    """Numbers of people by state; a person who is `still` counts neither now nor in a zone.

    Args:
        people: who are followed.
        zones: names of the source's zones.
        crossings: by line, direction and state.
        tally: of unique people.
        margin: how certain they are.
    """
    counted = [person for person in people if not person.track.is_still]
    return PeopleCounts(
        now=_by_state(person.mask.state for person in counted),
        hour=tally.hour.counts(),
        day=tally.day.counts(),
        run=tally.run.counts(),
        zones={
            name: _by_state(person.mask.state for person in counted if name in person.places.inside)
            for name in zones
        },
        crossings={
            line: {way: dict(by_state) for way, by_state in ways.items()}
            for line, ways in crossings.items()
        },
        margin=margin.people,
        margin_today=margin.today,
    )


def _by_state(states: Iterable[MaskState]) -> dict[str, int]:
    found = [0] * len(_STATE_NAMES)
    for state in states:
        found[state] += 1
    return dict(zip(_STATE_NAMES, found, strict=True))
