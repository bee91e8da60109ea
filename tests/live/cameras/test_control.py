"""Changes of cameras that come at the same time, and after the end of the run."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from maskdet.errors import ConfigError
from maskdet.live.cameras import control as control_module
from maskdet.live.cameras.camera import Camera
from maskdet.live.cameras.control import CameraControl
from maskdet.live.cameras.source_state import FrameAnalysis
from maskdet.live.cameras.switched_source import SwitchedSource
from maskdet.live.pipeline import Pipeline
from maskdet.live.settings.sources import SourceSettings
from maskdet.sinks.recording.recorder import Recorder
from maskdet.sinks.recording.recording_switch import RecordingSwitch
from tests.doubles import ScriptedDetector, SyntheticSource

pytestmark = pytest.mark.timeout(60)
DOOR, HALL = SourceSettings(source="demo"), SourceSettings(source="rtsp://10.0.0.4/1")


class Parts:
    """Builds cameras; waits before that while `may_go_on` is not set."""

    def __init__(self, folder: Path) -> None:
        self.made: list[Camera] = []
        self.is_asked, self.may_go_on = threading.Event(), threading.Event()
        self._folder = folder

    def make(
        self, one: SourceSettings, name: str, index: int
    ) -> tuple[Camera, FrameAnalysis | None]:
        self.is_asked.set()
        assert self.may_go_on.wait(30)
        recording = RecordingSwitch(lambda: Recorder(self._folder / "r.mp4"))
        self.made.append(Camera(index, one, self.connect(one, name), recording))
        return self.made[-1], None

    def connect(self, one: SourceSettings, name: str) -> SwitchedSource:
        return SwitchedSource(SyntheticSource(None, name=name, is_live=True, rate=30))

    def redirect(self, recording: RecordingSwitch, one: SourceSettings, name: str) -> None:
        """It records nothing on its own."""

    def detect_fps(self, one: SourceSettings) -> float | None:
        return one.detect_fps


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    return Parts(tmp_path)


@pytest.fixture
def control(parts: Parts) -> Iterator[CameraControl]:
    parts.may_go_on.set()
    door, _ = parts.make(DOOR, "door", 0)
    parts.may_go_on.clear()
    parts.is_asked.clear()
    with Pipeline([door.source], ScriptedDetector()) as pipeline:
        control = CameraControl(pipeline.changes, [door], parts)
        yield control
        parts.may_go_on.set()


def test_a_change_does_not_wait_for_one_that_hangs(
    control: CameraControl, parts: Parts, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(control_module, "BUSY_TIMEOUT_S", 0.05)
    adding = threading.Thread(target=control.add, args=(HALL, "hall"))
    adding.start()
    assert parts.is_asked.wait(30)
    with pytest.raises(ConfigError, match="another camera is being changed; try again"):
        control.pause("door")
    parts.may_go_on.set()
    adding.join(30)
    control.pause("door")
    assert {one.name: one.state for one in control.present} == {"door": "paused", "hall": "running"}


def test_after_the_end_of_the_run_nothing_is_added_and_nothing_stays_open(
    control: CameraControl, parts: Parts
):
    control._changes.close()
    parts.may_go_on.set()
    with pytest.raises(ConfigError, match="the run is over; nothing can be added"):
        control.add(HALL, "hall")
    assert [one.name for one in control.present] == ["door"]
    assert parts.made[-1].source.read() is None  # closed
