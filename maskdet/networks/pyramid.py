"""Feature pyramid network (Lin et al. 2017), with RetinaNet's extra levels P6 and P7."""

from __future__ import annotations

from typing import Any, TypeAlias

import keras
from keras import layers, ops

from maskdet.networks.tensor import Tensor

Shape: TypeAlias = tuple[int | None, ...]
STRIDES = (8, 16, 32, 64, 128)
"""Input pixels from cell to cell of P3 … P7."""


LEANING: dict[str, tuple[int, int]] = {"p6": (0, 2), "p7": (1, 1)}
"""Zeros before and after the map that a strided convolution reads. "Same" padding would lean to one
side on even maps and to the other on odd ones: a network would see its coarse levels shifted by a
whole cell at sizes other than its training's. These always give half the cells, rounded up; the
first leans half a cell one way, the second the other."""


def conv(
    filters: int,
    kernel: int,
    name: str,
    *,
    separable: bool,
    strides: int = 1,
    padding: str = "same",
    **more: Any,
) -> layers.Layer:
    """A convolution; depthwise-separable (Howard et al. 2017) on request."""
    if separable and kernel > 1:
        return layers.SeparableConv2D(filters, kernel, strides, padding, name=name, **more)
    return layers.Conv2D(filters, kernel, strides, padding, name=name, **more)


def feature_pyramid(
    features: list[Tensor], channels: int, *, separable: bool, norm: bool, even: bool = False
) -> list[Tensor]:
    """Semantically strong features at every stride.

    Args:
        features: C3, C4, C5: (batch, rows, columns, any), each half the size of the one before.
        channels: of every output.
        separable: depthwise-separable convolutions, for light networks.
        norm: batch norm behind each convolution; the paper has none.
        even: the input's sides are multiples of 32, so that no map must be cut to fit.

    Returns:
        P3 … P7: (batch, rows, columns, channels) at strides 8 … 128.
    """

    def block(x: Tensor, kernel: int, name: str, **more: Any) -> Tensor:
        layer = conv(channels, kernel, name, separable=separable, use_bias=not norm, **more)
        return (
            layers.BatchNormalization(momentum=0.97, name=f"{name}_bn")(layer(x))
            if norm
            else layer(x)
        )

    def halved(x: Tensor, name: str) -> Tensor:
        x = layers.ZeroPadding2D((LEANING[name],) * 2, name=f"{name}_pad")(x)
        return block(x, 3, name, strides=2, padding="valid")

    laterals = [block(x, 1, f"lateral{level}") for level, x in enumerate(features, 3)]
    merged = [laterals[-1]]
    for level in (4, 3):
        upsampled = Upsample(even, name=f"upsample{level}")([merged[0], laterals[level - 3]])
        merged.insert(0, layers.Add(name=f"merge{level}")([upsampled, laterals[level - 3]]))
    outputs = [block(x, 3, f"p{level}") for level, x in enumerate(merged, 3)]
    outputs.append(halved(features[-1], "p6"))
    outputs.append(halved(layers.ReLU(name="p6_relu")(outputs[-1]), "p7"))
    return outputs


@keras.saving.register_keras_serializable("maskdet")
class Upsample(layers.Layer):
    """Doubles a map (nearest neighbor) and cuts it to another's size, which may be odd."""

    def __init__(self, even: bool = False, **more: Any) -> None:
        """With `even` sizes nothing is cut, and an exported graph works at any such size."""
        super().__init__(**more)
        self.even = even

    def call(self, inputs: list[Tensor]) -> Tensor:
        """[map (batch, rows, columns, channels), map to match] to a map of the latter's size."""
        x, like = inputs
        # each cell's four copies become a block of four cells: no shape stands in the graph
        x = ops.depth_to_space(ops.concatenate([x] * 4, axis=-1), 2)
        if self.even or (None not in like.shape[1:3] and x.shape[1:3] == like.shape[1:3]):
            return x
        rows, columns = ops.shape(like)[1:3]
        return x[:, :rows, :columns]

    def compute_output_shape(self, shapes: list[Shape]) -> Shape:
        """The second map's size with the first one's channels."""
        return (*shapes[1][:3], shapes[0][3])
