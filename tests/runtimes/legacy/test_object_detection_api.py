"""The Object Detection API's files of the time give what its own code gave."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from maskdet.errors import ModelError
from maskdet.runtimes import load_detector
from maskdet.runtimes.file_formats import DetectedModel, Kind, detect_model
from maskdet.runtimes.legacy.labels import states_of_labels
from tests.helpers import old_models
from tests.helpers.old_models import assert_same, pictures, upstream_api
from tests.whole_run import slow

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("tensorflow")
    return old_models.unpack(tmp_path_factory.mktemp("old"))


# What a person may name, and which of upstream's answers belongs to it.
MODELS = {
    "frozen graph": ("ssd_mobilenet_v1/frozen_inference_graph.pb", "ssd_mobilenet_v1"),
    "exported folder": ("ssd_mobilenet_v1", "ssd_mobilenet_v1"),
    "SavedModel of TF1": ("ssd_mobilenet_v1/saved_model", "ssd_mobilenet_v1"),
    "its file": ("ssd_mobilenet_v1/saved_model/saved_model.pb", "ssd_mobilenet_v1"),
    "encoded pictures": ("ssd_encoded", "ssd_encoded"),
    "tf.train.Example": ("ssd_tf_example", "ssd_tf_example"),
    "Faster R-CNN": ("faster_rcnn_mobilenet_v1", "faster_rcnn_mobilenet_v1"),
    "exported folder of TF2": ("ssd_mobilenet_v2_tf2", "ssd_mobilenet_v2_tf2"),
}
REPEATED = ("exported folder", "its file", "exported folder of TF2")


@pytest.mark.parametrize(
    ("path", "name"),
    [slow(*model) if what in REPEATED else model for what, model in MODELS.items()],
    ids=MODELS,
)
def test_boxes_are_upstreams(models: Path, path: str, name: str) -> None:
    detector = load_detector(str(models / path), min_score=0.0)
    assert detector.name == name
    for ours, theirs in zip(detector.detect(pictures()), upstream_api(name), strict=True):
        assert_same(ours, theirs, ties=int(name.startswith("faster_rcnn")))


def test_the_page_s_way_to_tf1_s_signature(models: Path, tmp_path: Path) -> None:
    """docs/old_route.md makes of a frozen graph the SavedModel that upstream wrote beside it."""
    page = (Path(__file__).resolve().parents[3] / "docs/old_route.md").read_text("utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```", page, re.M | re.S)
    old, folder = models / "ssd_mobilenet_v1", tmp_path / "saved_model"
    exec(code, {"graph": str(old / "frozen_inference_graph.pb"), "folder": str(folder)})
    ours, theirs = signature_of(folder), signature_of(old / "saved_model")
    assert ours.inputs == theirs.inputs and list(ours.inputs) == ["inputs"]
    assert ours.method_name == theirs.method_name
    for name, output in ours.outputs.items():
        assert output.name == theirs.outputs[name].name == f"{name}:0"
    detector = load_detector(str(folder), labels=models / "label_map.pbtxt", min_score=0.0)
    assert_same(detector.detect(pictures()[:1])[0], upstream_api("ssd_mobilenet_v1")[0])


def signature_of(folder: Path):
    from tensorflow.core.protobuf import saved_model_pb2

    model = saved_model_pb2.SavedModel.FromString((folder / "saved_model.pb").read_bytes())
    return model.meta_graphs[0].signature_def["serving_default"]


def test_pictures_go_together_where_the_graph_takes_several(models: Path) -> None:
    from maskdet.runtimes.legacy.object_detection_api import ObjectDetectionApiDetector

    model = detect_model(models / "ssd_mobilenet_v1")
    states, _ = states_of_labels(model, None, None)
    detector = ObjectDetectionApiDetector(model, states, name="x", batch=4)
    first, second, _ = pictures()
    found = detector.detect([first, first[::-1], second, first])
    alone = detector.detect([first])[0]
    assert_same(found[0], alone)
    assert_same(found[3], alone)
    assert_same(found[2], upstream_api("ssd_mobilenet_v1")[1])


def test_scores_below_the_least_stay_out(models: Path) -> None:
    (found,) = load_detector(str(models / "ssd_mobilenet_v1"), min_score=0.95).detect(
        pictures()[:1]
    )
    assert 0 < len(found) == (upstream_api("ssd_mobilenet_v1")[0].scores >= 0.95).sum()


def test_labels_may_be_named_and_mapped(models: Path, tmp_path: Path) -> None:
    labels = tmp_path / "mine.pbtxt"
    labels.write_text("item { id: 1 name: 'alpha' } item { id: 2 name: 'beta' } ")
    path = str(models / "faster_rcnn_mobilenet_v1")
    with pytest.raises(ModelError, match="'alpha', 'beta'.*classes.*--state"):
        load_detector(path, labels=labels)
    given = {"alpha": "without_mask", "beta": "mask_weared_incorrect"}
    (found,) = load_detector(path, labels=labels, classes=given).detect(pictures()[:1])
    assert set(found.states.tolist()) <= {1, 2}


def test_classes_that_show_no_face_are_left_out(models: Path) -> None:
    path = str(models / "ssd_mobilenet_v1")
    (every,) = load_detector(path, min_score=0.0).detect(pictures()[:1])
    names = {"with_mask": "not_a_face", "mask worn incorrectly": "not_a_face"}
    (found,) = load_detector(path, min_score=0.0, classes=names).detect(pictures()[:1])
    assert_same(found, every[every.states == 1])
    assert 0 < len(found) < len(every)


def test_a_class_that_the_label_map_lacks_is_reported(models: Path, tmp_path: Path) -> None:
    labels = tmp_path / "mine.pbtxt"
    labels.write_text("item { id: 1 name: 'mask' }")
    detector = load_detector(str(models / "ssd_mobilenet_v1"), labels=labels)
    with pytest.raises(ModelError, match=r"gives class \d, which its label map does not have"):
        detector.detect(pictures())


# A map's text, and what it means: None where it is refused.
FROM_ZERO = {
    "keras-retinanet's list": ("classes.csv", "mask,0\nno_mask,1\n", None),
    "protobuf from 0": (
        "map.pbtxt", "item { id: 0 name: 'mask' } item { id: 1 name: 'nose' }", None),
    "a list from 1": ("classes.csv", "mask,1\nno_mask,2\n", {1: 0, 2: 1}),
    "the background": (
        "map.pbtxt", "item { id: 0 name: 'background' } item { id: 1 name: 'no_mask' }", {1: 1}),
}  # fmt: skip


@pytest.mark.parametrize(("name", "text", "meant"), FROM_ZERO.values(), ids=FROM_ZERO)
def test_a_label_map_from_0_is_refused_since_graphs_count_from_1(
    tmp_path: Path, name: str, text: str, meant: dict[int, int] | None
) -> None:
    """Each face would get the state of the class beside its own."""
    (tmp_path / name).write_text(text)
    for kind in (Kind.FROZEN_GRAPH, Kind.SAVED_MODEL):
        model = DetectedModel(kind, tmp_path / "graph.pb")
        if meant is not None:
            assert states_of_labels(model, None, None)[0] == meant
            continue
        with pytest.raises(ModelError, match="class 0 .'mask'.*from 1.*one higher") as caught:
            states_of_labels(model, None, None)
        assert "\n" not in str(caught.value) and str(tmp_path / name) in str(caught.value)


def test_the_lists_of_keras_retinanet_begin_with_0(tmp_path: Path) -> None:
    (tmp_path / "classes.csv").write_text("mask,0\nno_mask,1\n")
    model = DetectedModel(Kind.KERAS_RETINANET, tmp_path / "x.h5")
    assert states_of_labels(model, None, None)[0] == {0: 0, 1: 1}


def test_a_graph_does_not_open_with_a_list_from_0(models: Path) -> None:
    with pytest.raises(ModelError, match="count classes from 1"):
        load_detector(str(models / "ssd_mobilenet_v1"), labels=models / "classes.csv")


def test_without_a_label_map_one_is_asked_for(models: Path, tmp_path: Path) -> None:
    alone = shutil.copytree(models / "ssd_mobilenet_v1", tmp_path / "a" / "b")
    with pytest.raises(ModelError, match="no label map.*--labels"):
        load_detector(str(alone))


# --- files that are none ------------------------------------------------------------------------


def graph_file(path: Path, build) -> None:
    import tensorflow as tf

    with tf.Graph().as_default() as graph:
        build(tf.compat.v1)
        path.write_bytes(graph.as_graph_def().SerializeToString())


OUTPUTS = ("detection_boxes", "detection_scores", "detection_classes", "num_detections")


def outputs(tf, boxes) -> None:
    for name in ("detection_scores", "detection_classes", "num_detections"):
        tf.constant([0.5], name=name)
    tf.identity(boxes, name="detection_boxes")


def other_graph(tf) -> None:
    tf.identity(tf.placeholder("float32", name="x"), name="y")


def no_boxes(tf) -> None:
    tf.placeholder("uint8", [None, None, None, 3], name="image_tensor")


def numbers_in(tf) -> None:
    outputs(tf, tf.placeholder("float32", [None, 7], name="image_tensor"))


def odd_boxes(tf) -> None:
    outputs(tf, tf.cast(tf.placeholder("uint8", [None] * 3 + [3], name="image_tensor"), "float32"))


def writes_files(tf) -> None:
    tf.placeholder("uint8", [None, None, None, 3], name="image_tensor")
    with tf.control_dependencies([tf.write_file("/tmp/maskdet-was-here", "x")]):
        outputs(tf, tf.constant([0.0]))


def calls_python(tf) -> None:
    tf.placeholder("uint8", [None, None, None, 3], name="image_tensor")
    outputs(tf, tf.py_func(lambda: np.float32(0), [], "float32"))


def shaped(*shapes: list[int] | int, text: bool = False):
    """A graph whose four outputs are ones of these shapes, or of one shape filled so."""

    def build(tf) -> None:
        tf.placeholder("uint8", [None, None, None, 3], name="image_tensor")
        for name, shape in zip(OUTPUTS, shapes, strict=True):
            value = tf.fill([1], float(shape)) if isinstance(shape, int) else tf.ones(shape)
            (tf.as_string if text else tf.identity)(value, name=name)

    return build


def calls_python_in_a_function(tf) -> None:
    from tensorflow import function

    def inside():
        return tf.py_func(lambda: np.float32(0), [], "float32")

    tf.placeholder("uint8", [None, None, None, 3], name="image_tensor")
    outputs(tf, function(inside)())


SHAPES = {
    "without a batch": shaped([1, 4], [1], [1], [1]),
    "without a batch, as many as the box has sides": shaped([4, 4], [4], [4], [1]),
    "boxes of three sides": shaped([1, 5, 3], [1, 5], [1, 5], [1]),
    "fewer scores": shaped([1, 5, 4], [1, 4], [1, 4], [1]),
    "fewer classes": shaped([1, 5, 4], [1, 5], [1, 4], [1]),
    "scores of each class": shaped([1, 5, 4], [1, 5, 3], [1, 5, 3], [1]),
    "two numbers": shaped([1, 5, 4], [1, 5], [1, 5], [2]),
    "no number": shaped([1, 5, 4], [1, 5], [1, 5], [0]),
    "two pictures": shaped([2, 5, 4], [2, 5], [2, 5], [2]),
    "more than there are": shaped([1, 5, 4], [1, 5], [1, 5], 6),
    "less than none": shaped([1, 5, 4], [1, 5], [1, 5], -1),
    "text": shaped([1, 5, 4], [1, 5], [1, 5], [1], text=True),
}


@pytest.mark.parametrize("build", SHAPES.values(), ids=SHAPES)
def test_outputs_of_another_shape_are_refused_in_one_line(tmp_path: Path, build) -> None:
    pytest.importorskip("tensorflow")
    (tmp_path / "label_map.pbtxt").write_text("item { id: 1 name: 'mask' }")
    graph_file(tmp_path / "graph.pb", build)
    detector = load_detector(str(tmp_path / "graph.pb"))
    with pytest.raises(ModelError, match=r"graph.pb: its outputs fit no detector") as caught:
        detector.warm_up()
    assert "\n" not in str(caught.value)


def test_a_number_for_each_picture_may_stand_in_a_column(tmp_path: Path) -> None:
    pytest.importorskip("tensorflow")
    (tmp_path / "label_map.pbtxt").write_text("item { id: 1 name: 'mask' }")

    def build(tf) -> None:
        tf.placeholder("uint8", [None, None, None, 3], name="image_tensor")
        boxes = tf.constant([[[0.1, 0.1, 0.5, 0.5]] * 5])
        values = (boxes, tf.ones([1, 5]), tf.ones([1, 5]), tf.ones([1, 1]))
        for name, value in zip(OUTPUTS, values, strict=True):
            tf.identity(value, name=name)

    graph_file(tmp_path / "graph.pb", build)
    (found,) = load_detector(str(tmp_path / "graph.pb")).detect(pictures()[:1])
    assert found.states.tolist() == [0]


@pytest.mark.parametrize(
    ("shape", "kind"),
    [
        ([1, 60, 80, 3], "uint8"),
        ([4, None, None, 3], "uint8"),
        ([None, 60, 60, 3], "float32"),
        ([1, None, None, 3], "int32"),
    ],
)
def test_an_input_that_was_exported_with_a_size_gets_that_size(
    tmp_path: Path, shape: list[int | None], kind: str
) -> None:
    """As by the exporter's --input_shape; the graph's box goes from the corner to red's end."""
    pytest.importorskip("tensorflow")
    (tmp_path / "label_map.pbtxt").write_text("item { id: 1 name: 'mask' }")

    def build(tf) -> None:
        image = tf.placeholder(kind, shape, name="image_tensor")
        count = shape[0] or tf.shape(image)[0]
        checked = tf.ensure_shape(image, shape)
        red = tf.cast(checked[..., 0] > 100, "float32")
        bottom, right = (tf.reduce_mean(tf.reduce_max(red, axis=axis), axis=1) for axis in (2, 1))
        boxes = tf.stack([bottom * 0, bottom * 0, bottom, right], axis=1)[:, None]
        ones = tf.ones([count, 1])
        values = (boxes, ones, ones, tf.ones([count]))
        for name, value in zip(OUTPUTS, values, strict=True):
            tf.identity(value, name=name)

    graph_file(tmp_path / "graph.pb", build)
    detector = load_detector(str(tmp_path / "graph.pb"))
    first, second = np.zeros((2, 120, 160, 3), np.uint8)
    first[:60, :40, 2] = second[:30, :80, 2] = 200
    for image, corner in ((first, (40, 60)), (second, (80, 30))):
        (found,) = detector.detect([image])
        assert found.boxes[0].tolist() == pytest.approx([0, 0, *corner], abs=3)
    both = detector.detect([first, second])
    assert [len(found) for found in both] == [1, 1]
    assert both[1].boxes[0].tolist() == pytest.approx([0, 0, 80, 30], abs=3)


