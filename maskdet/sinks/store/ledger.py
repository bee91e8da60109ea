"""Rows of the event store, made of observations and kept until they are written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from maskdet.detections import MaskState
from maskdet.frame import Frame
from maskdet.observation import Observation, Person, PersonEvent, PersonEventReason

MAX_ROWS = 50_000
"""Rows that wait for a disk that takes none: some days of a busy door, about 30 MB."""
MAX_GAP_S = 10.0
"""Seconds between two frames up to which a camera counts as up; `detect.fps` may be slow."""
MAX_CONFIRMATION_S = 60.0
"""Seconds, at most, by which a person was in the image before they were confirmed."""
MAX_OPENING_S = 10.0
"""Seconds without a frame after which a source that was never open counts as a camera."""
MIN_UNIX_TIME = 1e8
"""Where `Frame.time` is less, it is a position in a file, not the time of a camera."""
FORGOTTEN_S = 120.0
"""Seconds after which somebody who is no longer reported, and was never reported to be gone, is."""

Rows = dict[tuple[object, ...], tuple[object, ...]]
"""By table and primary key, the whole row in the order of the table's columns."""


@dataclass
class _Visit:
    """A person in the image.

    Attributes:
        first_seen: Unix time.
        seconds: from the first to the newest detection.
        reported: when, on the monotonic clock.
        person: as of the newest frame; None where only events were reported.
        zones: for each zone the person is in, the Unix time and the seconds at which it began.
    """

    first_seen: float
    reported: float
    seconds: float = 0.0
    person: Person | None = None
    zones: dict[str, tuple[float, float]] = field(default_factory=dict)

    @property
    def state(self) -> str:
        """The state worn longest, as far as one is known."""
        return MaskState.unsure.name if self.person is None else self.person.longest.name


class Ledger:
    """Turns observations into rows; each row has a key of its own, so that it is counted once.

    A row that changes is written again under its key. After a restart the run has another number,
    and rows of the run before are not touched.

    Attributes:
        dropped: rows that were given up because `MAX_ROWS` waited.
    """

    def __init__(self, run: str, version: str, now: float) -> None:
        """Begins a run.

        Args:
            run: UUID of the run.
            version: of maskdet.
            now: Unix time.
        """
        self.dropped = 0
        self._run, self._version, self._began = run, version, now
        self._cameras: dict[str, _Camera] = {}
        self._waiting: Rows = {}

    def watch(self, cameras: Iterable[str], now: float, *, files: Iterable[str] = ()) -> None:
        """Names cameras that are to be up from now on, whether they give frames or not.

        Args:
            cameras: names of cameras and streams.
            now: Unix time.
            files: names of recordings and images, which end by themselves: they have no up-time.
        """
        for name in files:
            self._cameras.setdefault(name, _Camera(self._run, name, now, is_file=True))
        for name in cameras:
            self._cameras.setdefault(name, _Camera(self._run, name, now))

    def note_camera(self, name: str, state: str, now: float) -> None:
        """A camera is running, paused or removed from now on."""
        self.watch([name], now)
        self._waiting |= self._cameras[name].change(state, now)

    def add(self, observation: Observation) -> bool:
        """Takes one observation; returns whether it has rows to write: something has happened."""
        frame = observation.frame
        self.watch([frame.source], frame.utc)
        rows = self._cameras[frame.source].observe(observation)
        self._waiting |= rows
        self._limit()
        return bool(rows)

    def take(self, now: float, *, with_open: bool) -> Rows:
        """Hands over the rows to write.

        Args:
            now: Unix time, up to which the run is alive.
            with_open: also of visits and minutes that are not over.
        """
        rows, self._waiting = self._waiting, {}
        if with_open:
            rows["runs", self._run] = (self._run, self._began, now, self._version)
            for camera in self._cameras.values():
                rows |= camera.open_rows(now)
        return rows

    def put_back(self, rows: Rows) -> None:
        """Takes rows back that could not be written; newer ones of the same key stay."""
        self._waiting = rows | self._waiting
        self._limit()

    def _limit(self) -> None:
        while len(self._waiting) > MAX_ROWS:
            del self._waiting[next(iter(self._waiting))]
            self.dropped += 1


