"""The clip that ships, by the model that ships: the exact number of people, in the right state."""

from __future__ import annotations

from collections import Counter, defaultdict

import numpy as np
import pytest

from maskdet.boxes import iou
from maskdet.detections import Detections, MaskState
from maskdet.frame import Frame
from maskdet.observation import Observation
from maskdet.people.analysis import Analysis
from maskdet.runtimes import load_detector
from maskdet.runtimes.looks.multi_look import expect_video
from maskdet.sources import CLIP
from maskdet.sources.opening import read_frames
from tools.demo_clip.scene import FPS, FRAMES, truth

STEP = 3
"""Frames of the clip for each that is processed: ten a second."""
VISITS = 6
"""Four people stay, and one walks through the image and back: gone for three seconds."""


@pytest.fixture(scope="module")
def clip() -> list[tuple[int, np.ndarray, Detections]]:
    """Number, image and detections of the clip's frames."""
    detector = load_detector(looks="auto", device="cpu")
    expect_video(detector)
    images = [frame.image.copy() for frame in read_frames(str(CLIP))]
    assert len(images) == FRAMES
    numbers = range(0, FRAMES, STEP)
    return [(number, images[number], detector.detect([images[number]])[0]) for number in numbers]


def follow(clip, step: int, analysis: Analysis) -> list[Observation]:
    return [
        analysis.observe(
            Frame(image, number, number / FPS, 0.0, "clip", utc=1.78e9 + number / FPS), faces
        )
        for number, image, faces in clip[::step]
    ]


@pytest.mark.parametrize("step", [1, 2, 4])
def test_the_clip_has_exactly_its_people(clip, step: int):
    """At 10, 5 and 2.5 frames a second."""
    counts = follow(clip, step, Analysis())[-1].people_counts
    assert counts is not None
    assert sum(counts.run.values()) == VISITS
    expected = {"with_mask": 3, "without_mask": 2, "mask_weared_incorrect": 1, "unsure": 0}
    assert counts.run == expected


@pytest.mark.parametrize("step", [1, 2])
def test_each_person_has_the_right_state_and_changes_it_only_in_truth(clip, step: int):
    right: Counter[bool] = Counter()
    numbers: dict[int, set[int]] = defaultdict(set)
    seen = follow(clip, step, Analysis())
    for (number, _, _), one in zip(clip[::step], seen, strict=True):
        true = truth(number)
        states = {person.track_id: person.state for person in one.people}
        for box, track_id in zip(one.detections.boxes, one.detections.track_ids, strict=True):
            overlaps = iou(box[None], true.boxes)[0]
            row = int(overlaps.argmax())
            if track_id < 0 or overlaps[row] < 0.3:
                continue
            numbers[int(track_id)].add(int(true.track_ids[row]))
            state = states[int(track_id)]
            if MaskState.unsure not in (state, true.states[row]):
                right[state == true.states[row]] += 1
    assert right[True] / right.total() >= 0.97 and right.total() > 400 / step
    assert all(len(figures) == 1 for figures in numbers.values())
    flips = [event for one in seen for event in one.events
             if event.kind == "state" and event.previous is not MaskState.unsure]  # fmt: skip
    assert not flips
