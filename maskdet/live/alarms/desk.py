"""The alarm desk: frames go in, rules decide, messages go to the channels; a list is kept."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from maskdet.alarm import Alarm, AlarmMessage, AlarmPhase, Snooze
from maskdet.live.alarms.alarm_list import MAX_ALARMS, AlarmList
from maskdet.live.alarms.journal import Journal
from maskdet.observation import Observation
from maskdet.people.alarms.reporter import Changes
from maskdet.people.alarms.rule import CameraView
from maskdet.people.alarms.rules import AlarmRules
from maskdet.people.alarms.wording import headline
from maskdet.sinks.channels.dispatcher import Dispatcher
from maskdet.sinks.store.alarm_store import AlarmStore, Delivery
from maskdet.system.console import without_bugs
from maskdet.system.threads import Condition, Worker
from maskdet.system.timeouts import run_all_with_timeout

HOUR_S = 3600.0
CLOSE_TIMEOUT_S = 0.5
"""For what is left to be written and sent at the end."""
MAX_WAITING_FRAMES = 20
"""Frames that wait for a disk that hangs; what comes then is sent without a picture."""
_OF_CAMERAS = ("people", "camera_covered", "camera_moved")
"""Kinds of alarms that a picture belongs to."""

Snapshot = Callable[[Observation, Alarm], str]
"""Saves the picture of an alarm; its path, or empty where it cannot be saved."""


class AlarmDesk:
    """Runs the rules and keeps the list of alarms; implements `AlarmControl`.

    `observe`, `sweep` and `write` decide in the caller's thread, which costs microseconds; pictures
    are drawn, and everything is stored and handed to the channels, in a thread of its own. A
    message is stored before it is sent: what `kill -9` leaves undelivered is sent by the next run.
    """

    def __init__(
        self,
        rules: AlarmRules,
        store: AlarmStore,
        dispatcher: Callable[[Callable[[Delivery], None]], Dispatcher],
        *,
        wants: Mapping[str, frozenset[AlarmPhase]],
        snapshot: Snapshot | None = None,
        on_began: Callable[[Alarm], None] | None = None,
    ) -> None:
        """Takes over what the run before has left.

        Args:
            rules: what to raise an alarm for.
            store: where alarms and undelivered messages are kept.
            dispatcher: makes the dispatcher, of what it is to call with each delivered message.
            wants: for each channel, the phases that it sends.
            snapshot: saves the picture of an alarm; None: there are none.
            on_began: called with each new alarm that has a picture, to begin its clip.
        """
        self._rules, self._store, self._wants = rules, store, wants
        self._snapshot, self._on_began = snapshot, on_began
        self._lock = self._condition = Condition()
        self._journal = Journal(store)
        self._fresh: dict[str, list[Changes]] = {}
        self._inbox: list[tuple[Changes, Observation | None]] = []
        self._numbers = itertools.count(time.time_ns())  # go on after a restart
        self._is_ending = self._is_started = False
        self._dispatcher = dispatcher(self._record_delivered)
        self._worker = Worker("alarms", self._run, is_alone=True)
        self._list = AlarmList(reversed(store.alarms(MAX_ALARMS)))
        with self._lock:
            self._take_over()

    # What the run calls.

    def start(self) -> None:
        """Begins to send."""
        self._is_started = True
        self._journal.start()
        self._dispatcher.start()
        self._worker.start()

    def observe(self, observation: Observation, view: CameraView | None = None) -> tuple[str, ...]:
        """Applies the rules to a frame; returns the names of those with an open alarm.

        What comes of it waits for `write`, which gets the frame as it may be shown.
        """
        camera = observation.frame.source
        with self._lock:
            changes = self._rules.observe(observation, time.monotonic(), view)
            if changes.alarms or changes.messages:
                self._fresh.setdefault(camera, []).append(changes)
            return self._rules.open_rules(camera)

    def write(self, observation: Observation) -> None:
        """Takes the frame of the last `observe`, faces covered where they have to be."""
        with self._lock:
            for changes in self._fresh.pop(observation.frame.source, ()):
                self._put(changes, observation)

    def sweep(
        self,
        silent: Mapping[str, float],
        free_bytes: float | None = None,
        ended: Iterable[str] = (),
        idle: Iterable[str] = (),
    ) -> None:
        """Applies the rules to what happens while no frame comes; called about once a second.

        Args:
            silent: seconds since the last frame of each source that should give some.
            free_bytes: on the fullest disk that is written to.
            ended: names of sources that will give no further frame.
            idle: names of sources that a user has paused or removed.
        """
        now, utc = time.monotonic(), time.time()
        with self._lock:
            changes = self._rules.sweep(now, utc, silent, free_bytes, ended, idle)
            if changes.alarms or changes.messages:
                self._put(changes, None)

    def attach_clip(self, alarm_id: str, path: str) -> None:
        """The clip of an alarm is finished: a message of its own."""
        with self._lock:
            alarm = self._list.attach(alarm_id, clip=path)
            if alarm is None:
                return
            rule = next((one for one in self._rules.rules if one.name == alarm.rule), None)
            message = AlarmMessage(
                "clip", alarm, f"clip: {headline(alarm)}", rule.channels if rule else None
            )
            self._put(Changes((), () if alarm.muted else (message,)), None, alarm)

    def close(self) -> None:
        """Stores and sends what it can within a moment; may be called twice."""
        with self._condition:
            if self._is_ending or not self._is_started:
                self._is_ending = True
                return
            changes = self._rules.end(time.monotonic(), time.time())
            if changes.alarms or changes.messages:
                self._put(changes, None)
            self._is_ending = True
            self._condition.notify_all()
        self._worker.join(CLOSE_TIMEOUT_S)
        self._dispatcher.drain(CLOSE_TIMEOUT_S / 2)
        self._dispatcher.close()
        self._journal.close(CLOSE_TIMEOUT_S)
        run_all_with_timeout(CLOSE_TIMEOUT_S / 5, {"leaving the alarms": self._store.close})

    # The list of alarms.

    @property
    def version(self) -> int:
        """Raised at every change."""
        return self._list.version

    def begun(self) -> Mapping[str, int]:
        """Number of alarms that have begun in this run, by their rules."""
        with self._lock:
            return dict(self._list.begun)

    def rules(self) -> Sequence[str]:
        """Names of the rules, in the order of the settings."""
        return [rule.name for rule in self._rules.rules]

    def alarms(self, limit: int = 100, *, only_open: bool = False) -> Sequence[Alarm]:
        """The newest alarms, newest first; of at most `MAX_ALARMS`."""
        with self._lock:
            return self._list.newest(limit, only_open=only_open)

    def find(self, alarm_id: str) -> Alarm | None:
        """One alarm; None: there is none of that number."""
        with self._lock:
            return self._list.find(alarm_id)

    def acknowledge(self, alarm_id: str, by: str = "") -> bool:
        """Notes that somebody has seen an alarm; the first one counts."""
        with self._lock:
            alarm = self._list.find(alarm_id)
            if alarm is not None and alarm.acknowledged is None:
                changed = self._list.attach(alarm_id, acknowledged=time.time(), acknowledged_by=by)
                self._put(Changes(), None, changed)
            return alarm is not None

    def snooze(self, seconds: float, *, rule: str = "", camera: str = "") -> Snooze:
        """Sends nothing for so long, of a rule or all, of a camera or all; 0 ends a snooze."""
        with self._lock:
            self._rules.snooze(rule, camera, time.monotonic() + seconds)
            self._list.version += 1
            snooze = Snooze(rule, camera, time.time() + seconds)
            self._journal.add(snoozes=[snooze])
            self._condition.notify_all()
            return snooze

    def snoozes(self) -> Sequence[Snooze]:
        """The snoozes that are not over."""
        with self._lock:
            offset = time.time() - time.monotonic()
            found = self._rules.snoozes(time.monotonic())
            return [replace(one, until=one.until + offset) for one in found]

    # The desk's own thread.

    def _put(
        self, changes: Changes, observation: Observation | None, changed: Alarm | None = None
    ) -> None:
        """Notes changes in the list and queues them; the lock is held."""
        alarms = [self._list.put(alarm) for alarm in changes.alarms]
        alarms += [changed] if changed is not None else []
        if sum(waiting is not None for _, waiting in self._inbox) >= MAX_WAITING_FRAMES:
            observation = None
        self._inbox.append((replace(changes, alarms=tuple(alarms)), observation))
        self._condition.notify_all()

    def _run(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._inbox or self._is_ending, 1.0)
                inbox, self._inbox = self._inbox, []
                if self._is_ending and not inbox:
                    break
            for changes, observation in inbox:
                self._process(changes, observation)
            if not inbox:
                self._journal.save()
                with self._lock:
                    self._list.drop(self._journal.take_deleted())
        self._journal.save()

    def _process(self, changes: Changes, observation: Observation | None) -> None:
        """Attaches a picture, stores, and hands to the channels."""
        alarms = {one.alarm_id: one for one in changes.alarms}
        deliveries = []
        for message in changes.messages:
            alarm = self._with_picture(message, observation)
            if alarm.alarm_id in alarms:
                alarms[alarm.alarm_id] = replace(
                    alarms[alarm.alarm_id], snapshot=alarm.snapshot, clip=alarm.clip
                )
            deliveries += self._deliveries(replace(message, alarm=alarm))
        self._journal.add(alarms.values(), deliveries)
        self._journal.save()
        self._dispatcher.put(deliveries)

    def _with_picture(self, message: AlarmMessage, observation: Observation | None) -> Alarm:
        alarm = message.alarm
        with self._lock:
            known = self._list.find(alarm.alarm_id)
        if known is not None:
            alarm = replace(alarm, snapshot=known.snapshot, clip=known.clip)
        if message.phase != "began" or alarm.kind not in _OF_CAMERAS:
            return alarm
        if observation is not None and self._snapshot is not None and not alarm.snapshot:
            path = without_bugs(partial(self._snapshot, observation, alarm)) or ""
            with self._lock:
                self._list.attach(alarm.alarm_id, snapshot=path)
            alarm = replace(alarm, snapshot=path)
        if self._on_began is not None:
            without_bugs(partial(self._on_began, alarm))
        return alarm

    def _deliveries(self, message: AlarmMessage) -> list[Delivery]:
        number, now = f"{next(self._numbers):020}", time.time()
        message = replace(message, message_id=number)
        return [
            Delivery(f"{number}/{name}", name, message, now)
            for name, phases in self._wants.items()
            if message.phase in phases and (message.channels is None or name in message.channels)
        ]

    def _record_delivered(self, delivery: Delivery) -> None:
        """A message has arrived; called in the thread of its channel."""
        with self._lock:
            if delivery.message.phase == "began":
                about = delivery.message.alarm
                self._rules.record_delivered(about.rule, about.camera, time.monotonic())
        self._journal.record_delivered(delivery)
        self._journal.save()

    def _take_over(self) -> None:
        """Continues where the run before has ended: open alarms, limits, undelivered messages."""
        now, utc = time.monotonic(), time.time()
        for rule, camera, began, delivered in self._store.sent_since(utc - HOUR_S):
            self._rules.record_sent(rule, camera, now - max(0.0, utc - began))
            if delivered is not None:
                self._rules.record_delivered(rule, camera, now - max(0.0, utc - delivered))
        for snooze in self._store.snoozes(utc):
            self._rules.snooze(snooze.rule, snooze.camera, now + snooze.until - utc)
        self._dispatcher.put(self._store.pending())
        were_open = self._store.alarms(MAX_ALARMS, only_open=True)
        changes = self._rules.restore(were_open, now, utc)
        if changes.alarms or changes.messages:
            self._put(changes, None)