class _Camera:
    """The part of a ledger that is about one camera."""

    def __init__(self, run: str, name: str, began: float, *, is_file: bool = False) -> None:
        self._key, self._began, self._is_file = (run, name), began, is_file
        self._is_known = is_file
        self._visits: dict[int, _Visit] = {}
        self._over: dict[int, _Visit] = {}  # of the last minutes: a person who comes back goes on
        self._position: float | None = None
        self._minute, self._part = -1, 0
        self._frames = self._peak = 0
        self._up_s = 0.0
        self._person_s: dict[str, float] = defaultdict(float)
        self._pause: tuple[float, str] | None = None

    def change(self, state: str, now: float) -> Rows:
        """It is running, paused or removed from now on; returns the row of a pause that is over."""
        rows = self._pause_row(now)
        self._pause = None if state == "running" else (now, state)
        return rows

    def observe(self, observation: Observation) -> Rows:
        """Takes one observation; returns the rows of what is over, or has happened, by it."""
        frame = observation.frame
        if not self._is_known:  # an address may be that of a camera, or of a recording
            self._is_known, self._is_file = True, frame.time < MIN_UNIX_TIME
        seconds = self._seconds_since_last(frame)
        rows = self._turn_minute(int(frame.utc // 60) * 60)
        self._frames += not observation.is_carried
        self._up_s += seconds
        self._peak = max(self._peak, sum(not person.still for person in observation.people))
        for person in observation.people:
            self._see(person, frame, seconds)
        for event in observation.events:
            rows |= self._happen(event, frame)
        return rows | self._forget(frame.captured)

    def open_rows(self, now: float) -> Rows:
        """The rows of visits, of the minute and of a pause that are not over."""
        rows = self._pause_row(now)
        if not self._is_file and (self._is_known or now - self._began >= MAX_OPENING_S):
            rows["cameras", *self._key] = (*self._key, self._began)
        rows |= dict([self._minute_row()]) if self._frames else {}
        for track_id, visit in self._visits.items():
            rows |= dict([self._visit_row(track_id, visit)])
            for zone, (time, began) in visit.zones.items():
                rows |= self._stay(track_id, zone, time, visit.seconds - began, visit)
        return rows

    def _pause_row(self, now: float) -> Rows:
        if self._pause is None:
            return {}
        began, reason = self._pause
        key = (*self._key, began)
        return {("pauses", *key): (*key, round(max(0.0, now - began), 3), reason)}

    def _seconds_since_last(self, frame: Frame) -> float:
        last, self._position = self._position, frame.position
        gap = 0.0 if last is None else frame.position - last
        return gap if 0 < gap <= MAX_GAP_S else 0.0

    def _see(self, person: Person, frame: Frame, seconds: float) -> None:
        if person.track_id not in self._visits:
            early = min(max(0.0, frame.time - person.first_seen), MAX_CONFIRMATION_S)
            new = _Visit(frame.utc - early, frame.captured)
            self._visits[person.track_id] = self._over.pop(person.track_id, new)
            seconds = 0.0
        visit = self._visits[person.track_id]
        visit.person, visit.reported = person, frame.captured
        visit.seconds = max(0.0, person.last_seen - person.first_seen)
        if not person.still:
            self._person_s[person.state.name] += seconds

    def _happen(self, event: PersonEvent, frame: Frame) -> Rows:
        visit = self._visits.setdefault(event.track_id, _Visit(event.utc, frame.captured))
        key = (*self._key, event.track_id)
        now = (event.state.name, round(event.certainty, 4))
        if event.kind == "state":
            known = MaskState.unsure if event.previous is None else event.previous
            row = (*key, event.utc, known.name, *now)
            return {("changes", *key, event.utc, event.state.name): row}
        if event.kind == "crossed":
            place = (event.place, event.direction, event.utc)
            return {("crossings", *key, *place): (*key, *place, *now)}
        if event.kind == "entered":
            ago = max(0.0, frame.time - event.time)  # it is certain a while later
            visit.zones[event.place] = (event.utc, max(0.0, visit.seconds - ago))
            return self._stay(event.track_id, event.place, event.utc, 0.0, visit)
        if event.kind == "left":
            time, _ = visit.zones.pop(event.place, (event.utc - event.duration, 0.0))
            seconds = max(0.0, event.duration)
            reason = event.reason or "left"
            return self._stay(event.track_id, event.place, time, seconds, visit, reason)
        if event.kind == "appeared":  # counted from now on, whatever happens to this run
            return dict([self._visit_row(event.track_id, visit)])
        return self._go(event, visit) if event.kind == "gone" else {}

    def _go(self, event: PersonEvent, visit: _Visit) -> Rows:
        """Ends a visit, with the stays in zones that nobody ended."""
        rows: Rows = {}
        reason = event.reason or "left"
        for zone, (time, began) in visit.zones.items():
            seconds = visit.seconds - began
            rows |= self._stay(event.track_id, zone, time, seconds, visit, reason)
        self._over[event.track_id] = self._visits.pop(event.track_id)
        visit.zones = {}
        if 0 <= event.duration <= visit.seconds + MAX_CONFIRMATION_S:
            visit.seconds = event.duration
        state, certainty = event.state.name, round(event.certainty, 4)
        key, row = self._visit_row(event.track_id, visit)
        return rows | {key: (*row[:5], state, certainty, row[7], 1, reason)}

    def _forget(self, now: float) -> Rows:
        """Ends visits of people who have not been reported for long, without an event."""
        lost = [i for i, visit in self._visits.items() if now - visit.reported > FORGOTTEN_S]
        rows: Rows = {}
        self._over = {i: v for i, v in self._over.items() if now - v.reported <= FORGOTTEN_S}
        for track_id in lost:
            key, row = self._visit_row(track_id, self._visits.pop(track_id))
            rows[key] = (*row[:-2], 1, "unseen")
        return rows

    def _visit_row(
        self, track_id: int, visit: _Visit
    ) -> tuple[tuple[object, ...], tuple[object, ...]]:
        key, person = (*self._key, track_id), visit.person
        certainty = 0.0 if person is None else round(person.certainty, 4)
        is_still = int(person is not None and person.still)
        times = (visit.first_seen, round(visit.seconds, 3))
        return ("visits", *key), (*key, *times, visit.state, certainty, is_still, 0, None)

    def _stay(
        self,
        track_id: int,
        zone: str,
        time: float,
        seconds: float,
        visit: _Visit,
        reason: PersonEventReason | None = None,
    ) -> Rows:
        """The row of a stay in a zone; one that is over has a reason."""
        key = (*self._key, track_id, zone, time)
        certainty = 0.0 if visit.person is None else round(visit.person.certainty, 4)
        row = (*key, round(seconds, 3), visit.state, certainty, int(reason is not None), reason)
        return {("stays", *key): row}

    def _turn_minute(self, minute: int) -> Rows:
        """Begins a minute where it is due; a clock that was set back begins another part of it."""
        if minute == self._minute:
            return {}
        rows: Rows = dict([self._minute_row()]) if self._frames else {}
        self._part += minute < self._minute
        self._minute = minute
        self._frames = self._peak = 0
        self._up_s = 0.0
        self._person_s.clear()
        return rows

    def _minute_row(self) -> tuple[tuple[object, ...], tuple[object, ...]]:
        key = (*self._key, self._minute, self._part)
        seconds = (round(self._person_s[state.name], 3) for state in MaskState)
        row = (*key, self._frames, round(self._up_s, 3), self._peak, *seconds)
        return ("minutes", *key), row
