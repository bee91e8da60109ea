"""People who are there when the images end: events, store, export and deletion agree."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from maskdet.commands.events.deletion import run as delete
from maskdet.commands.events.export import run as export
from maskdet.detections import Detections
from maskdet.live.pipeline import Pipeline
from maskdet.people.analysis import Analysis
from maskdet.people.zones import Zone
from maskdet.sinks.event_log import EventLog
from maskdet.sinks.recording.recording_switch import RecordingSwitch
from maskdet.sinks.store.event_store import EventStore
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
        [source],
        ScriptedDetector(two_people),
        [log, store],
        source_sinks=[[recording]],
        analyses=[Analysis(zones=[HALL])],
        max_frames=100 if end == "a limit" else None,
    ) as pipeline:
        while (observation := pipeline.next()) is not None and observation.frame.index < 99:
            pass
    assert not pipeline.errors
    assert kept.indices == list(range(len(kept.indices))), "the end is no image of a recording"

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
    assert not export(tmp_path / "people.db", csv_file=Path("-"), json_file=None, zone="UTC")
    lines = [line.split(",") for line in capsys.readouterr().out.splitlines()]
    assert sorted(line[-1] for line in lines if line[4] == "gone") == ["left", "unseen"]
    there = next(number for number, why in reasons.items() if why == "unseen")
    assert not delete(tmp_path / "people.db", day=None, person=f"{run}/door/{there}")
