"""Reports of alarms that open and close: what is recorded and what is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from maskdet.alarm import Alarm, AlarmMessage, AlarmPhase
from maskdet.detections import MaskState
from maskdet.people.alarms.episode import Episode
from maskdet.people.alarms.limits import Limits
from maskdet.people.alarms.rule import AlarmRule
from maskdet.people.alarms.wording import text, title

MAX_MUTED = 500
"""Muted alarms of a rule and camera that are kept for the next message; the list has all."""
UPDATE_INTERVAL_S = 10.0
"""Seconds between two updates of one open alarm."""


@dataclass(frozen=True)
class Changes:
    """Changes by a frame or a sweep.

    Attributes:
        alarms: those that changed, as of now.
        messages: for the channels, in order.
    """

    alarms: tuple[Alarm, ...] = ()
    messages: tuple[AlarmMessage, ...] = ()


@dataclass(frozen=True)
class Facts:
    """Subject of an alarm, as of a moment.

    Attributes:
        states: of the people it is about.
        people: how many.
        track_id: of a single person.
    """

    states: tuple[MaskState, ...] = ()
    people: int = 0
    track_id: int | None = None


@dataclass(frozen=True)
class Now:
    """A moment on both clocks.

    Attributes:
        seconds: of a clock that never goes back.
        utc: Unix time.
    """

    seconds: float
    utc: float


class Reporter:
    """Gives alarms their numbers and decides what is sent about them.

    Attributes:
        limits: cool-downs, alarms per hour, snoozes.
    """

    def __init__(self, run: str) -> None:
        """Has reported nothing.

        Args:
            run: what makes numbers of alarms unique among runs.
        """
        self.limits = Limits()
        self._run = run
        self._count = 0
        self._alarms: dict[str, Alarm] = {}
        self._messages: list[AlarmMessage] = []
        self._muted: dict[tuple[AlarmRule, str], list[Episode]] = {}
        self._unsettled: list[tuple[AlarmRule, Episode]] = []

    def take(self) -> Changes:
        """Takes what has come since the last call."""
        changes = Changes(tuple(self._alarms.values()), tuple(self._messages))
        self._alarms, self._messages = {}, []
        return changes

    def opened(
        self, rule: AlarmRule, camera: str, episode: Episode, facts: Facts, now: Now
    ) -> None:
        """The condition of a rule is met."""
        about = title(rule, camera, facts.states, facts.track_id, facts.people)
        states = tuple(state.name for state in facts.states)
        if episode.alarm is None:
            self._count += 1
            began = now.utc - rule.for_s
            episode.alarm = Alarm(
                f"{self._run}-{self._count}",
                *(rule.name, rule.kind, camera, began, now.utc, about),
                track_id=facts.track_id,
                people=facts.people,
                states=states,
                place=rule.zone or rule.line,
            )
        else:
            alarm = episode.alarm
            episode.alarm = replace(
                alarm,
                cleared=None,
                changed=now.utc,
                repeats=alarm.repeats + 1,
                title=about,
                people=max(alarm.people, facts.people),
                states=states,
            )
        self._record(episode)
        if episode.begins_to_flap(now.seconds):
            self._unsettled.append((rule, episode))
            if episode.is_sent and not self._is_snoozed(episode, now):
                self._send(rule, episode, "flapping", now)
        elif episode.is_sent:
            self._settle(rule, episode, now)
        elif not episode.is_merged and not episode.is_flapping:
            self._begin(rule, camera, episode, now)

    def closed(self, rule: AlarmRule, episode: Episode, now: Now) -> None:
        """The condition is not met any more, or its subject is gone."""
        if episode.alarm is not None:
            episode.alarm = replace(episode.alarm, cleared=now.utc, changed=now.utc)
            self._record(episode)
            self._settle(rule, episode, now)

    def updated(self, rule: AlarmRule, episode: Episode, facts: Facts, now: Now) -> None:
        """The condition is still met; sends what is new about it, now and then."""
        alarm = episode.alarm
        if alarm is None or now.seconds - episode.sent_at < UPDATE_INTERVAL_S:
            return
        people = max(alarm.people, facts.people)
        states = tuple(state.name for state in facts.states)
        if (people, states) == (alarm.people, alarm.states):
            return
        about = title(rule, alarm.camera, facts.states, facts.track_id, people)
        episode.alarm = replace(alarm, people=people, states=states, title=about, changed=now.utc)
        self._record(episode)
        if not episode.is_flapping and not self._is_snoozed(episode, now) and episode.is_sent:
            self._send(rule, episode, "updated", now)

    def catch_up(self, now: Now) -> None:
        """Sends what was held back and need not be any more."""
        for (rule, camera), episodes in list(self._muted.items()):
            if not self.limits.mute(rule, camera, now.seconds):
                del self._muted[rule, camera]
                self._unmute(rule, episodes, now)
        waiting, self._unsettled = self._unsettled, []
        for rule, episode in waiting:
            if episode.is_flapping and not episode.is_steady_again(now.seconds):
                self._unsettled.append((rule, episode))
            elif episode.is_sent:
                self._settle(rule, episode, now)

    def _begin(self, rule: AlarmRule, camera: str, episode: Episode, now: Now) -> None:
        assert episode.alarm is not None
        mute = self.limits.mute(rule, camera, now.seconds)
        waiting = self._muted.get((rule, camera))
        if not mute and not waiting:
            self._announce(rule, episode, now)
            return
        episode.alarm = replace(episode.alarm, muted=mute or "cool-down")
        self._record(episode)
        waiting = self._muted.setdefault((rule, camera), [])
        if episode not in waiting:
            waiting.append(episode)
        del waiting[:-MAX_MUTED]

    def _unmute(self, rule: AlarmRule, episodes: Sequence[Episode], now: Now) -> None:
        """Sends one of those that were held back, and how many there are.

        What a snooze covered and is over is not sent: nobody wanted to know.
        """
        left = [
            one
            for one in episodes
            if one.alarm is not None and (one.is_open or one.alarm.muted != "snoozed")
        ]
        if not left:
            return
        newest = next((one for one in reversed(left) if one.is_open), left[-1])
        others = [one for one in left if one is not newest]
        for one in others:
            one.is_merged = True
        self._announce(rule, newest, now, others)

    def _announce(
        self, rule: AlarmRule, episode: Episode, now: Now, others: Sequence[Episode] = ()
    ) -> None:
        assert episode.alarm is not None
        episode.alarm = replace(episode.alarm, muted="")
        self._record(episode)
        episode.is_sent = True
        self.limits.record_sent(rule.name, episode.alarm.camera, now.seconds)
        self._send(rule, episode, "began", now, others)
        self._settle(rule, episode, now)

    def _settle(self, rule: AlarmRule, episode: Episode, now: Now) -> None:
        """Sends whether it is open or cleared, where the channels know otherwise."""
        if not episode.is_sent or episode.is_sent_open == episode.is_open:
            return
        if episode.is_flapping or self._is_snoozed(episode, now):
            if not any(one is episode for _, one in self._unsettled):
                self._unsettled.append((rule, episode))
            return
        self._send(rule, episode, "updated" if episode.is_open else "cleared", now)

    def _send(
        self,
        rule: AlarmRule,
        episode: Episode,
        phase: AlarmPhase,
        now: Now,
        others: Sequence[Episode] = (),
    ) -> None:
        assert episode.alarm is not None
        episode.sent_at, episode.is_sent_open = now.seconds, phase != "cleared"
        numbers = tuple(one.alarm.alarm_id for one in others if one.alarm is not None)
        line = text(phase, episode.alarm, len(numbers))
        self._messages.append(AlarmMessage(phase, episode.alarm, line, rule.channels, numbers))

    def _is_snoozed(self, episode: Episode, now: Now) -> bool:
        assert episode.alarm is not None
        return self.limits.is_snoozed(episode.alarm.rule, episode.alarm.camera, now.seconds)

    def _record(self, episode: Episode) -> None:
        assert episode.alarm is not None
        self._alarms[episode.alarm.alarm_id] = episode.alarm