GRAPHS = {
    "another graph": (other_graph, "no detector of the Object Detection API.*no detection_boxes"),
    "a graph without boxes": (no_boxes, "has no detection_boxes"),
    "a graph of numbers": (numbers_in, "takes float32 .*, not pictures"),
    "a graph of odd boxes": (odd_boxes, "fit no detector"),
    "a graph that writes files": (writes_files, "refused: its operation WriteFile"),
    "a graph that calls Python": (calls_python, "refused: its operation .*PyFunc"),
    "a graph whose function does": (
        calls_python_in_a_function, "refused: its operation .*PyFunc"),
}  # fmt: skip


@pytest.mark.parametrize(("build", "reported"), GRAPHS.values(), ids=GRAPHS)
def test_a_graph_of_another_kind_is_refused_in_one_line(
    tmp_path: Path, build, reported: str
) -> None:
    pytest.importorskip("tensorflow")
    (tmp_path / "label_map.pbtxt").write_text("item { id: 1 name: 'mask' }")
    graph_file(tmp_path / "graph.pb", build)
    with pytest.raises(ModelError, match=reported) as caught:
        load_detector(str(tmp_path / "graph.pb")).warm_up()
    assert "\n" not in str(caught.value)
    assert "graph.pb" in str(caught.value)


@pytest.mark.parametrize("name", ["py_function", "numpy_function"])
def test_a_saved_model_that_calls_python_is_refused(tmp_path: Path, name: str) -> None:
    """Which TensorFlow itself saves without a word."""
    tf = pytest.importorskip("tensorflow")

    class Model(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec((1, None, None, 3), tf.uint8, "input_tensor")])
        def __call__(self, input_tensor):
            score = getattr(tf, name)(lambda: np.float32(0.5), [], tf.float32)
            return answers(tf, tf.reshape(score, [1, 1]))

    model = Model()
    tf.saved_model.save(model, str(tmp_path / "saved_model"), {"serving_default": model.__call__})
    (tmp_path / "label_map.pbtxt").write_text("item { id: 1 name: 'mask' }")
    with pytest.raises(ModelError, match="refused: its operation .*PyFunc") as caught:
        load_detector(str(tmp_path))
    assert "\n" not in str(caught.value) and str(tmp_path) in str(caught.value)


