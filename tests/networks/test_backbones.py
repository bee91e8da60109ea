"""Backbones: the published architectures at any size, and their ImageNet weights from a file."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from maskdet.model.network_plans import RetinaNetPlan
from maskdet.networks.backbones import BACKBONES, load_imagenet
from maskdet.networks.retinanet import RetinaNet


def features(name: str, height: int | None, width: int | None) -> keras.Model:
    inputs = keras.Input((height, width, 3))
    return keras.Model(inputs, BACKBONES[name].build(inputs))


@pytest.mark.slow
def test_mobilenet_is_keras_own_whatever_the_size() -> None:
    """Built for any size, it computes what Keras' own computes that knows its size, an odd one."""
    height, width = 97, 131
    inputs = keras.Input((height, width, 3))
    scaled = keras.layers.Rescaling(1 / 127.5, offset=-1)(inputs)
    keras.utils.set_random_seed(0)
    own = keras.applications.MobileNetV2(input_tensor=scaled, include_top=False, weights=None)
    names = ("block_5_add", "block_12_add", "block_16_project_BN")
    expected = keras.Model(inputs, [own.get_layer(name).output for name in names])
    ours = features("mobilenet_v2", None, None)
    ours.set_weights([10 * w if w.ndim == 4 else w for w in expected.get_weights()])
    expected.set_weights(ours.get_weights())
    image = np.random.default_rng(0).uniform(0, 255, (1, height, width, 3)).astype(np.float32)
    for ours_, theirs in zip(ours(image), expected(image), strict=True):
        assert np.abs(theirs.numpy()).max() > 0.01
        np.testing.assert_allclose(ours_, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_mobilenet_takes_imagenet_weights(tmp_path: Path) -> None:
    """Every backbone layer gets the file's weights, the rest stays."""
    source = keras.applications.MobileNetV2(include_top=False, weights=None)
    source.save_weights(tmp_path / "imagenet.weights.h5")
    network = RetinaNet(RetinaNetPlan("mobilenet_v2", channels=8, depth=1))
    head = network.get_layer("class_conv0").get_weights()
    load_imagenet(network, "mobilenet_v2", tmp_path / "imagenet.weights.h5")
    names = [layer.name for layer in source.layers if layer.weights]
    taken = [name for name in names if name in {layer.name for layer in network.layers}]
    assert len(taken) >= len(names) - 2  # all but the last convolution and its norm, unused here
    for name in taken:
        for ours, theirs in zip(
            network.get_layer(name).get_weights(), source.get_layer(name).get_weights(), strict=True
        ):
            np.testing.assert_array_equal(ours, theirs)
    for ours, before in zip(network.get_layer("class_conv0").get_weights(), head, strict=True):
        np.testing.assert_array_equal(ours, before)


def archive(path: Path, network: keras.Model, leave_out: str = "") -> None:
    arrays = {
        f"{layer.name}__{weight.name}": np.full(weight.shape, 0.25, np.float16)
        for layer in network.layers
        for weight in layer.weights
        if layer.name.startswith(("stem_", "block"))
    }
    np.savez(path, **{name: array for name, array in arrays.items() if name != leave_out})


@pytest.fixture(scope="module")
def lite() -> RetinaNet:
    return RetinaNet(RetinaNetPlan("efficientnet_lite0", channels=8, depth=1))


@pytest.mark.slow
def test_efficientnet_lite_takes_imagenet_weights(lite: RetinaNet, tmp_path: Path) -> None:
    archive(tmp_path / "imagenet.npz", lite)
    head = lite.get_layer("p3").get_weights()[0]
    load_imagenet(lite, "efficientnet_lite0", tmp_path / "imagenet.npz")
    for layer in ("stem_conv", "block0_dw_bn", "block15_project_conv"):
        assert all((weight == 0.25).all() for weight in lite.get_layer(layer).get_weights())
    np.testing.assert_array_equal(lite.get_layer("p3").get_weights()[0], head)


def test_an_archive_that_lacks_a_layer(lite: RetinaNet, tmp_path: Path) -> None:
    archive(tmp_path / "imagenet.npz", lite, leave_out="block3_dw_conv__kernel")
    with pytest.raises(ValueError, match="no array 'block3_dw_conv__kernel' in"):
        load_imagenet(lite, "efficientnet_lite0", tmp_path / "imagenet.npz")


def test_lite_has_no_download(lite: RetinaNet) -> None:
    with pytest.raises(ValueError, match="give a file"):
        load_imagenet(lite, "efficientnet_lite0")
