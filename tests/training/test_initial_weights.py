"""Initial weights of a run: another model's layers where they fit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from maskdet.errors import ConfigError
from maskdet.model.card import InputSize, ModelCard, ModelFile, write_card
from maskdet.model.network_plans import FasterRCNNPlan, RetinaNetPlan
from maskdet.networks.backbones import all_layers, freeze
from maskdet.networks.faster_rcnn.faster_rcnn import FasterRCNN
from maskdet.networks.plans import plan_to_options
from maskdet.networks.retinanet import RetinaNet
from maskdet.system.atomic_files import sha256_of
from maskdet.training.initial_weights import load_start


@pytest.fixture(scope="module")
def retinanet() -> RetinaNet:
    return RetinaNet(RetinaNetPlan("tiny", channels=16, depth=1))


def as_model(network: RetinaNet, folder: Path) -> Path:
    """A model folder with the network's weights."""
    folder.mkdir()
    weights = folder / "model.weights.h5"
    network.save_weights(weights)
    card = ModelCard(
        name="other",
        network="retinanet",
        input=InputSize(height=64, width=64),
        classes=("with_mask", "without_mask", "mask_weared_incorrect"),
        files={"keras": ModelFile(file=weights.name, sha256=sha256_of(weights))},
        options=plan_to_options(network.plan),
    )
    write_card(folder, card)
    return folder


def weights_of(network: RetinaNet | FasterRCNN, name: str) -> list[np.ndarray]:
    layer = next(layer for layer in all_layers(network) if layer.name == name)
    return layer.get_weights()


def test_faster_rcnn_takes_backbone_and_pyramid_of_a_retinanet(
    retinanet: RetinaNet, tmp_path: Path
) -> None:
    other = FasterRCNN(FasterRCNNPlan("tiny", channels=16, units=8))
    before = weights_of(other, "rpn_conv")
    load_start(other, str(as_model(retinanet, tmp_path / "other")), "")
    for name in ("tiny0_conv", "tiny4_bn", "lateral3", "p3", "p7_bn"):
        for ours, theirs in zip(weights_of(other, name), weights_of(retinanet, name), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    for ours, same in zip(weights_of(other, "rpn_conv"), before, strict=True):
        np.testing.assert_array_equal(ours, same)


@pytest.mark.slow
def test_layers_of_another_shape_stay_as_they_are(retinanet: RetinaNet, tmp_path: Path) -> None:
    wider = RetinaNet(RetinaNetPlan("tiny", channels=24, depth=1))
    before = weights_of(wider, "p3")
    load_start(wider, str(as_model(retinanet, tmp_path / "other")), "")
    np.testing.assert_array_equal(
        weights_of(wider, "tiny0_conv")[0], weights_of(retinanet, "tiny0_conv")[0]
    )
    for ours, same in zip(weights_of(wider, "p3"), before, strict=True):
        np.testing.assert_array_equal(ours, same)


@pytest.mark.slow
def test_a_model_of_which_nothing_fits(retinanet: RetinaNet, tmp_path: Path) -> None:
    folder = as_model(retinanet, tmp_path / "other")
    stranger = RetinaNet(RetinaNetPlan("mobilenet_v2", channels=8, depth=1))
    with pytest.raises(ConfigError, match="nothing of other fits this network"):
        load_start(stranger, str(folder), "")


def test_a_folder_that_is_no_model(retinanet: RetinaNet, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not a model folder"):
        load_start(retinanet, str(tmp_path), "")


def test_freezing_reaches_the_backbone_inside_faster_rcnn() -> None:
    network = FasterRCNN(FasterRCNNPlan("tiny", channels=8, units=8))
    freeze(network, "tiny", stem=True, batch_norm=True, head_norm=True)
    layers = {layer.name: layer for layer in all_layers(network)}
    frozen = {name for name, layer in layers.items() if layer.weights and not layer.trainable}
    assert {"tiny0_conv", "tiny4_bn", "p3_bn", "rpn_bn_p3"} <= frozen
    assert layers["tiny2_conv"].trainable and layers["head_dense1"].trainable
