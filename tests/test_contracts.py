"""Every source, detector and sink keeps the promises of `maskdet.contracts`.

A new one joins by one line in `SOURCES`, `DETECTORS` or `SINKS`: a name, and a function that makes
it of `Tools`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from maskdet.contracts import (
    CameraSource,
    Detector,
    ImageList,
    Sink,
    Source,
    StartingSink,
    VideoSource,
)
from maskdet.detections import CLASS_NAMES, Detections, MaskState
from maskdet.drawing.overlay import Overlay
from maskdet.frame import Frame
from maskdet.live.alarms.desk import AlarmDesk
from maskdet.observation import Observation
from maskdet.people.alarms.rule import AlarmRule
from maskdet.people.alarms.rules import AlarmRules
from maskdet.runtimes import load_detector
from maskdet.runtimes.looks.tiling import TiledDetector
from maskdet.sinks.channels.dispatcher import Dispatcher
from maskdet.sinks.event_log import EventLog
from maskdet.sinks.messaging.server import Server
from maskdet.sinks.messaging.uplink import Uplink
from maskdet.sinks.recording.clips import Clips
from maskdet.sinks.recording.recorder import Recorder
from maskdet.sinks.recording.recording_switch import RecordingSwitch
from maskdet.sinks.recording.stream_encoder import StreamEncoder
from maskdet.sinks.store.alarm_store import AlarmStore
from maskdet.sinks.store.event_store import EventStore
from maskdet.sources.opening import open_source
from maskdet.web.live.hub import LiveHub
from tests.doubles import CollectingSink, ScriptedDetector, SyntheticSource
from tests.helpers.old_models import open_old
from tests.helpers.tiny import make_lively_model
from tests.images.pictures import write_frames
from tests.runtimes.third_party import onnx_graphs
from tests.runtimes.third_party.test_litert import named_ssd
from tests.runtimes.third_party.test_onnx import V8, V8_META
from tests.whole_run import slow

pytestmark = pytest.mark.timeout(300)  # models are exported for the first that asks for one


@dataclass
class Tools:
    """Parts that a factory may use."""

    folder: Path
    make_video: Any
    camera: Any
    request: pytest.FixtureRequest

    def open(self, runtime: str, kind: str = "retinanet") -> Detector:
        """One of our own models, in one of the formats that it is exported to."""
        if runtime == "litert":
            own = {"retinanet": "tiny_model", "faster_rcnn": "litert_faster_rcnn"}[kind]
            return load_detector(str(self.request.getfixturevalue(own)), runtime=runtime)
        return load_detector(str(self.request.getfixturevalue(f"exported_{kind}")), runtime=runtime)


@pytest.fixture(scope="module")
def litert_faster_rcnn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder with a LiteRT file of a Faster R-CNN."""
    pytest.importorskip("tensorflow")
    from maskdet import export

    folder = make_lively_model(tmp_path_factory.mktemp("models") / "faster_rcnn", "faster_rcnn")
    export.run(folder)
    return folder


