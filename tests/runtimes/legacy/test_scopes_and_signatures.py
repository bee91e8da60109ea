"""Graphs under a scope, and SavedModels with other signatures than exporters write."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maskdet.errors import ModelError
from maskdet.runtimes import load_detector
from maskdet.runtimes.file_formats import is_model
from tests.helpers import old_models
from tests.helpers.old_models import assert_same, pictures, upstream_api

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.timeout(120)

MODEL = "ssd_mobilenet_v1"


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A frozen graph that upstream wrote."""
    folder = old_models.unpack(tmp_path_factory.mktemp("old"), f"{MODEL}/*.pb.xz")
    graph = tf.compat.v1.GraphDef()
    graph.ParseFromString((folder / MODEL / "frozen_inference_graph.pb").read_bytes())
    return graph


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "label_map.pbtxt").write_bytes((old_models.FOLDER / "label_map.pbtxt").read_bytes())
    return tmp_path


@pytest.mark.parametrize("scope", ["import", "detector/import"])
def test_a_graph_that_was_imported_into_another_gives_the_same(
    graph: Any, folder: Path, scope: str
) -> None:
    with tf.Graph().as_default() as outer:
        tf.import_graph_def(graph, name=scope)
        definition = outer.as_graph_def()
    assert f"{scope}/image_tensor" in {node.name for node in definition.node}
    (folder / "frozen_inference_graph.pb").write_bytes(definition.SerializeToString())
    detector = load_detector(str(folder), min_score=0.0)
    assert_same(detector.detect(pictures()[:1])[0], upstream_api(MODEL)[0])


def test_a_scoped_graph_that_writes_files_is_refused(folder: Path) -> None:
    with tf.Graph().as_default() as outer:
        with tf.name_scope("import"):
            tf.compat.v1.placeholder("uint8", [None, None, None, 3], name="image_tensor")
            with tf.control_dependencies([tf.io.write_file(str(folder / "written"), "x")]):
                for name, value in face().items():
                    tf.identity(value, name=name)
        (folder / "graph.pb").write_bytes(outer.as_graph_def().SerializeToString())
    with pytest.raises(ModelError, match="refused: its operation WriteFile"):
        load_detector(str(folder / "graph.pb"))


def face(box: tuple[float, ...] = (0.0, 0.0, 1.0, 1.0)) -> dict[str, Any]:
    """A detector's outputs: one face of class 1."""
    return {
        "detection_boxes": tf.constant([[box]]),
        "detection_scores": tf.constant([[0.75]]),
        "detection_classes": tf.constant([[1.0]]),
        "num_detections": tf.constant([1.0]),
    }


def save(folder: Path, signatures: dict[str, Callable[[Any], Any]] | None) -> None:
    """A SavedModel of TF2 whose functions take an image."""
    spec = tf.TensorSpec([1, None, None, 3], tf.uint8, "input_tensor")
    module = tf.Module()
    made = {key: tf.function(run, [spec]) for key, run in (signatures or {}).items()}
    if signatures is None:  # which TensorFlow saves without a signature
        module.__call__ = tf.function(lambda image: face())
        module.__call__(tf.zeros([1, 8, 8, 3], tf.uint8))
    tf.saved_model.save(module, str(folder / "saved_model"), made or None)


def features(image: Any) -> dict[str, Any]:
    return {"features": tf.cast(image[:, 0, 0], tf.float32)}


@pytest.mark.parametrize(
    "signatures",
    [
        {"detect": lambda image: face()},
        {"serving_default": features, "detect": lambda image: face()},
        {"a_features": features, "detect": lambda image: face()},
    ],
)
def test_the_signature_of_a_detector_is_taken_whatever_it_is_called(
    folder: Path, signatures: dict[str, Callable[[Any], Any]]
) -> None:
    save(folder, signatures)
    (found,) = load_detector(str(folder)).detect([np.zeros((20, 30, 3), np.uint8)])
    assert found.boxes.tolist() == [[0, 0, 30, 20]] and found.states.tolist() == [0]


def test_a_detector_among_the_parts_of_a_saved_model_is_taken(graph: Any, folder: Path) -> None:
    """TF1's builder puts several graphs with other tags into one file; `load` asks which."""
    v1 = tf.compat.v1
    builder = v1.saved_model.Builder(str(folder / "saved_model"))
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder("float32", [None], name="x")
        info = v1.saved_model.build_tensor_info(x)
        training = v1.saved_model.build_signature_def({"x": info}, {"x": info})
        builder.add_meta_graph_and_variables(session, ["train"], {"train": training})
    with tf.Graph().as_default() as whole, v1.Session() as session:
        tf.import_graph_def(graph, name="")
        inputs, *outputs = (
            v1.saved_model.build_tensor_info(whole.get_tensor_by_name(f"{name}:0"))
            for name in ("image_tensor", *face())
        )
        detection = v1.saved_model.build_signature_def(
            {"inputs": inputs}, dict(zip(face(), outputs, strict=True))
        )
        builder.add_meta_graph(["serve", "gpu"], {"predict_images": detection})
        builder.save()
    detector = load_detector(str(folder), min_score=0.0)
    assert_same(detector.detect(pictures()[:1])[0], upstream_api(MODEL)[0])


def test_a_saved_model_without_a_signature_is_one_line_that_says_how_to_save_it(
    folder: Path,
) -> None:
    save(folder, None)
    with pytest.raises(
        ModelError, match="has no signature.*signatures={'serving_default'"
    ) as reported:
        load_detector(str(folder))
    message = str(reported.value)
    assert "\n" not in message
    (code,) = re.findall(r"with one: (.*), SHAPE being", message)
    names = {"FOLDER": str(folder / "saved_model"), "NEW_FOLDER": str(folder / "new")}
    exec(code, {"tf": tf, "SHAPE": [1, 8, 8, 3], **names})
    assert len(load_detector(str(folder / "new")).detect([np.zeros((8, 8, 3), np.uint8)])[0]) == 1


def test_boxes_in_pixels_are_refused(folder: Path) -> None:
    """TensorFlow's Model Garden exports so by default; each face would be a corner of the image."""
    save(folder, {"serving_default": lambda image: face((12.0, 8.0, 60.0, 40.0))})
    detector = load_detector(str(folder))
    with pytest.raises(ModelError, match="boxes in pixels.*output_normalized_coordinates"):
        detector.detect([np.zeros((200, 300, 3), np.uint8)])


def test_the_latest_version_in_a_folder_of_tensorflow_serving_is_taken(folder: Path) -> None:
    (folder / "faces").mkdir()
    for version, run in {"2": features, "10": lambda image: face(), "9": features}.items():
        save(folder, {"serving_default": run})
        (folder / "saved_model").rename(folder / "faces" / version)
    detector = load_detector(str(folder / "faces"))
    assert detector.name == "faces" and is_model(folder / "faces")
    assert len(detector.detect([np.zeros((20, 30, 3), np.uint8)])[0]) == 1
