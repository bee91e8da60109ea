"""Models by name and path: what opens, and what is refused in one line."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from maskdet import boxes
from maskdet.errors import ModelError
from maskdet.model.card import read_card, write_card
from maskdet.runtimes import load_detector
from maskdet.runtimes.gpu.gpu_probe import cuda_seems_there, gpu_seems_there
from tests.helpers.tiny import pictures

RUNTIMES = ("keras", "litert", "litert_int8")


@pytest.fixture
def copy(tiny_model: Path, tmp_path: Path) -> Path:
    return shutil.copytree(tiny_model, tmp_path / "copy")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[np.ndarray]:
    files = pictures(tmp_path_factory.mktemp("pictures"))
    return [cv2.imread(str(file)) for file in files]


def edit(folder: Path, old: str, new: str) -> None:
    card = folder / "card.yaml"
    assert old in card.read_text()
    card.write_text(card.read_text().replace(old, new))


def test_the_graph_in_litert_is_the_network_in_keras(tiny_model: Path, images) -> None:
    """The same faces, boxes to a tenth of a pixel, whatever the picture's aspect."""
    keras = load_detector(str(tiny_model), runtime="keras", min_score=0.005)
    litert = load_detector(str(tiny_model), runtime="litert", min_score=0.005)
    for image in (*images, images[0][:40], images[0][:, :30]):
        (first,), (second,) = keras.detect([image]), litert.detect([image])
        assert len(first) == len(second) > 0
        np.testing.assert_allclose(first.scores, second.scores, atol=1e-4)
        best = boxes.iou(first.boxes[:1], second.boxes).max()
        assert best > 0.99


def test_int8_keeps_the_scores_near(tiny_model: Path, images) -> None:
    floats = load_detector(str(tiny_model), runtime="litert", min_score=0.001)
    int8 = load_detector(str(tiny_model), runtime="litert_int8", min_score=0.001)
    for image in images:
        (first,), (second,) = floats.detect([image]), int8.detect([image])
        assert abs(first.scores[0] - second.scores[0]) < 0.005


def test_int8_comes_first_on_a_cpu(tiny_model: Path) -> None:
    assert next(iter(read_card(tiny_model).files)) == "litert_int8"
    assert "LiteRT" in load_detector(str(tiny_model), device="cpu").device


def test_a_larger_side_sees_smaller_things(tiny_model: Path, images) -> None:
    """The input is resized to the side asked for: twice the side, another answer."""
    small = load_detector(str(tiny_model), runtime="litert").detect(images)
    large = load_detector(str(tiny_model), runtime="litert", side=192).detect(images)
    assert [len(a) for a in small] != [len(b) for b in large]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_batches_are_answered_in_order(tiny_model: Path, images, runtime: str) -> None:
    detector = load_detector(str(tiny_model), runtime=runtime)
    mixed = [images[0], images[1][:50], images[2], images[0][:, :40]]
    together = detector.detect(mixed)
    apart = [detector.detect([image])[0] for image in mixed]
    for one, other in zip(together, apart, strict=True):
        np.testing.assert_allclose(one.boxes, other.boxes, atol=0.01)


@pytest.mark.skipif(gpu_seems_there(), reason="there is a GPU")
def test_a_gpu_where_there_is_none_is_an_error_that_says_why(tiny_model: Path) -> None:
    with pytest.raises(ModelError, match="--device gpu: .*finds none.*--device cpu"):
        load_detector(str(tiny_model), device="gpu")


@pytest.mark.skipif(cuda_seems_there(), reason="there is a GPU")
@pytest.mark.parametrize("runtime", ["keras", "onnx"])
def test_a_runtime_without_a_gpu_does_not_pass_in_silence(exported, runtime: str) -> None:
    """A person who names the file to run, and wants a GPU, must not get the CPU."""
    folder = str(exported["retinanet"])
    with pytest.raises(ModelError, match="--device gpu: .*--device cpu") as caught:
        load_detector(folder, runtime=runtime, device="gpu")
    assert "\n" not in str(caught.value)
    assert load_detector(folder, runtime=runtime, device="cpu").device.startswith("CPU (")