def answers(tf, scores):
    """A detector's outputs: one face of class 1, all over the picture."""
    return {
        "detection_boxes": tf.constant([[[0.0, 0.0, 1.0, 1.0]]]),
        "detection_scores": scores,
        "detection_classes": tf.constant([[1.0]]),
        "num_detections": tf.constant([1.0]),
    }


@pytest.mark.parametrize("kind", ["example", "picture"])
def test_a_saved_model_of_tf2_takes_examples_or_encoded_pictures(tmp_path: Path, kind: str) -> None:
    """TF2's exporter calls its input `input_tensor` whatever it is; the score shows a pixel."""
    tf = pytest.importorskip("tensorflow")
    key = {"image/encoded": tf.io.FixedLenFeature([], tf.string)}

    class Model(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "input_tensor")])
        def __call__(self, input_tensor):
            def red(text):
                text = (
                    tf.io.parse_single_example(text, key)["image/encoded"]
                    if (kind == "example")
                    else text
                )
                return tf.cast(
                    tf.io.decode_image(text, expand_animations=False)[0, 0, :1], "float32"
                )

            return answers(tf, tf.map_fn(red, input_tensor, fn_output_signature="float32") / 255)

    model = Model()
    tf.saved_model.save(model, str(tmp_path / "saved_model"), {"serving_default": model.__call__})
    (tmp_path / "label_map.pbtxt").write_text("item { id: 1 name: 'mask' }")
    picture = np.full((20, 30, 3), (0, 0, 204), np.uint8)
    (found,) = load_detector(str(tmp_path)).detect([picture])
    assert found.scores.tolist() == pytest.approx([0.8])


