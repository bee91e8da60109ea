"""Exported files find the faces that Keras finds, and are called as the old scripts were."""

from __future__ import annotations

import shutil
import sys
from functools import cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from maskdet import boxes as box_ops
from maskdet import export
from maskdet.__main__ import main
from maskdet.detections import CLASS_NAMES, Detections
from maskdet.errors import ConfigError, ModelError
from maskdet.images.letterbox import fitting_size, letterbox
from maskdet.model.card import model_file, read_card
from maskdet.model.label_map import read_label_map
from maskdet.runtimes import load_detector
from maskdet.runtimes.decoding import ANCHOR_SUPPRESSION_IOU
from tests.helpers.old_models import assert_same
from tests.helpers.tiny import make_lively_model

tf = pytest.importorskip("tensorflow")

KINDS = ("retinanet", "faster_rcnn")
MIN_SCORE = 0.3
NAMES = ("detection_boxes", "detection_scores", "detection_classes", "num_detections")


def pictures() -> list[np.ndarray]:
    """As large as the input, enlarged, shrunk a little, by half, by far; slim; tiny.

    Factors are such that the graph sees the runtimes' very pixels: these networks of random
    weights make much of a single gray level.
    """
    random = np.random.default_rng(3)
    images = []
    for height, width in [(96, 128), (90, 120), (105, 140), (192, 256), (480, 640), (13, 120)]:
        coarse = random.integers(0, 256, (9, 12, 3), np.uint8)
        images.append(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_NEAREST))
    return images


@cache
def found_by_keras(folder: Path) -> list[Detections]:
    """Faces that our own runtime finds."""
    return load_detector(str(folder), runtime="keras", min_score=MIN_SCORE).detect(pictures())


@pytest.fixture(params=KINDS)
def folder(request: pytest.FixtureRequest) -> Path:
    return request.getfixturevalue(f"exported_{request.param}")


def apart(found: list[Detections]) -> list[Detections]:
    """Those that do not overlap a better one as the old graphs are suppressed."""
    return [f[box_ops.nms(f.boxes, f.scores, ANCHOR_SUPPRESSION_IOU, len(f))] for f in found]


def compare(found: list[Detections], folder: Path) -> None:
    """The same faces in every picture: state, box, score to a thousandth.

    But for those that overlap so far that a graph of another system, which may give a face in two
    states, is not believed: boxes that have voted may, in a network of random weights.
    """
    expected, found = map(apart, (found_by_keras(folder), found))
    assert sum(map(len, expected)) > 20
    for ours, theirs in zip(found, expected, strict=True):
        if len(ours) or len(theirs):
            assert_same(ours, theirs)


@pytest.mark.parametrize("runtime", ["onnx", "frozen_graph"])
def test_every_runtime_finds_what_keras_finds(folder: Path, runtime: str) -> None:
    detector = load_detector(str(folder), runtime=runtime, min_score=MIN_SCORE)
    compare(detector.detect(pictures()), folder)


def test_openvino_finds_what_keras_finds(folder: Path) -> None:
    """Or says that it cannot: some of its versions refuse the loop of proposals' suppression."""
    pytest.importorskip("openvino")
    try:
        load_detector(str(folder), runtime="openvino")
    except ModelError as error:
        assert folder.name == "faster_rcnn"
        assert "cannot be loaded as ONNX" in str(error) and "\n" not in str(error)
        return
    detector = load_detector(str(folder), runtime="openvino", min_score=MIN_SCORE)
    assert detector.device == "CPU (OpenVINO)"
    compare(detector.detect(pictures()), folder)


def test_a_saved_model_opens_as_one_of_another_system(folder: Path) -> None:
    """Without the card: its label map lies beside it."""
    detector = load_detector(str(folder / "saved_model"), min_score=MIN_SCORE)
    compare(detector.detect(pictures()), folder)


def test_the_exported_folder_alone_is_a_model(exported, tmp_path: Path) -> None:
    """Output for other programs: three arrays, laid out as the Object Detection API does."""
    folder = exported["retinanet"]
    for name in ("frozen_inference_graph.pb", "label_map.pbtxt"):
        shutil.copy(folder / name, tmp_path)
    shutil.copytree(folder / "saved_model", tmp_path / "saved_model")
    compare(load_detector(str(tmp_path), min_score=MIN_SCORE).detect(pictures()), folder)


def found_by_script(outputs: dict[str, np.ndarray], image: np.ndarray) -> Detections:
    """The old scripts' way from a graph's outputs to boxes in pixels."""
    number = int(outputs["num_detections"][0])
    classes = outputs["detection_classes"][0][:number].astype(np.int64)
    boxes, scores = outputs["detection_boxes"][0][:number], outputs["detection_scores"][0][:number]
    height, width = image.shape[:2]
    pixels = boxes[:, [1, 0, 3, 2]] * [width, height, width, height]
    assert (np.diff(scores) <= 0).all()
    likely = scores >= MIN_SCORE
    return Detections(pixels[likely], scores[likely], classes[likely] - 1)


