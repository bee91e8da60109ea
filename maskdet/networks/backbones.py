"""Backbones by name: a classification network cut to its features at strides 8, 16 and 32."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import keras
from keras import layers, ops

from maskdet.networks import efficientnet_lite
from maskdet.networks.tensor import Tensor

Features = list[Tensor]
Builder = Callable[[Tensor], Features]


@keras.saving.register_keras_serializable("maskdet")
class ToCaffe(layers.Layer):
    """RGB 0–255 to the BGR minus ImageNet's mean that Caffe's ResNets were trained with."""

    def call(self, x: Tensor) -> Tensor:
        """(batch, height, width, 3) in and out."""
        return ops.flip(x, axis=-1) - ops.convert_to_tensor([103.939, 116.779, 123.68], x.dtype)


def _efficientnet_lite0(inputs: Tensor) -> Features:
    x = layers.Rescaling(1 / 128, offset=-127 / 128, name="to_lite")(inputs)
    blocks = efficientnet_lite.efficientnet_lite0(x)
    return [blocks[4], blocks[10], blocks[15]]


def _mobilenet_v2(inputs: Tensor) -> Features:
    x = layers.Rescaling(1 / 127.5, offset=-1, name="to_mobilenet")(inputs)
    network = keras.applications.MobileNetV2((None, None, 3), include_top=False, weights=None)
    network = keras.models.clone_model(network, input_tensors=x, clone_function=_same_padding)
    names = ("block_5_add", "block_12_add", "block_16_project_BN")
    return [network.get_layer(name).output for name in names]


def _same_padding(layer: layers.Layer) -> layers.Layer:
    """MobileNetV2 pads strided convolutions by hand, correctly only for known or even sides."""
    config = layer.get_config()
    if isinstance(layer, layers.ZeroPadding2D):
        return layers.Identity(name=layer.name)
    if config.get("padding") == "valid":
        config["padding"] = "same"
    return type(layer).from_config(config)


def _resnet(application: Callable[..., keras.Model], names: tuple[str, str, str]) -> Builder:
    def build(inputs: Tensor) -> Features:
        x = ToCaffe(name="to_caffe")(inputs)
        network = application(input_tensor=x, include_top=False, weights=None)
        return [network.get_layer(name).output for name in names]

    return build


def _tiny(inputs: Tensor) -> Features:
    x = layers.Rescaling(1 / 127.5, offset=-1, name="to_tiny")(inputs)
    features = []
    for index, filters in enumerate((8, 16, 24, 32, 48)):
        conv = layers.Conv2D(filters, 3, 2, "same", use_bias=False, name=f"tiny{index}_conv")
        x = layers.BatchNormalization(momentum=0.9, name=f"tiny{index}_bn")(conv(x))
        x = layers.ReLU(6, name=f"tiny{index}_relu")(x)
        features.append(x)
    return features[2:]


@dataclass(frozen=True)
class Backbone:
    """Builder of a backbone, and the place of its ImageNet weights.

    Attributes:
        build: RGB input 0–255 (batch, height, width, 3) to [C3, C4, C5].
        application: the Keras application whose weights fit; None: a local file only.
        stem: names of the layers that see stride 2 and 4, each a prefix; for freezing.
    """

    build: Builder
    application: Callable[..., keras.Model] | None
    stem: tuple[str, ...]


BACKBONES: dict[str, Backbone] = {
    "efficientnet_lite0": Backbone(
        _efficientnet_lite0, None, ("stem_", "block0_", "block1_", "block2_")
    ),
    "mobilenet_v2": Backbone(
        _mobilenet_v2,
        keras.applications.MobileNetV2,
        ("Conv1", "bn_Conv1", "expanded_conv", "block_1_", "block_2_"),
    ),
    "resnet50": Backbone(
        _resnet(
            keras.applications.ResNet50,
            ("conv3_block4_out", "conv4_block6_out", "conv5_block3_out"),
        ),
        keras.applications.ResNet50,
        ("conv1_", "conv2_"),
    ),
    "resnet101": Backbone(
        _resnet(
            keras.applications.ResNet101,
            ("conv3_block4_out", "conv4_block23_out", "conv5_block3_out"),
        ),
        keras.applications.ResNet101,
        ("conv1_", "conv2_"),
    ),
    # five convolutions: to try a training out, and for tests; knows nothing of ImageNet
    "tiny": Backbone(_tiny, None, ("tiny0_", "tiny1_")),
}


def load_imagenet(network: keras.Model, name: str, file: Path | None = None) -> None:
    """Fills a network's backbone with weights trained on ImageNet.

    Args:
        network: built on backbone `name`; its backbone's layers keep their own names.
        name: a key of `BACKBONES`.
        file: a local copy (`.weights.h5`, or `.npz` for EfficientNet-Lite); None: downloaded by
            Keras where there is internet.

    Raises:
        ValueError: the file does not fit the backbone.
        OSError: the file cannot be read.
    """
    application = BACKBONES[name].application
    if application is None:
        if file is None:
            raise ValueError(
                f"{name} has no download: give a file of ImageNet weights as setting 'imagenet', "
                "or 'none' to start from random weights"
            )
        efficientnet_lite.load_imagenet(all_layers(network), file)
        return
    source = application(include_top=False, weights="imagenet" if file is None else None)
    if file is not None:
        source.load_weights(file)
    own = {layer.name: layer for layer in all_layers(network)}
    for layer in source.layers:
        if layer.weights and layer.name in own:
            own[layer.name].set_weights(layer.get_weights())


def all_layers(network: keras.Model) -> list[layers.Layer]:
    """Its layers, those of models inside it among them."""
    found = []
    for layer in network.layers:
        found += all_layers(layer) if isinstance(layer, keras.Model) else [layer]
    return found


def freeze(
    network: keras.Model, name: str, *, stem: bool, batch_norm: bool, head_norm: bool = False
) -> None:
    """Keeps parts of a network as they are.

    Args:
        network: what the backbone is part of.
        name: the backbone's, a key of `BACKBONES`.
        stem: its first stages stay.
        batch_norm: its batch norms stay.
        head_norm: the batch norms behind it stay.
    """
    names = {layer.name for layer in _layers_of(name)}
    for layer in all_layers(network):
        inside = layer.name in names
        early = inside and stem and layer.name.startswith(BACKBONES[name].stem)
        normal = isinstance(layer, layers.BatchNormalization)
        if early or (normal and (batch_norm if inside else head_norm)):
            layer.trainable = False


def _layers_of(name: str) -> list[layers.Layer]:
    inputs = keras.Input((64, 64, 3))
    return list(keras.Model(inputs, BACKBONES[name].build(inputs)).layers)
