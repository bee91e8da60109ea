"""Keras 2's ``.h5`` models: what stands in them, read without running any of it.

The file holds the network's plan as JSON (the attribute ``model_config``) and its weights as
arrays. Only the plan's names and numbers are taken; what a layer does is looked up here, never in
the file, so one that would bring code along (a Lambda layer, a custom class) cannot be opened.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from maskdet.errors import ModelError
from maskdet.runtimes.unsupported_formats import KERAS_3, describe_keras

Reference = tuple[str, int, int]
"""An output in a network: its layer, which call of that layer, which of its outputs."""

NETWORKS = ("Model", "Functional")
WEIGHTS = {
    "Conv2D": ("kernel", "bias"),
    "DepthwiseConv2D": ("depthwise_kernel", "bias"),
    "BatchNormalization": ("gamma", "beta", "moving_mean", "moving_variance"),
}
"""What each layer with weights has, in the file's order."""
PLAIN = (
    "InputLayer", "ZeroPadding2D", "Activation", "ReLU", "MaxPooling2D", "AveragePooling2D", "Add",
    "Concatenate", "Reshape", "Dropout",
    "UpsampleLike", "Anchors", "RegressBoxes", "ClipBoxes", "FilterDetections",
)  # fmt: skip
"""Layers without weights; the last line are keras-retinanet's own."""
_OPTIONAL = {"bias": "use_bias", "gamma": "scale", "beta": "center"}
_MAX_COMPRESSION = 1100
"""No compression of HDF5 packs zeros tighter; what claims more than that is a trap."""


@dataclass(frozen=True)
class Layer:
    """One layer.

    Attributes:
        name: unique in its network.
        kind: the class it was made of.
        config: its settings.
        calls: for each time it is used, what it is given.
        weights: by name.
        inner: the network that it is, if it is one.
    """

    name: str
    kind: str
    config: dict[str, Any]
    calls: tuple[tuple[Reference, ...], ...]
    weights: dict[str, np.ndarray] = field(default_factory=dict)
    inner: Network | None = None


@dataclass(frozen=True)
class Network:
    """Layers by name, in the file's order, and which outputs go in and out."""

    layers: dict[str, Layer]
    inputs: tuple[Reference, ...]
    outputs: tuple[Reference, ...]

    def of_kind(self, kind: str) -> list[Layer]:
        """The layers made of one class."""
        return [layer for layer in self.layers.values() if layer.kind == kind]

    def everywhere(self) -> Iterator[Layer]:
        """All layers, those of inner networks too."""
        for layer in self.layers.values():
            yield layer
            if layer.inner:
                yield from layer.inner.everywhere()


@dataclass(frozen=True)
class KerasFile:
    """A model as its file has it.

    Attributes:
        path: the file.
        network: with weights.
        config: the plan as JSON has it, for who writes a file like it.
        version: of the Keras that wrote it; ``-tf`` at its end is that of TensorFlow.
    """

    path: Path
    network: Network
    config: dict[str, Any]
    version: str


def read_keras_file(path: Path) -> KerasFile:
    """Reads a model's plan and weights.

    Raises:
        ModelError: the file is broken, no Keras model, or needs a layer that is not known here.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            config = _config(path, file)
            try:
                network = _network(path, config["config"], file["model_weights"])
            except (KeyError, TypeError, IndexError, AttributeError) as error:
                reason = " ".join(str(error).split())
                raise ModelError(f"{path}: the plan in it is broken: {reason:.120}") from None
            return KerasFile(path, network, config, _text(file.attrs.get("keras_version", "")))
    except (OSError, RuntimeError, ValueError, RecursionError, MemoryError) as error:
        reason = " ".join(str(error).split())
        raise ModelError(f"{path}: is cut off or broken: {reason:.160}; get it again") from None


def is_training_model(network: Network) -> bool:
    """Whether a network is keras-retinanet's for training: deltas and scores of each anchor."""
    names = [name for name, _, _ in network.outputs]
    return names[:2] == ["regression", "classification"]


