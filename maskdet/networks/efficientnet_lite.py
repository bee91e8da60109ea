"""EfficientNet-Lite0: EfficientNet-B0 (Tan & Le 2019) without squeeze-and-excite, with ReLU6."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from keras import layers

from maskdet.networks.tensor import Tensor

# repeats, kernel, stride, expansion, filters: table 1 of the paper
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)


def efficientnet_lite0(inputs: Tensor) -> list[Tensor]:
    """Features of an RGB image scaled to (x − 127) / 128.

    Args:
        inputs: (batch, height, width, 3).

    Returns:
        The outputs of all sixteen blocks, finest first: strides 2, 4 4, 8 8, 16 × 6, 32 × 5.
    """
    x = layers.Conv2D(32, 3, 2, "same", use_bias=False, name="stem_conv")(inputs)
    x = layers.ReLU(6, name="stem_relu")(_norm("stem_bn")(x))
    outputs: list[Tensor] = []
    for repeats, kernel, stride, expansion, filters in STAGES:
        for repeat in range(repeats):
            name = f"block{len(outputs)}"
            x = _block(x, kernel, 1 if repeat else stride, expansion, filters, name)
            outputs.append(x)
    return outputs


def _norm(name: str) -> layers.Layer:
    return layers.BatchNormalization(epsilon=1e-3, momentum=0.99, name=name)


def _block(x: Tensor, kernel: int, stride: int, expansion: int, filters: int, name: str) -> Tensor:
    """Inverted residual (Sandler et al. 2018): expand, depthwise, project."""
    before, channels = x, x.shape[-1]
    if expansion > 1:
        conv = layers.Conv2D(channels * expansion, 1, use_bias=False, name=f"{name}_expand_conv")
        x = _norm(f"{name}_expand_bn")(conv(x))
        x = layers.ReLU(6, name=f"{name}_expand_relu")(x)
    depthwise = layers.DepthwiseConv2D(
        kernel, stride, "same", use_bias=False, name=f"{name}_dw_conv"
    )
    x = layers.ReLU(6, name=f"{name}_dw_relu")(_norm(f"{name}_dw_bn")(depthwise(x)))
    project = layers.Conv2D(filters, 1, use_bias=False, name=f"{name}_project_conv")
    x = _norm(f"{name}_project_bn")(project(x))
    if stride == 1 and channels == filters:
        x = layers.Add(name=f"{name}_add")([before, x])
    return x


def load_imagenet(network: Iterable[layers.Layer], file: Path) -> None:
    """Fills the backbone's among a network's layers from an archive: layer__variable.

    Raises:
        ValueError: an array of a backbone layer is missing or has another shape.
    """
    with file.open("rb") as data, np.load(data, allow_pickle=False) as arrays:
        for layer in network:
            if not layer.weights or not layer.name.startswith(("stem_", "block")):
                continue
            names = [f"{layer.name}__{weight.name}" for weight in layer.weights]
            missing = [name for name in names if name not in arrays]
            if missing:
                raise ValueError(f"no array {missing[0]!r} in {file}")
            layer.set_weights([arrays[name].astype(np.float32) for name in names])
