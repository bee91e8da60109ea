"""Open alarms on the image: a frame and a line that names the rules."""

from __future__ import annotations

import numpy as np
import pytest

from maskdet.detections import Detections
from maskdet.drawing.overlay import Overlay
from maskdet.drawing.status_text import RED
from maskdet.frame import Frame
from maskdet.observation import Observation

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