def test_a_script_for_tf1_runs_the_frozen_graph(folder: Path) -> None:
    """`object_detection_tutorial.ipynb` of 2018, but for `tf.compat.v1`."""
    detection_graph = tf.Graph()
    with detection_graph.as_default():
        od_graph_def = tf.compat.v1.GraphDef()
        with tf.io.gfile.GFile(str(folder / "frozen_inference_graph.pb"), "rb") as fid:
            od_graph_def.ParseFromString(fid.read())
            tf.import_graph_def(od_graph_def, name="")
    found = []
    with tf.compat.v1.Session(graph=detection_graph) as sess:
        image_tensor = detection_graph.get_tensor_by_name("image_tensor:0")
        assert image_tensor.dtype == tf.uint8
        tensors = [detection_graph.get_tensor_by_name(f"{name}:0") for name in NAMES]
        for image in pictures():
            image_np_expanded = np.expand_dims(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), axis=0)
            values = sess.run(tensors, feed_dict={image_tensor: image_np_expanded})
            assert {value.dtype for value in values} == {np.dtype(np.float32)}
            found.append(found_by_script(dict(zip(NAMES, values, strict=True)), image))
    compare(found, folder)


def test_a_script_for_tf2_runs_the_saved_model(folder: Path) -> None:
    """Called as a whole, and by its signature: tutorials of 2020 do either."""
    model = tf.saved_model.load(str(folder / "saved_model"))
    signature = model.signatures["serving_default"]
    (name, spec), *others = signature.structured_input_signature[1].items()
    assert (name, spec.dtype, spec.shape.as_list()) == (
        "input_tensor", tf.uint8, [1, None, None, 3],
    )  # fmt: skip
    assert not others and set(signature.structured_outputs) == set(NAMES)
    for detect_fn in (model, signature):
        found = []
        for image in pictures():
            image_np = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
            input_tensor = tf.convert_to_tensor(image_np)[tf.newaxis, ...]
            detections = {name: value.numpy() for name, value in detect_fn(input_tensor).items()}
            found.append(found_by_script(detections, image))
        compare(found, folder)


def test_a_frozen_graph_takes_batches(exported) -> None:
    graph = exported["retinanet"] / "frozen_inference_graph.pb"
    whole = tf.compat.v1.GraphDef.FromString(graph.read_bytes())
    images = np.stack([np.roll(pictures()[0], 20 * shift, axis=1) for shift in range(3)])
    with tf.Graph().as_default() as place, tf.compat.v1.Session() as session:
        tf.import_graph_def(whole, name="")
        fetched = [place.get_tensor_by_name(f"{name}:0") for name in NAMES]
        together = session.run(fetched, {"image_tensor:0": images})
        for index, image in enumerate(images):
            alone = session.run(fetched, {"image_tensor:0": image[None]})
            for one, all_ in zip(alone, together, strict=True):
                np.testing.assert_allclose(one[0], all_[index], atol=1e-3)


def test_the_label_map_names_our_classes(exported) -> None:
    for folder in exported.values():
        names = read_label_map(folder / "label_map.pbtxt")
        assert names == dict(enumerate(CLASS_NAMES, start=1))


def test_the_card_names_what_was_written(folder: Path) -> None:
    card = read_card(folder)
    assert list(card.files) == ["onnx", "keras", "frozen_graph", "saved_model"]
    for kind in card.files:  # verifies the checksum
        assert model_file(folder, card, kind).is_file()


SIZES = [(480, 640), (96, 128), (333, 517), (37, 640), (1, 1), (300, 7), (720, 1280), (1152, 900),
         (768, 768), (576, 576), (2000, 3)]  # fmt: skip


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_the_graph_sees_the_pixels_that_the_runtimes_see(height: int, width: int) -> None:
    from maskdet.export.letterbox_graph import fitted

    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    ours, factor = letterbox(image, *fitting_size(height, width, 576))
    theirs, its_factor = fitted(tf.constant(image[None, ..., ::-1]), 576)
    assert float(its_factor) == factor
    difference = np.abs(theirs.numpy()[0] - ours)
    assert difference.max() <= 1 and (difference > 0).mean() < 0.01


@pytest.mark.slow
def test_export_again_replaces_what_was_there(
    exported, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = shutil.copytree(exported["retinanet"], tmp_path / "model")
    (copy / "saved_model" / "assets" / "old.txt").write_text("old")
    (copy / "frozen_inference_graph.pb").write_text("old")
    assert main(["export", "--to", "saved_model", "--model", str(copy)]) == 0
    *written, hint = capsys.readouterr().out.splitlines()
    assert written == [
        f"wrote {copy / 'frozen_inference_graph.pb'}",
        f"wrote {copy / 'saved_model' / 'saved_model.pb'}",
        f"wrote {copy / 'label_map.pbtxt'}",
    ]
    assert hint.startswith("not measured yet: ") and "frozen_graph, saved_model" in hint
    assert not list((copy / "saved_model").rglob("old.txt"))
    assert len(load_detector(str(copy), runtime="frozen_graph").detect(pictures()[:1])) == 1
    assert not [file for file in copy.iterdir() if file.name.startswith(".")]


def test_int8_is_litert_s_alone(exported, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError, match="--int8 is for litert, not for onnx"):
        export.run(exported["retinanet"], "onnx", int8=True)


def test_onnx_without_its_packages_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tf2onnx", None)
    folder = make_lively_model(tmp_path / "model")
    with pytest.raises(ConfigError, match=r"tf2onnx is not installed.* install -e '\.\[onnx\]'"):
        export.run(folder, "onnx")
    assert not (folder / "model.onnx").exists()
