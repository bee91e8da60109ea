"""Keras 2's layers and keras-retinanet's own, as plain TensorFlow operations.

Only what RetinaNets are made of. Tensors are (batch, rows, columns, channels), boxes
(batch, N, 4) as x1 y1 x2 y2 in pixels of the network's input.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from maskdet.model.anchors import AnchorGrid
from maskdet.runtimes.legacy.keras2_file import Layer, Network, Reference

MAX_LAYER_PIXELS = 64
"""No network here pads, steps or pools by more pixels; a file that has them is a trap."""


def evaluate(network: Network, image: Any, wanted: Sequence[Reference]) -> list[Any]:
    """Computes some of a network's inner outputs.

    Layers are taken as soon as what they are given is there, whatever their order in the file.

    Args:
        network: has one input.
        image: what goes in.
        wanted: which outputs.

    Raises:
        ValueError: layers and weights do not fit together.
    """
    done: dict[Reference, Any] = {network.inputs[0]: image}
    left = [
        (layer, index, call)
        for layer in network.layers.values()
        for index, call in enumerate(layer.calls, start=1 if layer.inner else 0)
    ]  # an inner network's call 0 is the one that it was made with
    while not all(reference in done for reference in wanted):
        ready = [entry for entry in left if all(given in done for given in entry[2])]
        if not ready:
            raise ValueError(f"output {wanted[0][0]} is never computed")
        for layer, index, call in ready:
            done[layer.name, index, 0] = _apply(layer, [done[given] for given in call])
        taken = {(layer.name, index) for layer, index, _ in ready}
        left = [entry for entry in left if (entry[0].name, entry[1]) not in taken]
    return [done[reference] for reference in wanted]


def _apply(layer: Layer, given: list[Any]) -> Any:
    if layer.inner:
        return evaluate(layer.inner, given[0], layer.inner.outputs)[0]
    if layer.kind == "FilterDetections":  # what it is given is what counts here
        return None
    return LAYERS[layer.kind](layer, *given)


def _conv(layer: Layer, x: Any) -> Any:
    kernel = layer.weights["kernel"]
    expected = (*_pair(layer, "kernel_size"), layer.config["filters"])
    if kernel.ndim != 4 or (*kernel.shape[:2], kernel.shape[3]) != expected:
        raise ValueError(f"layer {layer.name}: kernel {kernel.shape} instead of {expected}")
    rates = _pair(layer, "dilation_rate")
    return _finish(layer, tf.nn.conv2d(x, kernel, _pair(layer, "strides"), _padding(layer),
                                       dilations=rates))  # fmt: skip


def _depthwise(layer: Layer, x: Any) -> Any:
    strides = (1, *_pair(layer, "strides"), 1)
    kernel = layer.weights["depthwise_kernel"]
    return _finish(layer, tf.nn.depthwise_conv2d(x, kernel, strides, _padding(layer)))


def _finish(layer: Layer, x: Any) -> Any:
    if "bias" in layer.weights:
        x = tf.nn.bias_add(x, layer.weights["bias"])
    return _activate(layer, x)


def _activate(layer: Layer, x: Any) -> Any:
    name = layer.config.get("activation")
    if name not in ACTIVATIONS:
        raise ValueError(f"layer {layer.name}: unknown activation {name!r:.40}")
    return ACTIVATIONS[name](x)


def _relu(layer: Layer, x: Any) -> Any:
    config = layer.config
    if any(float(config.get(name) or 0) for name in ("negative_slope", "threshold")):
        raise ValueError(f"layer {layer.name}: a leaky ReLU is not known")
    most = config.get("max_value")
    return tf.nn.relu(x) if most is None else tf.clip_by_value(x, 0.0, float(most))


def _batch_norm(layer: Layer, x: Any) -> Any:
    axis = layer.config["axis"]
    if axis not in (3, -1, [3], [-1]):
        raise ValueError(f"layer {layer.name}: normalizes axis {axis}")
    mean, variance = (layer.weights[name] for name in ("moving_mean", "moving_variance"))
    scale = layer.weights.get("gamma", np.float32(1)) / np.sqrt(variance + layer.config["epsilon"])
    shift = layer.weights.get("beta", np.float32(0)) - mean * scale
    return x * scale.astype(np.float32) + shift.astype(np.float32)


def _zero_padding(layer: Layer, x: Any) -> Any:
    padding = np.array(layer.config["padding"])
    if padding.shape != (2, 2) or padding.min() < 0 or padding.max() > MAX_LAYER_PIXELS:
        raise ValueError(f"layer {layer.name}: pads by {padding.tolist()}")
    return tf.pad(x, [[0, 0], *padding.tolist(), [0, 0]])


def _pool(function: Callable[..., Any]) -> Callable[[Layer, Any], Any]:
    def pool(layer: Layer, x: Any) -> Any:
        return function(x, _pair(layer, "pool_size"), _pair(layer, "strides"), _padding(layer))

    return pool


def _reshape(layer: Layer, x: Any) -> Any:
    return tf.reshape(x, [tf.shape(x)[0], *layer.config["target_shape"]])


def _upsample_like(layer: Layer, source: Any, target: Any) -> Any:
    return tf.raw_ops.ResizeNearestNeighbor(images=source, size=tf.shape(target)[1:3])


def _anchors(layer: Layer, features: Any) -> Any:
    """Anchors (1, rows · columns · per cell, 4) for a pyramid level."""
    config = layer.config
    stride, size = float(config["stride"]), float(config["size"])
    ratios, scales = (tuple(map(float, config[name])) for name in ("ratios", "scales"))
    grid = AnchorGrid(ratios=ratios, scales=scales)
    least = min(stride, size, *ratios, *scales)
    if not (least > 0 and 0 < grid.per_cell <= MAX_LAYER_PIXELS**2):
        raise ValueError(f"layer {layer.name}: no anchors of size {size}, stride {stride}")
    half = grid.shapes(size) / 2
    cell = tf.constant(np.concatenate([-half, half], axis=1), tf.float32)
    y, x = ((tf.cast(tf.range(tf.shape(features)[i]), tf.float32) + 0.5) * stride for i in (1, 2))
    x, y = tf.meshgrid(x, y)
    centers = tf.stack([x, y, x, y], axis=-1)[:, :, None]
    return tf.reshape(centers + cell, [1, -1, 4])


def _regress_boxes(layer: Layer, anchors: Any, deltas: Any) -> Any:
    """Moves each corner by a share of the anchor's size."""
    mean, deviation = (np.array(layer.config[name], np.float32) for name in ("mean", "std"))
    size = anchors[..., 2:] - anchors[..., :2]
    return anchors + (deltas * deviation + mean) * tf.concat([size, size], axis=-1)


