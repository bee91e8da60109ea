"""Keras as a server uses it: several cameras in a call, half precision, compiled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from maskdet.errors import ModelError
from maskdet.images.letterbox import fitting_size
from maskdet.model.card import read_card
from maskdet.model.decision import DecisionRule
from maskdet.networks.plans import plan_from_options
from maskdet.runtimes import keras_runtime
from maskdet.runtimes.decoding import decoder_for
from maskdet.runtimes.keras_runtime import KerasDetector, padded_count, placement
from maskdet.runtimes.looks.tiling import TiledDetector


def detector(folder: Path, **options: Any) -> KerasDetector:
    card = read_card(folder)
    return KerasDetector(
        folder / "model.weights.h5",
        plan_from_options(card.options, card.network),
        decoder_for(card.network, card.options, DecisionRule.from_min_score(0.005)),
        name="tiny",
        side=96,
        **options,
    )


def cameras(count: int) -> list[np.ndarray]:
    coarse = np.random.default_rng(0).integers(0, 256, (count, 12, 16, 3), np.uint8)
    return [np.kron(image, np.ones((8, 8, 1), np.uint8)) for image in coarse]


def shapes_of_calls(network: Any) -> list[tuple[int, ...]]:
    """Of the batches that the network is called with from now on."""
    shapes: list[tuple[int, ...]] = []
    call = network.predict_on_batch

    def counted(inputs: np.ndarray) -> Any:
        shapes.append(inputs.shape)
        return call(inputs)

    network.predict_on_batch = counted
    return shapes


def test_each_batch_size_is_a_power_of_two_and_no_more_than_asked_for():
    assert [padded_count(n, 8) for n in range(1, 9)] == [1, 2, 4, 4, 8, 8, 8, 8]
    assert [padded_count(n, 3) for n in range(1, 4)] == [1, 2, 3]


@pytest.fixture(scope="module")
def batched(tiny_model: Path) -> KerasDetector:
    made = detector(tiny_model, batch=2)
    made.warm_up(96, 128)
    return made


def test_pictures_of_several_cameras_go_together(batched: KerasDetector):
    """And each gets the answer that it gets alone."""
    shapes = shapes_of_calls(batched._network)
    together = batched.detect(cameras(3))
    assert [shape[0] for shape in shapes] == [2, 1]
    for image, found in zip(cameras(3), together, strict=True):
        (alone,) = batched.detect([image])
        assert len(found)
        np.testing.assert_allclose(found.scores, alone.scores, atol=1e-4)
        np.testing.assert_allclose(found.boxes, alone.boxes, atol=0.05)


def test_warming_up_compiles_every_batch_size(batched: KerasDetector):
    """TensorFlow traces the network again for each shape, and for no other reason."""
    pytest.importorskip("tensorflow")
    before = batched._network.predict_function.experimental_get_tracing_count()
    for count in (1, 2, 1, 2):
        batched.detect(cameras(count))
    assert batched._network.predict_function.experimental_get_tracing_count() == before


def traces(of: KerasDetector) -> int:
    """Number of times that TensorFlow has traced the network, which it does for each shape."""
    count: int = of._network.predict_function.experimental_get_tracing_count()
    return count


@pytest.mark.parametrize(("height", "width"), [(108, 192), (192, 108), (96, 96)])
def test_warming_up_is_for_the_aspect_that_is_given(tiny_model: Path, height: int, width: int):
    """Cameras of 16:9, upright and square: no first picture of one, two or three waits."""
    pytest.importorskip("tensorflow")
    made = detector(tiny_model, batch=4)
    made.warm_up(height, width)
    before = traces(made)
    shapes = shapes_of_calls(made._network)
    for count in (1, 2, 3):
        made.detect([np.zeros((height, width, 3), np.uint8)] * count)
    assert traces(made) == before
    assert {shape[1:3] for shape in shapes} == {fitting_size(height, width, 96)}
    assert [shape[0] for shape in shapes] == [1, 2, 4]


def test_warming_up_with_tiles_is_for_theirs_too(tiny_model: Path):
    pytest.importorskip("tensorflow")
    made = detector(tiny_model)
    together = TiledDetector(made, 3)
    together.warm_up(96, 256)
    before = traces(made)
    together.detect([np.zeros((96, 256, 3), np.uint8)])
    assert traces(made) == before


def test_half_precision_finds_the_same_faces(tiny_model: Path, batched: KerasDetector):
    (image,) = cameras(1)
    half = detector(tiny_model, half=True)
    assert half._network.compute_dtype == "float16" != batched._network.compute_dtype
    (one,), (other,) = batched.detect([image]), half.detect([image])
    assert len(one) and other.boxes.dtype == np.float32
    assert abs(one.scores[0] - other.scores[0]) < 2e-3
    assert abs(len(one) - len(other)) <= 0.1 * len(one)


def test_the_cpu_is_taken_where_it_is_asked_for_though_there_is_a_gpu(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
):
    """The GPU itself is played: only where things are placed is checked."""
    monkeypatch.setattr(keras_runtime, "gpu_name", lambda: "Big GPU")
    assert placement("auto") == placement("gpu") == (None, "Big GPU")
    scopes, scope = [], keras.device
    monkeypatch.setattr(keras, "device", lambda name: scopes.append(name) or scope(name))
    on_cpu = detector(tiny_model, device="cpu")
    assert on_cpu.device.startswith("CPU (Keras") and on_cpu._batch == 1
    assert on_cpu._network.compute_dtype == "float32" and not on_cpu._network.jit_compile
    on_cpu.detect(cameras(1))
    assert scopes == ["cpu:0", "cpu:0"]  # built there, and run there
    scopes.clear()
    on_gpu = detector(tiny_model)
    assert on_gpu.device.startswith("Big GPU (Keras") and on_gpu._batch > 1
    assert scopes == []


def test_a_gpu_that_keras_does_not_have_is_an_error_with_the_reason(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(keras_runtime, "gpu_name", lambda: None)
    with pytest.raises(ModelError, match="--device gpu: Keras .*finds no GPU.*--device cpu"):
        detector(tiny_model, device="gpu")
    assert detector(tiny_model, device="auto").device.startswith("CPU (Keras")
