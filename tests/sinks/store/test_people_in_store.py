"""The store keeps what the analysis of people reports."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np

from maskdet.detections import Detections
from maskdet.frame import Frame
from maskdet.people.analysis import Analysis
from maskdet.people.zones import Line, Zone
from maskdet.reports.local_time import LocalTime
from maskdet.reports.queries import Selection, read_totals
from maskdet.sinks.store.event_store import EventStore
from maskdet.sinks.store.schema import open_for_reading
from tests.sinks.store.scenes import NOON

WIDTH, HEIGHT = 640, 360
IMAGE = np.random.default_rng(0).integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)


def faces_at(second: float) -> Detections:
    """Three people, one after the other, each with another state, walk from left to right."""
    boxes, states = [], []
    for number in range(3):
        x = 120 * (second - 8 * number)
        if 0 <= x <= WIDTH - 40:
            boxes.append([x, 100, x + 40, 150])
            states.append(number)
    return Detections(np.array(boxes).reshape(-1, 4), [0.95] * len(boxes), states)


def test_a_report_counts_whom_the_analysis_counted(tmp_path: Path):
    zone = Zone("till", ((0.3, 0.0), (0.7, 0.0), (0.7, 1.0), (0.3, 1.0)))
    analysis = Analysis(zones=[zone], lines=[Line("entrance", (0.5, 0.0), (0.5, 1.0))])
    store = EventStore(tmp_path / "people.db")
    for step in range(270):
        second = step / 10
        frame = Frame(
            IMAGE, step, NOON + second, second, "door", position=second, utc=NOON + second
        )
        observation = analysis.observe(frame, faces_at(second))
        store.write(observation)
    store.close()
    counts = observation.people_counts
    assert counts is not None and sum(counts.run.values()) == 3
    with closing(open_for_reading(tmp_path / "people.db")) as connection:
        wanted = Selection(NOON - 3600, NOON + 3600)
        totals = read_totals(connection, wanted, LocalTime("UTC"))
        seconds = [row[0] for row in connection.execute("SELECT seconds FROM visits")]
        over = connection.execute("SELECT count(*) FROM visits WHERE is_over").fetchone()
        stays = connection.execute("SELECT time, seconds FROM stays ORDER BY time").fetchall()
    assert {name: getattr(totals.people, name) for name in counts.run} == counts.run
    assert over == (3,) and all(3 < one < 7 for one in seconds)
    assert totals.zones["door", "till"].people.total == 3
    # the middle of a face of 40 pixels is in the zone from 192 to 448 pixels: 1.43 to 3.57 s
    for number, (time, lasted) in enumerate(stays):
        assert np.allclose((time - NOON - 8 * number, lasted), (1.43, 2.13), atol=0.11)
    line = totals.lines["door", "entrance"]
    crossed = {way: sum(by.values()) for way, by in counts.crossings["entrance"].items()}
    assert {"in": line.ins, "out": line.outs} == crossed and sum(crossed.values()) == 3
    assert totals.changes == 0


def test_who_is_in_a_zone_when_images_end_was_in_it_since_the_border(tmp_path: Path):
    zone = Zone("till", ((0.3, 0.0), (1.0, 0.0), (1.0, 1.0), (0.3, 1.0)))
    analysis = Analysis(zones=[zone])
    with closing(EventStore(tmp_path / "people.db")) as store:
        for step in range(45):
            second = step / 10
            frame = Frame(IMAGE, step, NOON + second, second, "door", utc=NOON + second)
            store.write(analysis.observe(frame, faces_at(second)))
    with closing(open_for_reading(tmp_path / "people.db")) as connection:
        stay = connection.execute("SELECT time, seconds FROM stays").fetchone()
    assert np.allclose((stay[0] - NOON, stay[1]), (1.43, 4.4 - 1.43), atol=0.11)