@pytest.fixture(scope="module")
def detector_tools(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Callable[[], Tools]:
    """Gives tools for one more detector, with a folder of its own; detectors need no camera."""
    return lambda: Tools(tmp_path_factory.mktemp("detector"), None, None, request)


@pytest.fixture
def tools(tmp_path: Path, make_video, camera, request: pytest.FixtureRequest) -> Tools:
    return Tools(tmp_path, make_video, camera, request)


def a_face(image: np.ndarray) -> Detections:
    height, width = image.shape[:2]
    return Detections(np.array([[0, 0, width / 2, height / 2]]), [0.5], [0])


def pictures(tools: Tools) -> Path:
    folder = tools.folder / "pictures"
    folder.mkdir(exist_ok=True)
    for number in range(5):
        picture = np.full((20 + number, 30, 3), 10 * number, np.uint8)
        (folder / f"{number}.png").write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    return folder


SOURCES: dict[str, Callable[[Tools], Source]] = {
    "video": lambda t: open_source(str(t.make_video(frames=8))),
    "picture": lambda t: open_source(str(pictures(t) / "0.png")),
    "folder": lambda t: open_source(str(pictures(t))),
    "pages": lambda t: open_source(str(write_frames(t.folder / "a.tif"))),
    "animation": lambda t: open_source(str(write_frames(t.folder / "a.webp", duration=100))),
    "demo": lambda t: open_source("demo"),
    "stream": lambda t: open_source(t.camera.url("live", login="user:secret@")),
    "synthetic": lambda t: SyntheticSource(8),
    "synthetic, live": lambda t: SyntheticSource(None, is_live=True, rate=200),
}

DETECTORS: dict[str, Callable[[Tools], Detector]] = {
    "scripted": lambda t: ScriptedDetector(a_face),
    "frozen graph": lambda t: open_old(t.folder, "ssd_mobilenet_v1/frozen_inference_graph.pb"),
    "Faster R-CNN": lambda t: open_old(
        t.folder, "faster_rcnn_mobilenet_v1/frozen_inference_graph.pb"
    ),
    "keras-retinanet": lambda t: open_old(t.folder, "mobilenet_1.0.0.h5"),
    "Keras": lambda t: t.open("keras"),
    "Keras, Faster R-CNN": lambda t: t.open("keras", "faster_rcnn"),
    "LiteRT": lambda t: t.open("litert"),
    "LiteRT, Faster R-CNN": lambda t: t.open("litert", "faster_rcnn"),
    "LiteRT, in tiles": lambda t: TiledDetector(t.open("litert"), 2),
    "ONNX Runtime": lambda t: t.open("onnx"),
    "ONNX Runtime, Faster R-CNN": lambda t: t.open("onnx", "faster_rcnn"),
    "exported graph": lambda t: t.open("frozen_graph"),
    "YOLO": lambda t: load_detector(
        str(onnx_graphs.write(t.folder / "x.onnx", [V8.T[None]], V8_META)), min_score=0.0
    ),
    "SSD": lambda t: load_detector(str(named_ssd(t.folder / "x.tflite")), min_score=0.0),
}

SINKS: dict[str, Callable[[Tools], Sink]] = {
    "collecting": lambda t: CollectingSink(),
    "event log": lambda t: EventLog(t.folder / "events.jsonl"),
    "event store": lambda t: EventStore(t.folder / "people.db"),
    "mp4": lambda t: Recorder(t.folder / "out.mp4"),
    "mkv": lambda t: Recorder(t.folder / "out.mkv"),
    "segments": lambda t: Recorder(t.folder / "door.mp4", segment_seconds=0.1),
    "switch": lambda t: RecordingSwitch(lambda: Recorder(t.folder / "r.mp4"), on=True),
    "clips": lambda t: _clips(t.folder),
    "alarm desk": lambda t: _desk(t.folder),
    "live page": lambda t: _live_hub(),
    "uplink": lambda t: Uplink(Server(("nats://127.0.0.1:9",)), t.folder / "people.db", "north"),
}


def _live_hub() -> LiveHub:
    hub = LiveHub(lambda: Overlay().draw, StreamEncoder, 15.0)
    hub.begin(["camera"])
    return hub


def _clips(folder: Path) -> Clips:
    return Clips(
        folder,
        label="alarm-",
        before_s=1.0,
        after_s=1.0,
        max_bytes=1e6,
        draw=lambda one: one.frame.image,
        recording=RecordingSwitch(lambda: Recorder(folder / "r.mp4")),
        on_finished=lambda alarms, path: None,
    )


def _desk(folder: Path) -> AlarmDesk:
    rules = AlarmRules([AlarmRule("any", states=frozenset(MaskState))], run="one")
    store = AlarmStore(folder / "alarms.db", "one")
    desk = AlarmDesk(rules, store, lambda done: Dispatcher({}, done), wants={})
    desk.start()
    return desk


# --- sources -----------------------------------------------------------------------------------


@pytest.fixture(params=SOURCES)
def source(request: pytest.FixtureRequest, tools: Tools) -> Iterator[Source]:
    made = SOURCES[request.param](tools)
    yield made
    made.close()


def some_frames(source: Source, most: int = 8) -> list[Frame]:
    return list(islice(iter(source.read, None), most))


def test_a_source_says_what_it_is(source: Source) -> None:
    assert source.name and "secret" not in source.name
    assert isinstance(source.is_live, bool)
    assert source.fps is None or 0 < source.fps < 1000


def test_what_a_source_has_besides_is_known_by_its_protocol(tools: Tools) -> None:
    with ExitStack() as opened:
        made = {name: make(tools) for name, make in SOURCES.items()}
        for one in made.values():
            opened.callback(one.close)

        def of(protocol: type) -> set[str]:
            return {name for name, one in made.items() if isinstance(one, protocol)}

        assert of(CameraSource) == {"stream"}
        assert of(VideoSource) == {"video", "animation"}
        assert of(ImageList) == {"picture", "folder", "pages"}


def test_frames_are_numbered_stamped_and_named(source: Source) -> None:
    frames = some_frames(source)
    assert frames
    assert [frame.index for frame in frames] == list(range(len(frames)))
    assert {frame.source for frame in frames} == {source.name}
    for earlier, later in pairwise(frames):
        assert later.captured > earlier.captured
        assert later.time >= earlier.time and later.position >= earlier.position
    assert all(frame.image.flags.c_contiguous for frame in frames)
    if source.is_live:
        assert frames[0].time > 1.6e9  # Unix time
    else:
        assert frames[0].time == 0
    assert frames[0].position == 0  # of every source
    assert all(abs(frame.utc - time.time()) < 300 for frame in frames)


def test_a_frame_is_not_overwritten_by_the_next(source: Source) -> None:
    frames, copies = [], []
    for frame in islice(iter(source.read, None), 3):
        frames.append(frame.image)
        copies.append(frame.image.copy())
    assert all((image == copy).all() for image, copy in zip(frames, copies, strict=True))


def test_what_is_not_live_ends_and_stays_ended(source: Source) -> None:
    if source.is_live:
        assert len(some_frames(source, 20)) == 20
    else:
        assert len(some_frames(source, 100)) < 100
        assert source.read() is None
        assert source.read() is None


def test_a_source_may_be_closed_twice_and_by_another_thread(source: Source) -> None:
    assert source.read() is not None
    done = threading.Event()

    def read_on() -> None:
        while source.read() is not None:
            pass
        done.set()

    reader = threading.Thread(target=read_on)
    reader.start()
    source.close()
    source.close()
    reader.join()
    assert done.is_set()
    assert source.read() is None


# --- detectors ---------------------------------------------------------------------------------


REPEATED = ("Keras, Faster R-CNN", "LiteRT, Faster R-CNN", "ONNX Runtime, Faster R-CNN")
"""Detectors whose runtime and whose network another one has, too."""


@pytest.fixture(
    scope="module", params=[slow(each) if each in REPEATED else each for each in DETECTORS]
)
def detector(
    request: pytest.FixtureRequest, detector_tools: Callable[[], Tools]
) -> Iterator[Detector]:
    """One for all tests: it takes longer to open than to ask."""
    made = DETECTORS[request.param](detector_tools())
    made.warm_up()
    yield made
    made.close()
    made.close()


@pytest.fixture(scope="module")
def images() -> list[np.ndarray]:
    """Of all shapes: noise, black, tiny, tall, wide, and one that is a part of another."""
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    shapes = [(480, 640), (1, 1), (300, 7), (7, 300)]
    return [noise, noise[10:101, 20:121], *(np.zeros((*shape, 3), np.uint8) for shape in shapes)]


def test_a_detector_says_what_it_is(detector: Detector) -> None:
    assert detector.name and detector.device


def test_no_pictures_no_answers(detector: Detector) -> None:
    assert detector.detect([]) == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (np.zeros((48, 64, 3), np.uint8), r"give it \[image\], not one uint8 \(48, 64, 3\)"),
        ([np.zeros((48, 64, 3))], r"image 0 is float64 \(48, 64, 3\); it must be uint8"),
        ([np.zeros((48, 64, 3), np.uint16)], "image 0 is uint16"),
        ([np.zeros((0, 64, 3), np.uint8)], r"image 0 is uint8 \(0, 64, 3\)"),
        (["a.jpg"], "image 0 is a str, not an array; see maskdet.read_image"),
    ],
)
def test_what_is_no_list_of_images_is_refused(detector: Detector, wrong: Any, words: str) -> None:
    """It would be a list of images without a face otherwise."""
    with pytest.raises(ValueError, match=words):
        detector.detect(wrong)


