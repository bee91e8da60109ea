"""Which sources get all looks, and how cameras share the time for them."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from maskdet.contracts import Source
from maskdet.detections import Detections
from maskdet.live.cameras.building import LooksLimit, switched
from maskdet.runtimes.looks.multi_look import MultiLookDetector
from maskdet.sources.demo import DemoClip
from maskdet.sources.files.image_files import ImageFile
from tests.doubles import ScriptedDetector

IMAGE = np.zeros((480, 640, 3), np.uint8)


@pytest.fixture
def detector() -> MultiLookDetector:
    return MultiLookDetector(ScriptedDetector(lambda image: Detections.empty()), 576)


def looks(detector: MultiLookDetector) -> int:
    detector.detect([IMAGE])
    return detector.looks


@pytest.mark.parametrize("in_window", [False, True])
def test_a_picture_has_all_looks_in_a_window_too(
    tmp_path: Path, detector: MultiLookDetector, in_window: bool
) -> None:
    cv2.imwrite(str(tmp_path / "p.png"), IMAGE)
    source: Source = switched(ImageFile(str(tmp_path / "p.png"), "p"), in_window)
    LooksLimit(detector)([source], [None])
    assert looks(detector) == 6


def test_a_video_beside_it_takes_them_away(tmp_path: Path, detector: MultiLookDetector) -> None:
    cv2.imwrite(str(tmp_path / "p.png"), IMAGE)
    picture: Source = ImageFile(str(tmp_path / "p.png"), "p")
    LooksLimit(detector)([picture, switched(DemoClip("demo", "demo"), False)], [None, None])
    assert looks(detector) == 2