def _clip_boxes(layer: Layer, image: Any, boxes: Any) -> Any:
    """To the image; `inset` pixels less where this version of keras-retinanet does so."""
    shape = tf.cast(tf.shape(image), tf.float32) - float(layer.config.get("inset", 0))
    limit = tf.stack([shape[2], shape[1], shape[2], shape[1]])
    return tf.clip_by_value(boxes, 0.0, limit)


def _pair(layer: Layer, name: str) -> tuple[int, int]:
    value = layer.config.get(name) or layer.config["pool_size"]
    first, second = (value, value) if isinstance(value, int) else value
    if not (0 < first <= MAX_LAYER_PIXELS and 0 < second <= MAX_LAYER_PIXELS):
        raise ValueError(f"layer {layer.name}: {name} {value}")
    return int(first), int(second)


def _padding(layer: Layer) -> str:
    return str(layer.config["padding"]).upper()


ACTIVATIONS: dict[Any, Callable[[Any], Any]] = {
    None: lambda x: x,
    "linear": lambda x: x,
    "relu": tf.nn.relu,
    "relu6": tf.nn.relu6,
    "sigmoid": tf.sigmoid,
    "tanh": tf.tanh,
}

LAYERS: dict[str, Callable[..., Any]] = {
    "Activation": _activate,
    "Add": lambda layer, *given: tf.add_n(given),
    "Anchors": _anchors,
    "AveragePooling2D": _pool(tf.nn.avg_pool2d),
    "BatchNormalization": _batch_norm,
    "ClipBoxes": _clip_boxes,
    "Concatenate": lambda layer, *given: tf.concat(given, axis=layer.config["axis"]),
    "Conv2D": _conv,
    "DepthwiseConv2D": _depthwise,
    "Dropout": lambda layer, x: x,
    "MaxPooling2D": _pool(tf.nn.max_pool2d),
    "RegressBoxes": _regress_boxes,
    "ReLU": _relu,
    "Reshape": _reshape,
    "UpsampleLike": _upsample_like,
    "ZeroPadding2D": _zero_padding,
}
