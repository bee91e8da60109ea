"""Input of a third-party network: order of its axes, size, type, and range of values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from maskdet.errors import ModelError

UNIT = (0.0, 255.0)
"""Mean and deviation that make 0–1 of pixels."""
SIGNED = (127.5, 127.5)
"""The same for −1–1."""


@dataclass(frozen=True)
class ImageInput:
    """An input tensor.

    Attributes:
        batch: images that it takes at once.
        size: height and width; None where it takes any.
        channels_first: (batch, 3, height, width) instead of (batch, height, width, 3).
        dtype: of its values.
        scale: of quantized values; 0 where they are not.
        zero: the quantized value of 0.
    """

    batch: int
    size: tuple[int, int] | None
    channels_first: bool
    dtype: np.dtype
    scale: float = 0.0
    zero: int = 0

    def tensor(self, image: np.ndarray, normalization: tuple[float, float] | None) -> np.ndarray:
        """RGB uint8 (height, width, 3) as the network takes it.

        Args:
            image: of the input's size.
            normalization: mean and deviation of pixels; None where the quantization is meant to
                cover the range of pixels.
        """
        if self.dtype.kind == "f":
            mean, deviation = normalization or UNIT
            values = ((image.astype(np.float32) - mean) / deviation).astype(self.dtype)
        else:
            values = self._quantized(image, normalization)
        if self.channels_first:
            values = values.transpose(2, 0, 1)
        return np.ascontiguousarray(np.broadcast_to(values, (self.batch, *values.shape)))

    def _quantized(
        self, image: np.ndarray, normalization: tuple[float, float] | None
    ) -> np.ndarray:
        limits = np.iinfo(self.dtype)
        if normalization is None or self.scale in (0, 1):
            return (image.astype(np.int64) + limits.min).astype(self.dtype)
        mean, deviation = normalization
        values = (image.astype(np.float32) - mean) / deviation / self.scale + self.zero
        return np.rint(values).clip(limits.min, limits.max).astype(self.dtype)


def image_input(
    path: Path,
    shape: Sequence[int | None],
    dtype: np.dtype,
    scale: float = 0.0,
    zero: int = 0,
) -> ImageInput:
    """The kind of an input by its shape; None stands for a side of any length.

    Raises:
        ModelError: it takes no RGB images.
    """
    shown = " × ".join("any" if side is None else str(side) for side in shape)
    types = (np.float32, np.float16, np.uint8, np.int8)
    if len(shape) != 4 or dtype not in types:
        raise ModelError(
            f"{path}: takes {dtype} {shown or 'a number'}, not images; no detector of a known "
            "layout"
        )
    first = shape[1] in (3, None) and shape[3] != 3
    channels, size = (shape[1], shape[2:]) if first else (shape[3], shape[1:3])
    if channels not in (3, None):
        raise ModelError(f"{path}: takes images of {shown}, not of three colors")
    height, width = size
    fixed = (int(height), int(width)) if height is not None and width is not None else None
    return ImageInput(int(shape[0] or 1), fixed, first, np.dtype(dtype), scale, zero)