def test_an_unknown_name_is_reported_with_what_there_is() -> None:
    with pytest.raises(ModelError, match="no model 'retinanet-mobilnet'"):
        load_detector("retinanet-mobilnet")


def test_a_card_stands_for_its_folder_and_weights_alone_name_it(tiny_model: Path) -> None:
    assert load_detector(str(tiny_model / "card.yaml")).name == load_detector(str(tiny_model)).name
    weights = tiny_model / "model.weights.h5"
    assert weights.is_file()
    with pytest.raises(ModelError, match=f"weights alone; name the model's folder, {tiny_model}$"):
        load_detector(str(weights))


def test_an_address_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="an address; download the file, and name it") as caught:
        load_detector("https://me:secret@example.com/best.onnx")
    assert "secret" not in str(caught.value)


def test_a_model_that_a_training_has_not_written_yet_is_named_as_that(tmp_path: Path) -> None:
    (tmp_path / "checkpoint.npz").touch()
    with pytest.raises(ModelError, match="yet: the training in .* goes on with --resume"):
        load_detector(str(tmp_path / "retinanet-mobilenet"))
    with pytest.raises(ModelError, match="there is no such path; check its spelling"):
        load_detector(str(tmp_path / "runs" / "retinanet-mobilenet"))


def test_a_folder_without_a_card_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="not a model folder"):
        load_detector(str(tmp_path))


@pytest.mark.parametrize("name", ["model.weights.h5", "model.tflite", "model_int8.tflite"])
def test_a_changed_file_is_refused(copy: Path, name: str) -> None:
    with open(copy / name, "r+b") as file:
        file.seek(1000)
        file.write(b"\0changed\0")
    runtime = {file.file: kind for kind, file in read_card(copy).files.items()}[name]
    with pytest.raises(ModelError, match="sha256"):
        load_detector(str(copy), runtime=runtime)


@pytest.mark.parametrize("content", [b"", b"TFL3", b"\x1c\0\0\0TFL3" + bytes(64), b"PK\3\4" * 99])
@pytest.mark.parametrize("kind", RUNTIMES)
def test_a_file_of_another_kind_is_refused_in_one_line(
    copy: Path, kind: str, content: bytes
) -> None:
    """Even where the card's checksum agrees with it."""
    import hashlib

    card = read_card(copy)
    wrong = card.files[kind].model_copy(update={"sha256": hashlib.sha256(content).hexdigest()})
    (copy / wrong.file).write_bytes(content)
    write_card(copy, card.model_copy(update={"files": {**card.files, kind: wrong}}))
    with pytest.raises(ModelError) as caught:
        load_detector(str(copy), runtime=kind)
    assert "\n" not in str(caught.value)
    assert wrong.file in str(caught.value)


# What a card may get wrong, and what the message names.
WRONG = {
    "network": ("network: retinanet", "network: yolo", "unknown network 'yolo'"),
    "classes": ("- with_mask", "- masked", "classes are masked"),
    "anchors": ("strides", "steps", "steps"),
    "backbone": ("backbone: tiny", "backbone: vgg", "vgg"),
}


@pytest.mark.parametrize(("old", "new", "reported"), WRONG.values(), ids=WRONG)
def test_a_wrong_card_is_refused(copy: Path, old: str, new: str, reported: str) -> None:
    edit(copy, old, new)
    with pytest.raises(ModelError, match=reported):
        load_detector(str(copy), runtime="keras")


def test_litert_needs_no_tensorflow(tiny_model: Path) -> None:
    """In a process of its own: nothing that the monitor loads may bring it in."""
    script = (
        "import sys\n"
        "from maskdet.runtimes import load_detector\n"
        f"load_detector({str(tiny_model)!r}).warm_up()\n"
        "bad = {'tensorflow', 'keras', 'matplotlib', 'jax', 'torch'} & set(sys.modules)\n"
        "assert not bad, bad\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)
