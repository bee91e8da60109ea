"""When the frames of a file are due in the window."""

from __future__ import annotations

import time

import numpy as np

from maskdet.frame import Frame
from maskdet.live.gui.playback import Pacing
from maskdet.sources.files.image_files import ImageFiles

IMAGE = np.zeros((2, 2, 3), np.uint8)


def frame_at(seconds: float) -> Frame:
    return Frame(IMAGE, 0, seconds, time.monotonic(), "x")


def test_a_jump_of_hours_in_a_file_is_not_waited_for() -> None:
    pacing = Pacing(ImageFiles([], "x"), picture_seconds=3)
    pacing.record_shown(frame_at(1.0))
    shown = time.monotonic()
    after, later = frame_at(36000.0), frame_at(36000.5)
    assert pacing.due(frame_at(1.5)) < shown + 1 < shown + 5 < pacing.due(after) < shown + 11
    pacing.record_shown(after)
    assert pacing.due(later) - pacing.due(after) <= 0.5
