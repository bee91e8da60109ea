"""Whatever a detector and a source give, the analysis goes on and its numbers add up."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from maskdet.detections import Detections
from maskdet.frame import Frame
from maskdet.people.analysis import Analysis
from maskdet.people.zones import Line, Zone

SIDES = st.floats(width=32, allow_nan=True, allow_infinity=True) | st.floats(-50, 700, width=32)
BOXES = st.lists(st.tuples(SIDES, SIDES, SIDES, SIDES), max_size=5)
STEPS = st.sampled_from([0.0, 0.04, 0.2, 1.0, 30.0, 500.0, -0.5, -4000.0])
SIZES = st.sampled_from([(640, 480), (320, 240), (1, 1), (480, 640)])


@given(st.lists(st.tuples(STEPS, SIZES, BOXES, st.booleans()), max_size=12))
@settings(max_examples=40)
def test_any_boxes_and_times_make_observations(frames: list) -> None:
    zone = Zone("z", ((0.1, 0.1), (0.9, 0.1), (0.5, 0.9)))
    analysis = Analysis(zones=[zone], lines=[Line("l", (0.0, 0.5), (1.0, 0.5))], still_after=5)
    now, gone = 1e9, set()
    for index, (step, (width, height), boxes, keep) in enumerate(frames):
        now += step
        boxes = [*boxes, (100, 100, 140, 150), (100, 100, 100, 100)] if keep else boxes
        count = len(boxes)
        found = Detections(boxes, np.full(count, 0.9), np.arange(count) % 4)
        frame = Frame(np.zeros((height, width, 3), np.uint8), index, now, 0.0, "any", utc=now)
        seen = analysis.observe(frame, found)
        ids = [i for i in seen.detections.track_ids.tolist() if i >= 0]
        alive = {person.track_id for person in seen.people}
        assert len(set(ids)) == len(ids) and set(ids) <= alive and not alive & gone
        gone |= {event.track_id for event in seen.events if event.kind == "gone"}
        counts = seen.people_counts
        still = sum(person.still for person in seen.people)
        assert sum(counts.now.values()) == len(alive) - still
        assert sum(counts.run.values()) >= sum(counts.day.values()) >= sum(counts.hour.values())
        assert all(value >= 0 for value in (*counts.run.values(), *counts.hour.values()))
        assert all(0 <= person.certainty <= 1 for person in seen.people)
