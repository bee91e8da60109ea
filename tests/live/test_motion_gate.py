"""A camera with motion gating beside the same one without: the same people, fewer detections."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from maskdet.detections import Detections
from maskdet.frame import Frame
from maskdet.images.motion_gate import MotionGate
from maskdet.live.cameras.source_state import SourceState
from maskdet.live.inference import Inference
from maskdet.live.meters import SourceMeter
from maskdet.observation import Observation, PersonEvent
from maskdet.people.analysis import Analysis
from maskdet.sinks.event_log import EventLog
from maskdet.system.threads import Closed, Condition, Event, Mailbox, Worker
from tests.commands.test_monitor import frames_in, lines_of
from tests.doubles import ScriptedDetector
from tests.helpers.monitors import StartMonitor
from tests.sinks.channels.servers import hook_server
from tests.sources.test_sources import served

pytestmark = pytest.mark.timeout(60)
FPS, UTC = 10, 1_780_000_000.0
Walk = Callable[[float], float | None]
ROOM = np.full((120, 160, 3), 90, np.uint8)


def image_at(walk: Walk, t: float) -> np.ndarray:
    """A room, and a bright face where the walk has it."""
    image = ROOM.copy()
    x = walk(t)
    if x is not None:
        cv2.rectangle(image, (round(x) - 12, 40), (round(x) + 12, 70), (200, 220, 240), -1)
    return image


def bright_face(image: np.ndarray) -> Detections:
    """The bright rectangle, found in the very pixels."""
    rows, columns = np.nonzero(image[..., 2] > 230)
    if not len(rows):
        return Detections.empty()
    box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    return Detections([box], [0.9], [1], probabilities=[[0.04, 0.92, 0.04]])


class Camera:
    """A live camera whose every frame is taken, with or without the gate."""

    def __init__(
        self,
        *,
        gated: bool,
        script: Callable[[np.ndarray], Detections] = bright_face,
        **people: float,
    ) -> None:
        self.meter, self.detector = SourceMeter(), ScriptedDetector(script)
        gate = MotionGate() if gated else None
        states = [SourceState(self.meter, analysis=Analysis(**people), gate=gate)]
        self._condition, self._stopping = Condition(), Event()
        self._frames: Mailbox[Frame] = Mailbox(newest=True, condition=self._condition)
        self._results: Mailbox[Observation] = Mailbox(newest=True, condition=self._condition)
        inference = Inference(self.detector, states)
        run = [self._frames], [self._results], self._stopping
        self._worker = Worker("detector", lambda: inference.run(*run), [self._results])

    def play(self, walk: Walk, seconds: float) -> list[Observation]:
        """The observations of all frames."""
        self._worker.start()
        found = []
        for i in range(round(seconds * FPS)):
            t = i / FPS
            self._frames.put(Frame(image_at(walk, t), i, UTC + t, t, "c", position=t, utc=UTC + t))
            observation = self._results.get(60)
            assert observation is not None and observation.frame.index == i
            found.append(observation)
        self._frames.close()
        with pytest.raises(Closed):
            self._results.get(60)
        self._worker.join()
        return found


def walk_in_and_stand(t: float) -> float | None:
    """Walks in from 2 s on, stands from 4 s to 20 s, leaves."""
    if t < 2 or t > 23:
        return None
    return 40 + 20 * min(t - 2, 2) + 20 * max(0.0, t - 20)


def events(observations: list[Observation]) -> list[PersonEvent]:
    return [event for one in observations for event in one.events]


def both(walk: Walk, seconds: float, **people: float) -> tuple[list[Observation], ...]:
    cameras = Camera(gated=False, **people), Camera(gated=True, **people)
    whole, gated = (camera.play(walk, seconds) for camera in cameras)
    meter = cameras[1].meter
    assert cameras[0].meter.unchanged == 0 and meter.processed == len(cameras[1].detector.batches)
    assert meter.processed + meter.unchanged == len(gated)
    return whole, gated


def test_who_stands_still_stays_and_nothing_is_counted_twice():
    whole, gated = both(walk_in_and_stand, 30)
    assert [(e.kind, e.track_id, e.state) for e in events(gated)] == [
        (e.kind, e.track_id, e.state) for e in events(whole)
    ]
    for one, other in zip(events(whole), events(gated), strict=True):
        assert other.time == pytest.approx(one.time, abs=1.0)
        assert other.duration == pytest.approx(one.duration, abs=1.0)
    assert gated[-1].people_counts == whole[-1].people_counts
    assert sum(gated[-1].people_counts.run.values()) == 1
    standing = gated[5 * FPS : 20 * FPS]
    assert all(len(one.people) == 1 and one.people[0].track_id == 1 for one in standing)
    assert all(one.detections.track_ids.tolist() == [1] for one in standing)
    processed = [one for one in standing[2 * FPS :] if not one.is_carried]
    assert len(processed) <= 15, "once a second"
    assert np.diff([one.frame.position for one in processed]).max() <= 1.0 + 1e-6


def test_a_carried_observation_has_its_own_frame_and_no_events():
    _, gated = both(walk_in_and_stand, 12)
    carried = [one for one in gated if one.is_carried]
    assert len(carried) > 40
    assert all(one.frame.image.any() and not one.events for one in carried)
    assert len({one.frame.index for one in gated}) == len(gated)


def test_a_poster_is_set_aside_once_and_at_its_time():
    whole, gated = both(lambda t: 60.0, 14, still_after=8.0)
    expected = [e for e in events(whole) if e.kind == "still"]
    (found,) = [e for e in events(gated) if e.kind == "still"]
    assert found.time == pytest.approx(expected[0].time, abs=1.0)
    assert found.duration == pytest.approx(8, abs=1.0)
    assert sum(gated[-1].people_counts.run.values()) == 0


@pytest.mark.parametrize("memory", [0.4, 2.0])
def test_no_memory_is_too_short_for_a_carried_second(memory: float):
    whole, gated = both(walk_in_and_stand, 30, memory_seconds=memory)
    assert [e.kind for e in events(gated)] == [e.kind for e in events(whole)]
    assert gated[-1].people_counts == whole[-1].people_counts


def test_the_state_is_as_certain_as_without_the_gate():
    whole, gated = both(walk_in_and_stand, 15)
    assert gated[-1].people[0].state == whole[-1].people[0].state
    assert gated[-1].people[0].certainty == pytest.approx(whole[-1].people[0].certainty, abs=0.02)


def test_a_face_that_is_found_without_motion_is_a_person_within_two_seconds():
    """The image stays the same; the detector is sure of the face from 5 s on."""
    found: list[bool] = []
    face = Detections([[50, 40, 80, 70]], [0.9], [1])
    camera = Camera(gated=True, script=lambda _: face if found else Detections.empty())

    def walk(t: float) -> None:
        if t >= 5:
            found.append(True)

    observations = camera.play(walk, 9)
    first = next(e for e in events(observations) if e.kind == "appeared")
    seen = next(o for o in observations if o.people).frame.position
    assert first.time - UTC <= 6.0 and seen <= 6.5


def test_the_event_log_has_the_processed_frames_alone(tmp_path: Path):
    _, gated = both(walk_in_and_stand, 8)
    log = EventLog(tmp_path / "e.jsonl")
    for one in gated:
        log.write(one)
    log.close()
    processed = [one.frame.index for one in gated if not one.is_carried]
    assert [line["frame"] for line in lines_of(tmp_path / "e.jsonl")] == processed


def test_the_monitor_on_a_still_camera(tmp_path: Path, start_monitor: StartMonitor):
    """Recorded at its own rate; one visit, one alarm; a few processed frames."""
    picture = tmp_path / "room.jpg"
    assert cv2.imwrite(str(picture), ROOM)
    outputs = {"events": "e.jsonl", "summary": "s.json", "record": "r.mkv", "store": "p.db"}
    with served(tmp_path) as address, hook_server() as hook:
        process = start_monitor(
            f"sources=[{{source: '{address}/room.jpg', name: hall, fps: 10}}]",
            "detect.motion_gate=true",
            "headless=true",
            "max_seconds=7",
            "alarms.rules=[{name: bare, for_seconds: 2}]",
            f"alarms.channels=[{{name: hook, kind: web_hook, url: '{hook.url}'}}]",
            f"snapshots={tmp_path}",
            *(f"{key}={tmp_path / name}" for key, name in outputs.items()),
        )
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 0, errors
        began = [json.loads(one.body) for one in hook.requests]
    frames = json.loads((tmp_path / "s.json").read_text())["frames"]
    assert frames["unchanged"] > frames["processed"] > 10
    assert len(lines_of(tmp_path / "e.jsonl")) == frames["processed"]
    assert frames_in(tmp_path / "r.mkv") == frames["processed"] + frames["unchanged"]
    assert f"{frames['unchanged']} without motion" in errors
    with sqlite3.connect(tmp_path / "p.db") as store:
        ((seconds,),) = store.execute("SELECT seconds FROM visits").fetchall()
        ((counted,),) = store.execute("SELECT sum(frames) FROM minutes").fetchall()
    assert seconds > 4 and counted == frames["processed"]
    assert [one["phase"] for one in began].count("began") == 1