PLAIN = {
    "nothing": (b"", "is empty"),
    "a PNG": (b"\x89PNG\r\n\x1a\n" + bytes(90), "PNG picture"),
    "a JPEG": (b"\xff\xd8\xff\xe0" + bytes(90), "JPEG picture"),
    "a zip": (b"PK\3\4" + bytes(90), "zip archive"),
    "a pickle": (b"\x80\x04\x95" + bytes(90), "pickle"),
    "LiteRT": (b"\x1c\0\0\0TFL3" + bytes(90), "LiteRT cannot open it"),
    "text": (b"hello there, this is not a model", "no model of a known format"),
    "noise like a graph": (b"\x0a\xff\xff\xff\xff\x0f" + bytes(90), "cut off or no frozen graph"),
}


@pytest.mark.parametrize(("content", "reported"), PLAIN.values(), ids=PLAIN)
def test_a_file_of_another_kind_is_refused_in_one_line(
    tmp_path: Path, content: bytes, reported: str
) -> None:
    (tmp_path / "label_map.pbtxt").write_text("item { id: 1 name: 'mask' }")
    path = tmp_path / "frozen_inference_graph.pb"
    path.write_bytes(content)
    for named in (path, tmp_path):
        with pytest.raises(ModelError, match=reported) as caught:
            load_detector(str(named))
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("share", [0.01, 0.5, 0.999])
@pytest.mark.parametrize("name", ["frozen_inference_graph.pb", "saved_model/saved_model.pb"])
def test_a_file_cut_off_is_reported(models: Path, tmp_path: Path, name: str, share: float) -> None:
    copy = shutil.copytree(models / "ssd_mobilenet_v1", tmp_path / "model")
    (tmp_path / "label_map.pbtxt").write_text("item { id: 1 name: 'mask' }")
    content = (copy / name).read_bytes()
    (copy / name).write_bytes(content[: int(share * len(content))])
    with pytest.raises(ModelError) as caught:
        load_detector(str(copy / name)).warm_up()
    assert "\n" not in str(caught.value) and str(copy) in str(caught.value)


