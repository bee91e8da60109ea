"""`privacy: strict`: no face in what is recorded or shown; the real detector looks for one."""

from __future__ import annotations

import io
import json
from collections import Counter
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from maskdet import boxes
from maskdet.config import load_settings
from maskdet.contracts import Detector
from maskdet.detections import Detections
from maskdet.drawing.strict_blur import StrictBlur
from maskdet.frame import Frame
from maskdet.images.motion_gate import MotionGate
from maskdet.live.assembly import first_view
from maskdet.live.cameras.source_state import NewStates, SourceParts
from maskdet.live.pipeline import Pipeline
from maskdet.live.session import run
from maskdet.live.settings.monitor import MonitorSettings
from maskdet.live.shutdown import Stop
from maskdet.people.analysis import Analysis
from maskdet.runtimes import load_detector
from maskdet.sources import CLIP
from maskdet.sources.opening import read_frames
from tests.doubles import CollectingSink, ScriptedDetector, SyntheticSource

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def detector() -> Detector:
    return load_detector(looks="auto", device="cpu")


def faces_in(path: Path, detector: Detector) -> list[np.ndarray]:
    """The boxes in each frame of a recording."""
    with av.open(str(path)) as container:
        images = [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]
    assert len(images) == 6
    return [detector.detect([image])[0].boxes for image in images]


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
    uncovered, covered = faces_in(open_, detector), faces_in(strict, detector)
    assert sum(map(len, uncovered)) > 10
    # A medal may be taken for a face in either; nothing is found where the other has somebody.
    assert sum(map(len, covered)) <= 1
    for faces, left in zip(uncovered, covered, strict=True):
        assert not (boxes.iou(faces, left) > 0.05).any()
    # What is counted stays nearly the same: the detector only gives doubtful faces besides.
    assert abs(strict_counts.total() - open_counts.total()) <= 1


def test_the_real_detector_finds_no_face_where_the_size_changes_as_faces_drop_out(
    detector: Detector,
):
    """Without people: of every three frames one is detected in, and the next has another size."""
    blur, before, after = StrictBlur(), 0, 0
    for index, frame in zip(range(9), read_frames(str(CLIP)), strict=False):
        size = (640, 480) if index % 3 == 0 else (480, 360)
        image = cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA)
        faces = detector.detect([image])[0]
        found = faces if index % 3 == 0 else Detections.empty()
        resized = Frame(image, index, index / 10, 0.0, "door", position=index / 10)
        before += len(faces)
        after += len(detector.detect([blur.cover(resized, found).image])[0])
    assert before >= 27
    assert after == 0


@pytest.mark.parametrize(
    ("view", "size", "codec"),
    [
        ((0, 480, 330, 600), (540, 960), "libvpx-vp9"),
        ((60, 300, 0, 640), (1280, 480), "mjpeg"),
        ((0, 480, 0, 640), (641, 483), ".webp"),
        ((0, 480, 0, 640), (240, 180), "mpeg4"),
    ],
    ids=["portrait", "wide", "odd", "small"],
)
def test_the_real_detector_finds_no_face_whatever_shape_and_codec(
    detector: Detector, view: tuple[int, ...], size: tuple[int, int], codec: str
):
    top, bottom, left, right = view
    frame = next(iter(read_frames(str(CLIP))))
    image = cv2.resize(frame.image[top:bottom, left:right], size, interpolation=cv2.INTER_AREA)
    found = detector.detect([image])[0]
    assert len(found) >= 2
    covered = StrictBlur().cover(Frame(image, 0, 0.0, 0.0, "door"), found).image
    assert len(detector.detect([coded(image, codec)])[0]) >= 2
    assert len(detector.detect([coded(covered, codec)])[0]) == 0


def coded(image: np.ndarray, codec: str) -> np.ndarray:
    """An image once it was encoded, as a picture or as a video."""
    if codec.startswith("."):
        return cv2.imdecode(cv2.imencode(codec, image)[1], cv2.IMREAD_COLOR)
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as container:
        stream = container.add_stream(codec, rate=25, options={"cpu-used": "8"})
        stream.height, stream.width = image.shape[:2]
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode())
    file.seek(0)
    with av.open(file) as container:
        return next(container.decode(video=0)).to_ndarray(format="bgr24")


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


def test_a_covered_source_has_no_gate_which_would_pass_frames_on_uncovered():
    source = SourceParts(SyntheticSource(1))
    gated = NewStates(new_gate=MotionGate).state_of(source)
    assert gated.gate is not None and gated.strict_blur is None
    covered = NewStates(new_strict_blur=StrictBlur, new_gate=MotionGate).state_of(source)
    assert covered.gate is None and covered.strict_blur is not None


@pytest.mark.parametrize("privacy", ["normal", "strict"])
def test_the_window_begins_with_faces_blurred_or_covered(privacy: str):
    settings = load_settings(MonitorSettings, None, [f"privacy={privacy}", "blur=true"])
    view = first_view(settings)
    assert (view.blur, view.strict) == (privacy == "normal", privacy == "strict")


def test_a_face_that_walks_on_unseen_is_covered_where_it_should_be():
    """Found for a second, then no longer, while it walks five face widths a second."""
    analysis, blur = Analysis(), StrictBlur()
    image = np.random.default_rng(1).integers(0, 255, (240, 640, 3), np.uint8)
    for index in range(14):
        x = 20 + 20 * index
        faces = [[x, 100, x + 40, 150]] if index < 10 else []
        frame = Frame(image, index, index / 10, 0.0, "walk", position=index / 10, utc=1.8e9)
        found = Detections(np.array(faces).reshape(-1, 4), [0.9] * len(faces), [0] * len(faces))
        observation = analysis.observe(frame, found)
        covered = blur.cover(frame, found, observation.hidden_boxes).image
        assert (covered[100:150, x : x + 40] != image[100:150, x : x + 40]).any(
            axis=2
        ).mean() > 0.99
