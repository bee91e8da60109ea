"""Open alarms on the image: a frame and a line that names the rules."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from maskdet.detections import Detections
from maskdet.drawing.overlay import Overlay
from maskdet.drawing.status_bar import StatusBar
from maskdet.drawing.status_text import RED, Status, bar_rows
from maskdet.frame import Frame
from maskdet.observation import Observation
from tests.drawing.test_legibility import Recorder
from tests.drawing.test_people_overlay import observation as people_seen

GRAY = 120


def drawn(width: int, height: int, *alerts: str) -> np.ndarray:
    image = np.full((height, width, 3), GRAY, np.uint8)
    observation = Observation(Frame(image, 0, 0.0, 0.0, "hall"), Detections.empty(), alerts=alerts)
    out = Overlay().draw(observation)
    assert (image == GRAY).all(), "the frame stays as it is"
    return out


def test_an_open_alarm_frames_the_image_and_is_named():
    plain, alarmed = drawn(640, 480), drawn(640, 480, "no mask at the door", "crowd")
    assert (plain == GRAY).all()
    for edge in (alarmed[0], alarmed[-1], alarmed[:, 0], alarmed[:, -1]):
        assert (edge == RED).all()
    assert (alarmed[40:400, 40:600] == GRAY).all(), "people stay visible"
    assert (alarmed[455:475, 20:300] != GRAY // 6).any(axis=2).sum() > 300, "text"
    assert (drawn(640, 480, "other") != alarmed).any()


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (40, 30), (320, 240), (90, 600), (1920, 1080)])
@pytest.mark.parametrize("name", ["a", "a very long name of a rule " * 4, "门口没有口罩"])
def test_any_size_and_any_name(size: tuple[int, int], name: str):
    assert drawn(*size, name).shape == (size[1], size[0], 3)


@pytest.mark.parametrize("size", [(240, 180), (320, 240), (270, 480), (480, 640)])
@pytest.mark.parametrize("compact", [False, True])
def test_a_long_alarm_leaves_the_camera_its_name(size: tuple[int, int], compact: bool):
    """The line at the lower edge has the alarm whole; the camera is named in the bar alone."""
    for name in ("crowd", "no mask at the door of the main entrance", "门口没有口罩" * 4):
        renderer = Recorder()
        renderer.fit(*size, 16)
        seen = replace(people_seen(), alerts=("another one", name))
        rows = bar_rows(Status("entrance camera north", compact=compact), seen, narrow=True)
        bar = np.zeros((len(rows) * renderer.row, size[0], 3), np.uint8)
        StatusBar(renderer).draw(bar, rows)
        alarms = [one for one in renderer.written if one.startswith("▲")]
        camera = next(one for one in renderer.written if one.endswith("north"))
        assert len(camera) >= 6 and len(alarms[0]) >= 5
        ends = [
            x + renderer.width(one)
            for x, one in zip(renderer.starts, renderer.written, strict=True)
        ]
        assert max(ends) <= size[0]
        first = renderer.written.index(alarms[-1])
        assert ends[renderer.written.index(camera)] < renderer.starts[first]