@pytest.mark.parametrize(
    ("signature", "reported"),
    [
        ("serving_default", "no detector.*serving_default takes 1 input and gives output_0"),
        ("other", "no detector.*other takes 1 input and gives output_0"),
    ],
)
def test_a_saved_model_that_is_no_detector_is_refused_before_its_graph_is_built(
    tmp_path: Path, signature: str, reported: str
) -> None:
    tf = pytest.importorskip("tensorflow")
    model = tf.Module()
    model.weight = tf.Variable(2.0)
    spec = tf.TensorSpec([None, 8, 8, 3], tf.float32)
    classify = tf.function(lambda images: images[:, 0, 0] * model.weight, [spec])
    tf.saved_model.save(model, str(tmp_path / "saved_model"), {signature: classify})
    shutil.rmtree(tmp_path / "saved_model" / "variables")  # who builds the graph misses them
    with pytest.raises(ModelError, match=reported):
        load_detector(str(tmp_path))


@pytest.mark.slow
def test_a_saved_model_without_its_variables_is_reported(models: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(models / "ssd_mobilenet_v2_tf2", tmp_path / "model")
    shutil.rmtree(copy / "saved_model" / "variables")
    (tmp_path / "label_map.pbtxt").write_text("item { id: 1 name: 'mask' }")
    with pytest.raises(ModelError, match="cannot load it") as caught:
        load_detector(str(copy))
    assert "\n" not in str(caught.value)


def test_a_folder_without_a_model_is_reported_with_what_to_name(tmp_path: Path) -> None:
    for name in ("a.pb", "b.h5"):
        (tmp_path / name).touch()
    with pytest.raises(ModelError, match=r"name one of its files: a.pb, b.h5"):
        load_detector(str(tmp_path))


def test_a_side_cannot_be_asked_of_a_graph(models: Path) -> None:
    with pytest.raises(ModelError, match="resizes pictures itself"):
        load_detector(str(models / "ssd_mobilenet_v1"), side=320)
