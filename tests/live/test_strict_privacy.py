"""`privacy: strict`: no face in what is recorded or shown; the real detector looks for one."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import av
import numpy as np
import pytest

from maskdet.config import load_settings
from maskdet.contracts import Detector
from maskdet.detections import Detections
from maskdet.drawing.strict_blur import StrictBlur
from maskdet.live.pipeline import Pipeline
from maskdet.live.session import run
from maskdet.live.settings.monitor import MonitorSettings
from maskdet.live.shutdown import Stop
from maskdet.runtimes import load_detector
from maskdet.sources import CLIP
from tests.doubles import CollectingSink, ScriptedDetector, SyntheticSource

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def detector() -> Detector:
    return load_detector(looks="auto", device="cpu")


def faces_in(path: Path, detector: Detector) -> int:
    with av.open(str(path)) as container:
        images = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    assert len(images) == 6
    return sum(len(detector.detect([image])[0]) for image in images)


def recorded(folder: Path, **changes: str) -> tuple[Path, Counter[str]]:
    """Records the demo's clip, a frame every two seconds, by the whole monitor."""
    wanted = {"privacy": "strict", "recording.bar": "false", "device": "cpu", **changes}
    path = folder / f"{wanted['privacy']}.mp4"
    settings = load_settings(
        MonitorSettings,
        None,
        [f"sources=[{CLIP}]", "headless=true", "detect.fps=0.5", f"record={path}"]
        + [f"{key}={value}" for key, value in wanted.items()],
    )
    events = folder / f"{wanted['privacy']}.jsonl"
    settings = settings.model_copy(
        update={"events": settings.events.model_copy(update={"file": events})}
    )
    assert run(settings, Stop(None)) == 0
    counts: Counter[str] = Counter()
    for line in events.read_text().splitlines():
        counts.update(json.loads(line)["counts"])
    return path, counts


def test_the_real_detector_finds_no_face_in_a_recording(tmp_path: Path, detector: Detector):
    open_, open_counts = recorded(tmp_path, privacy="normal")
    strict, strict_counts = recorded(tmp_path)
    assert faces_in(open_, detector) > 10
    assert faces_in(strict, detector) == 0
    # What is counted stays nearly the same: the detector only gives doubtful faces besides.
    assert abs(strict_counts.total() - open_counts.total()) <= 1


def test_every_output_gets_covered_frames_though_detection_drops_out():
    calls = iter(range(100))

    def now_and_then(image: np.ndarray) -> Detections:
        box = [[10, 10, 40, 40]] if next(calls) % 4 == 0 else np.zeros((0, 4))
        return Detections(np.array(box), [0.9] * len(box), [0] * len(box))

    sink = CollectingSink()
    source = SyntheticSource(12)
    read = source.read

    def read_noise():
        frame = read()
        if frame is not None:
            frame.image[:] = np.random.default_rng(frame.index).integers(0, 255, (48, 64, 3))
        return frame

    source.read = read_noise  # type: ignore[method-assign]
    detector = ScriptedDetector(now_and_then)
    with Pipeline([source], detector, [sink], new_strict_blur=StrictBlur) as pipeline:
        shown = [observation.frame.image for observation in pipeline]
    assert len(sink.observations) == len(shown) == 12
    for image in [*shown, *(one.frame.image for one in sink.observations)]:
        inside = image[12:38, 12:38].reshape(-1, 3)
        assert len(np.unique(inside, axis=0)) == 1
    assert [len(one.detections) for one in sink.observations] == [1, 0, 0, 0] * 3
