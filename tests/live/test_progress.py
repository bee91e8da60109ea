"""Where a frame stands in its file or folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from maskdet.live.progress import Progress, clock, progress_of
from maskdet.sources.opening import open_source


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (7.9, "0:07"), (61, "1:01"), (3723, "1:02:03")]
)
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text


def test_a_video_has_position_length_and_time_left(make_video: Callable[..., Path]) -> None:
    source = open_source(str(make_video(frames=100)))
    progress = [progress_of(source, frame) for frame in iter(source.read, None)]
    assert str(progress[0]) == "0:00 of 0:04, 0:04 left"
    assert str(progress[50]) == "0:02 of 0:04, 0:02 left"
    assert progress[50] is not None and progress[50].share == pytest.approx(0.5, abs=0.01)
    assert [p.position for p in progress if p] == pytest.approx([i / 25 for i in range(100)])


def test_a_video_goes_to_any_position(make_video: Callable[..., Path]) -> None:
    source = open_source(str(make_video(frames=100)))
    for position in (3.0, 1.0, 0.0, 3.96, 2.0):
        source.seek(position)  # type: ignore[attr-defined]
        times = [frame.time for frame in (source.read(), source.read()) if frame]
        assert times == pytest.approx([position, position + 0.04][: len(times)])


def test_a_folder_has_names_and_numbers(tmp_path: Path) -> None:
    for name in ("2.png", "10.png", "1.png"):
        cv2.imwrite(str(tmp_path / name), np.zeros((9, 9, 3), np.uint8))
    source = open_source(str(tmp_path))
    shown = [str(progress_of(source, frame)) for frame in iter(source.read, None)]
    assert shown == ["1.png, 1 of 3", "2.png, 2 of 3", "10.png, 3 of 3"]
    single = open_source(str(tmp_path / "2.png"))
    frame = single.read()
    assert frame is not None and str(progress_of(single, frame)) == "2.png"


def test_a_length_that_the_file_does_not_keep_is_not_shown(make_video: Callable[..., Path]) -> None:
    source = open_source(str(make_video(frames=100)))
    source.length = 1.0  # type: ignore[attr-defined]
    frame = list(iter(source.read, None))[-1]
    assert frame is not None and str(progress_of(source, frame)) == "0:03"


def test_cameras_have_none() -> None:
    demo = open_source("demo")
    frame = demo.read()
    assert frame is not None and progress_of(demo, frame) is None
    assert str(Progress()) == "" and Progress().share is None
