"""Size of an event log that holds what happened to people."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

from maskdet.sinks.event_line import event
from maskdet.sinks.event_log import EventLog
from tests.people.scenes import Actor, play, times, walk
from tests.sinks.busy_day import write
from tests.sinks.test_event_lines import SCHEMA

BYTES_A_PERSON = 2600
"""Of a visit with its state, a zone and a line: docs/events.md has the size of a day."""
COMPRESSED_BYTES_A_PERSON = 260


def test_a_person_takes_some_hundred_bytes_of_a_compressed_day(tmp_path: Path):
    path = tmp_path / "e.jsonl"
    counted = write(path, 50)
    content = path.read_bytes()
    lines = [json.loads(line) for line in content.splitlines()]
    for line in lines:
        SCHEMA.validate(line)
    kinds = [change["kind"] for line in lines for change in line["changes"]]
    assert 45 <= counted <= 60 and kinds.count("appeared") == kinds.count("gone") == counted
    assert min(kinds.count("crossed"), kinds.count("entered"), kinds.count("left")) >= 45
    assert len(content) < BYTES_A_PERSON * counted
    assert len(gzip.compress(content)) < COMPRESSED_BYTES_A_PERSON * counted


def test_a_line_lists_those_to_whom_something_happened(tmp_path: Path):
    crowd = [
        Actor(walk(40 + 60 * column, 60 + 80 * row)) for column in range(6) for row in range(4)
    ]
    late = Actor(walk(600, 440, gone=[(0, 3)]), state=1)
    seen = play([*crowd, late], times(5, 5))
    log = EventLog(tmp_path / "e.jsonl", every="change")
    for one in seen:
        log.write(one)
    log.close()
    first, *_, last = map(json.loads, (tmp_path / "e.jsonl").read_text().splitlines())
    assert len(first["detections"]) == 24
    (number,) = {change["track_id"] for change in last["changes"]}
    assert [face["track_id"] for face in last["detections"]] == [number]
    assert [person["track_id"] for person in last["people"]] == [number]
    assert sum(last["counts"].values()) == 25
    assert len(event(seen[-1])["detections"]) == 25  # a line of every frame has all
