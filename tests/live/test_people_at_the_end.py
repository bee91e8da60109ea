"""People who are there when the images end: events, store, export and deletion agree."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from maskdet.commands.events.deletion import run as delete
from maskdet.commands.events.export import run as export
from maskdet.commands.events.selection import SelectionOptions
from maskdet.detections import Detections
from maskdet.live.cameras.source_state import SourceParts
from maskdet.live.pipeline import Pipeline
from maskdet.observation import Observation
from maskdet.people.analysis import Analysis
from maskdet.people.zones import Zone
from maskdet.sinks.event_log import EventLog
from maskdet.sinks.recording.recording_switch import RecordingSwitch
from maskdet.sinks.store.event_store import EventStore
from maskdet.system.threads import Event, Worker
from tests.commands.test_monitor import lines_of
from tests.doubles import CollectingSink, ScriptedDetector, SyntheticSource, number_of

HALL = Zone("hall", ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)))
STAYS, LEAVES = [40, 10, 52, 24], [8, 10, 20, 24]


def two_people(image: np.ndarray) -> Detections:
    """One who stays, and one who is there for twenty frames."""
    boxes = [STAYS, LEAVES] if number_of(image) < 20 else [STAYS]
    return Detections(boxes, [0.9] * len(boxes), [1] * len(boxes))


class KeepingRecorder(CollectingSink):
    """In the place of a recorder: keeps what it would record."""

    blur, failing, tap = False, False, None
    files = 0

    def __init__(self) -> None:
        super().__init__()
        self.paths: list[Path] = []


@pytest.mark.parametrize("end", ["its file's end", "a limit", "somebody's wish"])
def test_who_left_and_who_was_there_at_the_end_are_two_things(tmp_path: Path, end: str, capsys):
    source = SyntheticSource(None if end == "somebody's wish" else 100, name="door")
    store = EventStore(tmp_path / "people.db")
    log = EventLog(tmp_path / "events.jsonl", every="change")
    kept = KeepingRecorder()
    recording = RecordingSwitch(lambda: kept, on=True)
    with Pipeline(
        [SourceParts(source, [recording], Analysis(zones=[HALL]))],
        ScriptedDetector(two_people),
        [log, store],
        max_frames=100 if end == "a limit" else None,
    ) as pipeline:
        while (observation := pipeline.next()) is not None and observation.frame.index < 99:
            pass
    assert not pipeline.errors
    assert kept.indices == list(range(len(kept.indices))), "the end is not an image of a recording"

    happened = [one for line in lines_of(tmp_path / "events.jsonl") for one in line["changes"]]
    assert [one["kind"] for one in happened].count("appeared") == 2
    ends = {one["track_id"]: one for one in happened if one["kind"] == "gone"}
    stays = {one["track_id"]: one["reason"] for one in happened if one["kind"] == "left"}
    reasons = {number: one["reason"] for number, one in ends.items()}
    assert sorted(reasons.values()) == ["left", "unseen"] and stays == reasons
    assert min(one["duration"] for one in ends.values()) == 0.76
    with closing(sqlite3.connect(tmp_path / "people.db")) as connection:
        for table in ("visits", "stays"):
            rows = connection.execute(f"SELECT track_id, is_over, reason FROM {table}").fetchall()
            assert sorted(rows) == sorted((number, 1, why) for number, why in reasons.items())
        (run,) = connection.execute("SELECT run FROM runs").fetchone()

    capsys.readouterr()
    assert not export(
        *(tmp_path / "people.db", SelectionOptions()),
        csv_file=Path("-"),
        json_file=None,
        timezone="UTC",
    )
    lines = [line.split(",") for line in capsys.readouterr().out.splitlines()]
    assert sorted(line[-1] for line in lines if line[4] == "gone") == ["left", "unseen"]
    there = next(number for number, why in reasons.items() if why == "unseen")
    assert not delete(tmp_path / "people.db", day=None, person=f"{run}/door/{there}")


def test_a_detector_that_hangs_at_the_end_keeps_no_visit_open(tmp_path: Path):
    """Its later results go nowhere; the people of before are gone, in events and store alike."""
    over, asked = Event(), Event()

    def slow(image: np.ndarray) -> Detections:
        if number_of(image) == 30:
            asked.set()
            over.wait(60)
        return two_people(image)

    store = EventStore(tmp_path / "people.db")
    log = EventLog(tmp_path / "events.jsonl", every="change")
    source = SyntheticSource(None, name="door")
    parts = SourceParts(source, analysis=Analysis())
    pipeline = Pipeline([parts], ScriptedDetector(slow), [log, store])
    with pipeline:
        while not asked.is_set():
            pipeline.next(timeout=1)
    over.set()
    happened = [one for line in lines_of(tmp_path / "events.jsonl") for one in line["changes"]]
    assert [one["kind"] for one in happened].count("gone") == 2
    with closing(sqlite3.connect(tmp_path / "people.db")) as connection:
        ends = connection.execute("SELECT is_over FROM visits").fetchall()
    assert ends == [(1,), (1,)]


def test_an_observation_that_is_being_written_at_the_end_gets_to_every_sink(monkeypatch):
    """Also where the run no longer waits for the detector's thread."""
    monkeypatch.setattr("maskdet.live.teardown.THREADS_TIMEOUT_S", 0.01)
    monkeypatch.setattr("maskdet.live.inference._WRITING_S", 30.0)
    writes, goes_on = Event(), Event()

    class SlowSink(CollectingSink):
        def write(self, observation: Observation) -> None:
            super().write(observation)
            writes.set()
            goes_on.wait(60)

    slow, last = SlowSink(), CollectingSink()
    pipeline = Pipeline([SyntheticSource(None)], ScriptedDetector(two_people), [slow, last])
    pipeline.__enter__()
    assert writes.wait(30)
    ending = Worker("end", pipeline.stop)
    ending.start()
    assert not ending.join(0.3)
    goes_on.set()
    assert ending.join(30) and ending.error is None
    assert slow.indices == last.indices != []
