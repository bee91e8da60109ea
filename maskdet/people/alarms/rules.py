"""The rules of alarms, applied to what cameras show and to what they do not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from maskdet.alarm import Alarm, Snooze
from maskdet.detections import MaskState
from maskdet.observation import Observation, Person
from maskdet.people.alarms.episode import Episode
from maskdet.people.alarms.reporter import Changes, Facts, Now, Reporter
from maskdet.people.alarms.rule import AlarmRule, CameraView
from maskdet.people.clock import SourceClock
from maskdet.people.tracking.returning import RETURN_S

SILENT_S = 5.0
"""Seconds without a frame after which nobody counts as being there."""
_WHOLE = 0
"""The subject of a rule that is not a single person."""


@dataclass(eq=False)
class _Camera:
    """State of one source.

    Attributes:
        clock: of its frames.
        crossed: lines that each person has crossed, with directions.
    """

    clock: SourceClock = field(default_factory=SourceClock)
    crossed: dict[int, set[tuple[str, str]]] = field(default_factory=dict)


class AlarmRules:
    """Decides when alarms begin, change and end, and what is sent about them.

    How long something lasts is decided on the frames' own time; what ends while no frame comes, and
    what is about cameras and disks, in `sweep`, on the caller's clock. One alarm a person and
    visit: the same person again is an update. For one thread at a time.
    """

    def __init__(self, rules: Sequence[AlarmRule], *, run: str) -> None:
        """Has seen nothing.

        Args:
            rules: each with a name of its own.
            run: makes numbers of alarms unique among runs.
        """
        self.rules = tuple(rules)
        self._reporter = Reporter(run)
        self._cameras: dict[str, _Camera] = {}
        self._episodes: dict[tuple[str, str], dict[int, Episode]] = {}

    def observe(
        self, observation: Observation, seconds: float, view: CameraView | None = None
    ) -> Changes:
        """Applies the rules to a frame.

        Args:
            observation: of the newest frame of its source.
            seconds: now, on a clock that never goes back.
            view: how the image differs from what is usual; None: not known.
        """
        frame = observation.frame
        camera = self._cameras.setdefault(frame.source, _Camera())
        camera.clock.advance(frame)
        _note_crossings(camera, observation)
        now = Now(seconds, frame.utc)
        for rule in self.rules:
            if not rule.is_about(frame.source):
                continue
            is_armed = rule.timetable.covers(frame.utc)
            if rule.kind == "people":
                people = observation.people if is_armed else ()
                matching = [
                    one for one in people if rule.matches(one, camera.crossed.get(one.track_id, ()))
                ]
                if rule.people == 1:
                    self._see_each(rule, frame.source, observation.people, matching, now)
                else:
                    self._see_group(rule, frame.source, matching, now)
            elif view is not None and rule.kind in ("camera_covered", "camera_moved"):
                holds = view.is_covered if rule.kind == "camera_covered" else view.is_moved
                self._step(rule, frame.source, _WHOLE, holds and is_armed, camera.clock.now, now)
        self._reporter.catch_up(now)
        return self._reporter.take()

    def sweep(
        self,
        seconds: float,
        utc: float,
        silent: Mapping[str, float],
        free_bytes: float | None = None,
        ended: Iterable[str] = (),
        idle: Iterable[str] = (),
    ) -> Changes:
        """Applies the rules to what happens while no frame comes; called about once a second.

        Args:
            seconds: now, on the clock of `observe`.
            utc: now, in Unix time.
            silent: seconds since the last frame of each source that should give some.
            free_bytes: on the fullest disk that is written to; None: not known.
            ended: names of sources that will give no further frame.
            idle: names of sources that a user has paused or removed: no alarm of them goes on.
        """
        now = Now(seconds, utc)
        self._end(ended, now)
        for name in idle:
            for rule in self.rules:
                self._close_all(rule, name, now)
        for rule in self.rules:
            is_armed = rule.timetable.covers(utc)
            if rule.kind == "disk_full":
                if free_bytes is not None:
                    holds = is_armed and free_bytes < rule.free_bytes
                    self._step(rule, "", _WHOLE, holds, seconds, now)
                continue
            for name in filter(rule.is_about, silent):
                if rule.kind == "camera_gone":
                    holds = is_armed and silent[name] >= rule.for_s
                    self._step(rule, name, _WHOLE, holds, seconds, now)
                elif rule.kind == "people" and silent[name] >= max(rule.clear_s, SILENT_S):
                    self._close_all(rule, name, now)
        self._reporter.catch_up(now)
        return self._reporter.take()

    def end(self, seconds: float, utc: float) -> Changes:
        """The run is over: nobody is seen any more."""
        self._end({camera for _, camera in self._episodes}, Now(seconds, utc))
        return self._reporter.take()

    def restore(self, alarms: Iterable[Alarm], seconds: float, utc: float) -> Changes:
        """Takes over the alarms that were open when the run before ended.

        Those of people are cleared, as nobody knows who is still there; those of cameras, groups
        and disks stay open until it is seen that they are over.
        """
        now = Now(seconds, utc)
        by_name = {rule.name: rule for rule in self.rules}
        for alarm in alarms:
            rule = by_name.get(alarm.rule) or AlarmRule(alarm.rule, alarm.kind)
            episode = Episode(alarm, True, not alarm.muted, is_sent_open=not alarm.muted)
            stays = alarm.track_id is None and rule.kind == alarm.kind
            if stays and alarm.rule in by_name and rule.is_about(alarm.camera):
                self._of(rule, alarm.camera)[_WHOLE] = episode
            else:
                episode.close()
                self._reporter.closed(rule, episode, now)
        return self._reporter.take()

    def record_delivered(self, rule: str, camera: str, seconds: float) -> None:
        """A channel has delivered the news of a new alarm: its cool-down begins."""
        self._reporter.limits.record_delivered(rule, camera, seconds)

    def record_sent(self, rule: str, camera: str, seconds: float) -> None:
        """An alarm of an earlier run was sent then; counts for the limit of an hour."""
        self._reporter.limits.record_sent(rule, camera, seconds)

    def snooze(self, rule: str, camera: str, until: float) -> None:
        """Sends nothing until then; a time that is over ends it. Empty names mean all."""
        self._reporter.limits.snooze(rule, camera, until)

    def snoozes(self, seconds: float) -> Sequence[Snooze]:
        """Those that are not over; their ends are on the clock of `seconds`."""
        return self._reporter.limits.snoozes(seconds)

    def open_rules(self, camera: str) -> tuple[str, ...]:
        """Names of the rules with an open alarm of a camera, or of no camera."""
        return tuple(
            rule.name
            for rule in self.rules
            if any(
                one.is_open
                for where in ("", camera)
                for one in self._episodes.get((rule.name, where), {}).values()
            )
        )

    def _of(self, rule: AlarmRule, camera: str) -> dict[int, Episode]:
        return self._episodes.setdefault((rule.name, camera), {})

    def _see_each(
        self,
        rule: AlarmRule,
        camera: str,
        people: Iterable[Person],
        matching: Iterable[Person],
        now: Now,
    ) -> None:
        """An alarm for each person; people who are gone are forgotten once they cannot return."""
        here = {one.track_id for one in people}
        found = {one.track_id: one for one in matching}
        episodes, clock = self._of(rule, camera), self._cameras[camera].clock.now
        for track_id in [number for number in episodes if number not in here]:
            episode = episodes[track_id]
            if episode.close():
                self._reporter.closed(rule, episode, now)
            if episode.is_forgotten(clock, RETURN_S):
                del episodes[track_id]
        for track_id in sorted(here & (set(episodes) | set(found))):
            person = found.get(track_id)
            if track_id in episodes:
                episodes[track_id].unseen_since = None
            facts = Facts(() if person is None else (person.state,), 1, track_id)
            self._step(rule, camera, track_id, person is not None, clock, now, facts)

    def _see_group(
        self, rule: AlarmRule, camera: str, matching: Sequence[Person], now: Now
    ) -> None:
        """One alarm for all people together."""
        clock = self._cameras[camera].clock.now
        states = tuple(state for state in MaskState if any(p.state == state for p in matching))
        facts = Facts(states, len(matching))
        self._step(rule, camera, _WHOLE, len(matching) >= rule.people, clock, now, facts)

    def _step(
        self,
        rule: AlarmRule,
        camera: str,
        subject: int,
        holds: bool,
        clock: float,
        now: Now,
        facts: Facts | None = None,
    ) -> None:
        """One episode goes on by a moment.

        Args:
            rule: whose episode it is.
            camera: name of its source; empty: of a disk.
            subject: number of the person; `_WHOLE` of what is about no single one.
            holds: whether what the rule waits for is so.
            clock: seconds by which the rule's times are counted.
            now: the moment, for what is sent.
            facts: about the people; None of what has none.
        """
        episodes = self._of(rule, camera)
        episode = episodes.get(subject) or Episode()
        for_s = 0.0 if rule.kind == "camera_gone" else rule.for_s  # its silence is as old already
        turn = episode.step(holds, clock, for_s, rule.clear_s)
        if turn == "opened":
            if subject == _WHOLE and episode.is_over(now.seconds, now.utc):
                episode = episode.next()
            self._reporter.opened(rule, camera, episode, facts or Facts(), now)
        elif turn == "closed":
            self._reporter.closed(rule, episode, now)
        elif holds and episode.is_open and facts is not None:
            self._reporter.updated(rule, episode, facts, now)
        if episode.waits:
            episodes[subject] = episode
        else:
            episodes.pop(subject, None)

    def _end(self, cameras: Iterable[str], now: Now) -> None:
        for name in cameras:
            for rule in self.rules:
                if rule.kind == "people":
                    self._close_all(rule, name, now)

    def _close_all(self, rule: AlarmRule, camera: str, now: Now) -> None:
        """Nobody is seen any more; a person seen again later has the same alarm."""
        for episode in self._episodes.get((rule.name, camera), {}).values():
            if episode.close():
                self._reporter.closed(rule, episode, now)


def _note_crossings(camera: _Camera, observation: Observation) -> None:
    for event in observation.events:
        if event.kind == "crossed":
            crossed = camera.crossed.setdefault(event.track_id, set())
            crossed.add((event.place, event.direction))
    here = {one.track_id for one in observation.people}
    camera.crossed = {number: ways for number, ways in camera.crossed.items() if number in here}