def test_detections_lie_in_their_picture_best_first(detector: Detector, images) -> None:
    before = [image.copy() for image in images]
    found = detector.detect(images)
    assert len(found) == len(images)
    for image, faces in zip(images, found, strict=True):
        height, width = image.shape[:2]
        assert (faces.boxes >= 0).all()
        assert (faces.boxes <= [width, height, width, height]).all()
        assert (faces.boxes[:, 2:] >= faces.boxes[:, :2]).all()
        assert ((faces.scores >= 0) & (faces.scores <= 1)).all()
        assert (np.diff(faces.scores) <= 0).all()
        assert np.isin(faces.states, range(len(CLASS_NAMES))).all()
    assert all((image == copy).all() for image, copy in zip(images, before, strict=True))


def test_together_or_one_by_one_is_the_same(detector: Detector, images) -> None:
    for image, together in zip(images, detector.detect(images), strict=True):
        (alone,) = detector.detect([image])
        assert alone.states.tolist() == together.states.tolist()
        np.testing.assert_allclose(alone.scores, together.scores, atol=1e-3)
        np.testing.assert_allclose(alone.boxes, together.boxes, atol=0.5)


# --- sinks -------------------------------------------------------------------------------------


@pytest.fixture(params=SINKS)
def sink(request: pytest.FixtureRequest, tools: Tools) -> Iterator[Sink]:
    made = SINKS[request.param](tools)
    yield made
    made.close()


