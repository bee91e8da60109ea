"""Files that tf2onnx makes of the Object Detection API's models open as those models do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from maskdet.errors import ModelError
from maskdet.runtimes import load_detector
from tests.helpers import old_models
from tests.helpers.old_models import assert_same, pictures, upstream_api
from tests.runtimes.third_party.onnx_graphs import SIDE, write

pytestmark = pytest.mark.timeout(280)
pytest.importorskip("onnxruntime")

RED = np.full((100, 200, 3), (0, 0, 255), np.uint8)
NAMES = ("detection_classes", "detection_scores", "num_detections", "detection_boxes")
BOXES = [[[0.25, 0.1, 0.5, 0.2], [0.5, 0.5, 1.0, 0.75], [0, 0, 0, 0]]]
OUTPUTS = [np.array([[2, 1, 1]]), np.array([[0.9, 0.6, 0.0]]), np.array([2]), np.array(BOXES)]
LABELS = "item { id: 1 name: 'mask' } item { id: 2 name: 'no_mask' }"


@pytest.mark.parametrize(
    ("ending", "dtype", "red", "shape"),
    [
        ("", "u1", 1, (1, SIDE, SIDE, 3)),
        (":0", "f4", 1 / 255, (1, SIDE, SIDE, 3)),  # floats are pixels, too: 0 to 255
        (":0", "u1", 1, (1, 3, SIDE, SIDE)),
    ],
)
def test_outputs_go_by_their_names_and_classes_from_one(
    tmp_path: Path, ending: str, dtype: str, red: float, shape: tuple[int, ...]
) -> None:
    names = [name + ending for name in NAMES]
    outputs = [output * red for output in OUTPUTS]
    path = write(tmp_path / "model.onnx", outputs, shape=shape, dtype=dtype, names=names)
    (tmp_path / "label_map.pbtxt").write_text(LABELS)
    (found,) = load_detector(str(path)).detect([RED])
    np.testing.assert_allclose(found.boxes, [[20, 25, 40, 50], [100, 50, 150, 100]], atol=0.01)
    np.testing.assert_allclose(found.scores, [0.9, 0.6], atol=0.01)
    assert found.states.tolist() == [1, 0]


def test_a_class_that_the_label_map_lacks_is_named_as_the_map_counts(tmp_path: Path) -> None:
    path = write(tmp_path / "x.onnx", OUTPUTS, shape=(1, SIDE, SIDE, 3), dtype="u1", names=NAMES)
    (tmp_path / "label_map.pbtxt").write_text(LABELS.partition(" item")[0])
    with pytest.raises(ModelError, match=r"class 2 \(from 1\).*\(it has 1\).*--labels"):
        load_detector(str(path)).detect([RED])


def test_classes_that_show_no_face_are_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "x.onnx", OUTPUTS, shape=(1, SIDE, SIDE, 3), dtype="u1", names=NAMES)
    (tmp_path / "label_map.pbtxt").write_text(LABELS.replace("no_mask", "Hardhat"))
    (found,) = load_detector(str(path), classes={"Hardhat": "not_a_face"}).detect([RED])
    assert found.states.tolist() == [0]
    np.testing.assert_allclose(found.boxes, [[100, 50, 150, 100]], atol=0.01)


@pytest.mark.slow
def test_a_converted_model_gives_what_upstream_gave(tmp_path: Path) -> None:
    """Slim pictures, too, which TF2's graphs refuse."""
    pytest.importorskip("tf2onnx")
    name = "ssd_mobilenet_v2_tf2"
    folder = old_models.unpack(tmp_path, f"{name}/**/*.xz")
    path = folder / "model.onnx"
    command = [sys.executable, "-m", "tf2onnx.convert", "--output", str(path)]
    saved_model = str(folder / name / "saved_model")
    subprocess.run([*command, "--saved-model", saved_model], check=True, capture_output=True)
    detector = load_detector(str(path), min_score=0.0)
    for ours, theirs in zip(detector.detect(pictures()), upstream_api(name), strict=True):
        assert_same(ours, theirs)
    (slim,) = detector.detect([np.full((10, 600, 3), 90, np.uint8)])
    assert slim.boxes[:, 3].max(initial=0) <= 10