def _config(path: Path, file: Any) -> dict[str, Any]:
    if "model_config" not in file.attrs:
        weights_only = "layer_names" in file.attrs or "layers" in file or "_layer" in "".join(file)
        what = "only a model's weights, not the model" if weights_only else "no Keras model"
        raise ModelError(f"{path}: holds {what}; a file that model.save() wrote is needed")
    config = json.loads(_text(file.attrs["model_config"]))
    kind = config.get("class_name") if isinstance(config, dict) else None
    if kind and (found := describe_keras(config)):
        raise ModelError(f"{path}: is a Keras model, but {found}")
    if _text(file.attrs.get("keras_version", "")).startswith("3."):
        raise ModelError(f"{path}: is {KERAS_3}")
    if kind not in NETWORKS or "model_weights" not in file:
        raise ModelError(f"{path}: is a Keras model ({kind}), but no RetinaNet")
    return config


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _network(path: Path, config: dict[str, Any], weights: Any) -> Network:
    """The outermost network; every layer's weights stand in a group of its name."""
    layers = {}
    for plan in config["layers"]:
        layer = _layer(path, plan, iter(_arrays(path, weights, plan["name"])))
        layers[layer.name] = layer
    return _whole(path, layers, config)


def _whole(path: Path, layers: dict[str, Layer], config: dict[str, Any]) -> Network:
    """A network of layers that have been read.

    Raises:
        ModelError: it has not one input, or no output.
    """
    inputs, outputs = (_references(config[f"{end}_layers"]) for end in ("input", "output"))
    if len(inputs) != 1 or not outputs:
        raise ModelError(
            f"{path}: the plan in it is broken: it has {len(inputs)} inputs and {len(outputs)} "
            "outputs; a RetinaNet takes one picture"
        )
    return Network(layers, inputs, outputs)


def _layer(path: Path, plan: dict[str, Any], arrays: Iterator[tuple[str, np.ndarray]]) -> Layer:
    """A layer that takes its weights off the front of `arrays`, as those of inner networks do."""
    name, kind, config = str(plan["name"]), str(plan["class_name"]), dict(plan["config"])
    calls = tuple(_call(path, name, call) for call in plan["inbound_nodes"])
    if kind in NETWORKS:
        parts = {part["name"]: _layer(path, part, arrays) for part in config["layers"]}
        inner = _whole(path, parts, config)
        return Layer(name, kind, {}, calls, inner=inner)
    if kind not in WEIGHTS and kind not in PLAIN:
        why = "it holds Python code, which is never run" if kind == "Lambda" else "it is not known"
        raise ModelError(f"{path}: refused: layer {name!r:.60} is a {kind:.40}: {why}")
    if config.get("data_format", "channels_last") != "channels_last":
        raise ModelError(f"{path}: refused: layer {name!r:.60} has its channels first")
    found = {}
    for wanted in WEIGHTS.get(kind, ()):
        if config.get(_OPTIONAL.get(wanted, ""), True):
            there, array = next(arrays, ("nothing", np.zeros(0)))
            if there != wanted:
                raise ModelError(
                    f"{path}: layer {name!r:.60}: expected {wanted}, found {there:.40}"
                )
            found[wanted] = array
    return Layer(name, kind, config, calls, found)


def _call(path: Path, name: str, call: Any) -> tuple[Reference, ...]:
    if call and isinstance(call[0], str):  # one input may stand without its list
        call = [call]
    if any(
        value not in (None, False) for part in call for more in part[3:] for value in more.values()
    ):
        raise ModelError(f"{path}: refused: layer {name!r:.60} is called with arguments")
    return _references([part[:3] for part in call])


def _references(parts: Any) -> tuple[Reference, ...]:
    if parts and isinstance(parts[0], str):
        parts = [parts]
    return tuple((str(name), int(node), int(tensor)) for name, node, tensor in parts)


def _arrays(path: Path, weights: Any, layer: str) -> Iterator[tuple[str, np.ndarray]]:
    """Names (``kernel``) and values of a layer's weights, in their order."""
    if layer not in weights or weights.get(layer, getlink=True).__class__.__name__ != "HardLink":
        return
    group = weights[layer]
    for name in group.attrs.get("weight_names", ()):
        dataset = group[_text(name)]
        _verify(path, dataset, layer)
        values = dataset[()].astype(np.float32)
        yield _text(name).rpartition("/")[2].partition(":")[0], values


def _verify(path: Path, dataset: Any, layer: str) -> None:
    """Nothing but numbers, in this very file, as many as it declares."""
    place = f"{path}: weights of layer {layer!r:.60}"
    if getattr(dataset, "dtype", None) is None or dataset.dtype.kind != "f":
        raise ModelError(f"{place} are not numbers")
    if dataset.external or dataset.is_virtual or dataset.file.filename != str(path):
        raise ModelError(f"{place}: refused: they stand in another file")
    if dataset.nbytes > _MAX_COMPRESSION * max(dataset.id.get_storage_size(), 1):
        raise ModelError(f"{place} claim {dataset.nbytes:,} bytes, which are not in the file")