def test_the_sinks_that_begin_with_the_run_are_known_by_their_protocol(tools: Tools) -> None:
    made = {name: make(tools) for name, make in SINKS.items()}
    starting = {name for name, one in made.items() if isinstance(one, StartingSink)}
    for one in made.values():
        one.close()
    assert starting == {"event store", "uplink"}


def observe(index: int, width: int = 64, height: int = 48, name: str = "camera") -> Observation:
    image = np.full((height, width, 3), 90, np.uint8)
    faces = a_face(image) if index % 2 else Detections.empty()
    frame = Frame(image, index, index / 25, 100 + index / 25, name)
    return Observation(frame, faces, faces.counts())


def test_a_sink_takes_observations_of_changing_size_and_leaves_them_alone(sink: Sink) -> None:
    sizes = [(64, 48)] * 4 + [(80, 60)] * 3 + [(33, 21)]  # odd ones, too
    for index, (width, height) in enumerate(sizes):
        observation = observe(index, width, height, "口罩 камера")
        sink.write(observation)
        assert (observation.frame.image == 90).all()
    sink.close()


def test_a_sink_may_be_closed_without_a_word_and_twice(sink: Sink) -> None:
    sink.close()
    sink.close()


def test_a_sink_may_be_closed_twice_after_work(sink: Sink) -> None:
    sink.write(observe(0))
    sink.close()
    sink.close()
