"""keras-retinanet's files of the time give what its own code gave; nothing in them is run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from maskdet.errors import ModelError
from maskdet.runtimes import load_detector
from tests.helpers import old_models
from tests.helpers.old_models import assert_same, pictures, upstream_keras
from tests.whole_run import slow

pytestmark = pytest.mark.timeout(120)

MODELS = (
    *("mobilenet_0.5.1", "resnet_1.0.0", "any_class_1.0.0", "densenet_1.0.0"),
    *(slow("resnet_0.5.1"), slow("mobilenet_1.0.0"), slow("resnet101_1.0.0")),
)
SMALL = "resnet_1.0.0.h5"
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("tensorflow")
    return old_models.unpack(tmp_path_factory.mktemp("old"))


@pytest.mark.parametrize("name", MODELS)
def test_boxes_are_upstreams(models: Path, name: str) -> None:
    detector = load_detector(str(models / f"{name}.h5"), min_score=0.0, labels=classes(models))
    assert detector.name == name
    for ours, theirs in zip(detector.detect(pictures()), upstream_keras(name), strict=True):
        assert_same(ours, theirs)


def classes(models: Path) -> Path:
    return models / "classes.csv"


def test_pictures_go_together(models: Path) -> None:
    from maskdet.detections import MaskState
    from maskdet.runtimes.legacy.keras_retinanet import KerasRetinaNetDetector

    states = dict(enumerate(MaskState))
    detector = KerasRetinaNetDetector(models / SMALL, states, name="x", batch=4)
    first, second, _ = pictures()
    found = detector.detect([first, first[:, ::-1], second, first])
    assert_same(found[0], upstream_keras("resnet_1.0.0")[0])
    assert_same(found[3], found[0])
    assert_same(found[2], upstream_keras("resnet_1.0.0")[1])


def test_a_smaller_side_is_another_answer(models: Path) -> None:
    path = str(models / SMALL)
    (small,) = load_detector(path, side=400, min_score=0.0, labels=classes(models)).detect(
        pictures()[:1]
    )
    theirs = upstream_keras("resnet_1.0.0")[0]
    assert len(small) != len(theirs) or not np.allclose(small.scores, theirs.scores, atol=1e-3)


def test_a_line_of_pixels_is_a_picture(models: Path) -> None:
    detector = load_detector(str(models / SMALL), labels=classes(models))
    for shape in ((1, 3000, 3), (3000, 1, 3), (1, 1, 3)):
        (found,) = detector.detect([np.zeros(shape, np.uint8)])
        assert (found.boxes <= [shape[1], shape[0]] * 2).all()


def test_a_training_snapshot_is_refused_with_what_to_do(models: Path) -> None:
    path = models / "resnet_0.5.1_training.h5"
    with pytest.raises(ModelError, match=r"training model.*maskdet convert") as caught:
        load_detector(str(path), labels=classes(models))
    assert "\n" not in str(caught.value)


def test_a_label_map_must_have_every_class(models: Path, tmp_path: Path) -> None:
    labels = tmp_path / "two.csv"
    labels.write_text("mask,0\nno_mask,1\n")
    with pytest.raises(ModelError, match="has 3 classes, but its label map has none numbered 2"):
        load_detector(str(models / SMALL), labels=labels)


@pytest.mark.parametrize("name", [SMALL, "any_class_1.0.0.h5"])
def test_classes_that_show_no_face_are_left_out(models: Path, name: str) -> None:
    """Where a file suppresses over all classes, too: what is left out hides no face."""
    path, labels = str(models / name), classes(models)
    (every,) = load_detector(path, min_score=0.0, labels=labels).detect(pictures()[:1])
    names = {"with_mask": "not_a_face", "mask_weared_incorrect": "not_a_face"}
    (found,) = load_detector(path, min_score=0.0, labels=labels, classes=names).detect(
        pictures()[:1]
    )
    assert set(found.states.tolist()) == {1}
    assert len(found) >= (every.states == 1).sum() > 0


# --- files that are none, and files that want too much -------------------------------------------


def edit(models: Path, path: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """A copy of a model whose plan was changed."""
    shutil.copyfile(models / SMALL, path)
    with h5py.File(path, "r+") as file:
        plan = json.loads(file.attrs["model_config"])
        change({layer["name"]: layer for layer in plan["config"]["layers"]} | {"": plan})
        file.attrs["model_config"] = json.dumps(plan).encode()
    return path


def a_lambda(layers: dict[str, Any]) -> None:
    layers["conv1_relu"]["class_name"] = "Lambda"


def a_custom_layer(layers: dict[str, Any]) -> None:
    layers["conv1_relu"]["class_name"] = "os>system"


def an_own_activation(layers: dict[str, Any]) -> None:
    layers["conv1_relu"]["config"]["activation"] = "my_package>evil"


def a_classifier(layers: dict[str, Any]) -> None:
    layers[""]["config"]["layers"] = layers[""]["config"]["layers"][:5]


def a_sequential(layers: dict[str, Any]) -> None:
    layers[""]["class_name"] = "Sequential"


def a_circle(layers: dict[str, Any]) -> None:
    layers["conv1"]["inbound_nodes"] = [[["clipped_boxes", 0, 0, {}]]]


def a_missing_layer(layers: dict[str, Any]) -> None:
    layers["conv1"]["inbound_nodes"] = [[["nobody", 0, 0, {}]]]


def wrong_filters(layers: dict[str, Any]) -> None:
    layers["P3"]["config"]["filters"] = 999


def huge_padding(layers: dict[str, Any]) -> None:
    layers["padding2a_branch2b"]["config"]["padding"] = [[10**9, 10**9], [10**9, 10**9]]


def huge_stride(layers: dict[str, Any]) -> None:
    layers["P7"]["config"]["strides"] = [0, 0]


def channels_first(layers: dict[str, Any]) -> None:
    layers["P3"]["config"]["data_format"] = "channels_first"


def no_padding_key(layers: dict[str, Any]) -> None:
    del layers["P3"]["config"]["padding"]


def arguments(layers: dict[str, Any]) -> None:
    layers["P3"]["inbound_nodes"][0][0][3] = {"training": True}


def other_anchors(layers: dict[str, Any]) -> None:
    for number in range(5):
        layers[f"anchors_{number}"]["config"]["scales"] = [1.0]


def flat_anchors(layers: dict[str, Any]) -> None:
    layers["anchors_0"]["config"]["ratios"] = [0.5, 0, 2]


def no_layers(layers: dict[str, Any]) -> None:
    del layers[""]["config"]["layers"]


def of_filter(name: str, value: object) -> Callable[[dict[str, Any]], None]:
    """Changes a setting of FilterDetections; None takes it away."""

    def change(layers: dict[str, Any]) -> None:
        layers["filtered_detections"]["config"][name] = value
        if value is None:
            del layers["filtered_detections"]["config"][name]

    return change


def no_inputs(layers: dict[str, Any]) -> None:
    layers[""]["config"]["input_layers"] = []


def two_inputs(layers: dict[str, Any]) -> None:
    layers[""]["config"]["input_layers"] *= 2


def no_outputs(layers: dict[str, Any]) -> None:
    layers[""]["config"]["output_layers"] = []


def a_head_without_inputs(layers: dict[str, Any]) -> None:
    layers["regression_submodel"]["config"]["input_layers"] = []


def a_head_that_is_given_nothing(layers: dict[str, Any]) -> None:
    layers["regression_submodel"]["inbound_nodes"] = [[] for _ in range(5)]


PLANS = {
    "no limit of detections": (of_filter("max_detections", None), "max_detections is None"),
    "no detections": (of_filter("max_detections", 0), "max_detections is 0"),
    "a limit of words": (of_filter("max_detections", "all"), "max_detections is 'all'"),
    "a limit that is a yes": (of_filter("max_detections", True), "max_detections is True"),
    "no least score": (of_filter("score_threshold", None), "score_threshold is None"),
    "no number as least score": (
        of_filter("score_threshold", float("nan")), "score_threshold is nan"),
    "overlap beyond all": (of_filter("nms_threshold", 2), "nms_threshold is 2"),
    "no word on suppression": (of_filter("nms", None), "nms is None"),
    "no word on classes": (
        of_filter("class_specific_filter", []), r"class_specific_filter is \[\]"),
    "no inputs": (no_inputs, "it has 0 inputs and 3 outputs"),
    "two inputs": (two_inputs, "it has 2 inputs"),
    "no outputs": (no_outputs, "it has 1 inputs and 0 outputs"),
    "a head without inputs": (a_head_without_inputs, "it has 0 inputs and 1 outputs"),
    "a head that is given nothing": (a_head_that_is_given_nothing, "do not fit together|broken"),
    "a Lambda layer": (a_lambda, "refused: layer 'conv1_relu' is a Lambda: it holds Python code"),
    "a custom layer": (a_custom_layer, "refused: layer 'conv1_relu' is a os>system"),
    "a custom activation": (an_own_activation, "unknown activation 'my_package>evil'"),
    "a classifier": (a_classifier, "none of keras-retinanet"),
    "a sequential model": (a_sequential, "no RetinaNet"),
    "a circle": (a_circle, "never computed"),
    "a layer that is not there": (a_missing_layer, "never computed"),
    "another shape": (wrong_filters, "layer P3: kernel"),
    "huge padding": (huge_padding, "layer padding2a_branch2b: pads"),
    "no stride": (huge_stride, "layer P7: strides"),
    "channels first": (channels_first, "channels first"),
    "a setting missing": (no_padding_key, "do not fit together: .*padding"),
    "arguments of a call": (arguments, "is called with arguments"),
    "anchors of another model": (other_anchors, "network failed"),
    "anchors without height": (flat_anchors, "layer anchors_0: no anchors"),
    "no layers": (no_layers, "the plan in it is broken"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "reported"), PLANS.values(), ids=PLANS)
def test_a_plan_that_does_not_fit_is_refused_in_one_line(
    models: Path, tmp_path: Path, change, reported: str
) -> None:
    path = edit(models, tmp_path / "x.h5", change)
    with pytest.raises(ModelError, match=reported) as caught:
        load_detector(str(path), labels=classes(models)).warm_up()
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


def claim_much(file: Any) -> None:
    group = file["model_weights/P3/P3"]
    del group["kernel:0"]
    group.create_dataset("kernel:0", (10**6, 10**6), "f4", chunks=(1000, 1000))


def point_elsewhere(file: Any) -> None:
    group = file["model_weights/P3/P3"]
    del group["kernel:0"]
    group["kernel:0"] = h5py.ExternalLink("/etc/passwd", "/x")


def be_elsewhere(file: Any) -> None:
    group = file["model_weights/P3/P3"]
    del group["kernel:0"]
    group.create_dataset("kernel:0", (3, 3, 16, 16), "f4", external=[("/etc/passwd", 0, 9216)])


def be_text(file: Any) -> None:
    group = file["model_weights/P3/P3"]
    del group["kernel:0"]
    group["kernel:0"] = "hello"


def be_gone(file: Any) -> None:
    del file["model_weights/P3"]


def have_no_plan(file: Any) -> None:
    del file.attrs["model_config"]


def have_broken_plan(file: Any) -> None:
    file.attrs["model_config"] = np.bytes_(b'{"class_name": "Model", ')


def nest_deeply(file: Any) -> None:
    file.attrs["model_config"] = b"[" * 100_000


WEIGHTS = {
    "more than the file has": (claim_much, "claim 4,000,000,000,000 bytes"),
    "a link to another file": (point_elsewhere, "cut off or broken|broken: "),
    "bytes of another file": (be_elsewhere, "stand in another file"),
    "text": (be_text, "are not numbers"),
    "nothing": (be_gone, "layer 'P3': expected kernel, found nothing"),
    "no plan": (have_no_plan, "no Keras model"),
    "a broken plan": (have_broken_plan, "cut off or broken"),
    "a deep plan": (nest_deeply, "cut off or broken"),
}


@pytest.mark.parametrize(("change", "reported"), WEIGHTS.values(), ids=WEIGHTS)
def test_weights_that_do_not_fit_are_refused_in_one_line(
    models: Path, tmp_path: Path, change, reported: str
) -> None:
    path = tmp_path / "x.h5"
    shutil.copyfile(models / SMALL, path)
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(ModelError, match=reported) as caught:
        load_detector(str(path), labels=classes(models))
    assert "\n" not in str(caught.value) and str(path) in str(caught.value)


def test_weights_alone_are_no_model(models: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    with h5py.File(models / SMALL) as source, h5py.File(path, "w") as target:
        target.attrs["layer_names"] = source["model_weights"].attrs["layer_names"]
    with pytest.raises(ModelError, match="only a model's weights"):
        load_detector(str(path), labels=classes(models))


@pytest.mark.parametrize("share", [0.001, 0.3, 0.9, 0.999])
def test_a_file_cut_off_is_reported(models: Path, tmp_path: Path, share: float) -> None:
    path = tmp_path / "x.h5"
    content = (models / SMALL).read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ModelError, match="cut off or broken") as caught:
        load_detector(str(path), labels=classes(models))
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_a_broken_file_is_one_line_at_the_terminal(models: Path, tmp_path: Path) -> None:
    """TensorFlow's own start-up notes would stand around it."""
    path = tmp_path / "x.h5"
    path.write_bytes((models / SMALL).read_bytes()[:10_000])
    (tmp_path / "classes.csv").write_text("mask,0\n")
    environment = {name: os.environ[name] for name in os.environ if not name.startswith("TF_")}
    done = subprocess.run(
        [sys.executable, "-m", "maskdet", "detect", str(tmp_path), "--model", str(path)],
        capture_output=True, text=True, timeout=100, cwd=ROOT, env=environment,
    )  # fmt: skip
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert done.stderr.startswith(f"python -m maskdet: {path}: is cut off or broken")
