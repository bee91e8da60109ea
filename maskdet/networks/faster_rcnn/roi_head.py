"""The second stage of Faster R-CNN: class and box of each region; which regions it learns from."""

from __future__ import annotations

import keras
from keras import layers, ops

from maskdet.networks import box_coding
from maskdet.networks.targets import CROWD, PADDING
from maskdet.networks.tensor import Tensor


def box_head(size: int, channels: int, units: int, classes: int, box_values: int) -> keras.Model:
    """Two fully connected layers, then class logits and box deltas (Lin et al. 2017).

    Returns:
        A model of regions (regions, size, size, channels) to logits (regions, classes + 1), the
        background last, and deltas (regions, box_values).
    """
    inputs = keras.Input((size, size, channels), name="regions")
    x = layers.Flatten(name="head_flatten")(inputs)
    for number in (1, 2):
        x = layers.Dense(units, activation="relu", name=f"head_dense{number}")(x)
    normal = keras.initializers.RandomNormal
    logits = layers.Dense(classes + 1, kernel_initializer=normal(0, 0.01, 1), name="head_class")
    deltas = layers.Dense(box_values, kernel_initializer=normal(0, 0.001, 2), name="head_box")
    return keras.Model(inputs, [logits(x), deltas(x)], name="box_head")


def match_regions(regions: Tensor, real: Tensor, boxes: Tensor, classes: Tensor) -> Tensor:
    """The truth that each region overlaps most.

    Args:
        regions: (batch, R, 4).
        real: bool (batch, R); the others are padding.
        boxes: truth (batch, M, 4).
        classes: int (batch, M): a class, or LEFT_OUT, CROWD or PADDING of `targets`.

    Returns:
        int32 (batch, R): index of a true box with IoU ≥ .5; −1 background; −2 to be left out.
    """
    single = ops.logical_and(classes != PADDING, classes != CROWD)
    overlap = box_coding.iou(regions, boxes) * ops.cast(single, "float32")[:, None, :]
    best = ops.cast(ops.argmax(overlap, axis=-1), "int32")
    hit = ops.max(overlap, axis=-1) >= 0.5
    left_out = ops.take_along_axis(ops.cast(classes, "int32"), best, axis=1) < 0
    # of what is in a crowd nobody knows whether it is a face
    crowd = ops.cast(classes == CROWD, "float32")[:, None, :]
    crowded = ops.max(box_coding.inside(regions, boxes) * crowd, axis=-1) >= 0.5
    match = ops.where(hit, ops.where(left_out, -2, best), ops.where(crowded, -2, -1))
    return ops.where(real, match, -2)


def sample_regions(
    match: Tensor, count: int, share: float, seed: keras.random.SeedGenerator
) -> tuple[Tensor, Tensor]:
    """Draws regions to learn from, at most `share` of them faces (Girshick 2015).

    Args:
        match: of `match_regions` (batch, R).
        count: regions of an image.
        share: of faces among them.
        seed: of the draw.

    Returns:
        Indices (batch, count), and which of them count: bool (batch, count).
    """
    faces = round(count * share)
    chance = keras.random.uniform(ops.shape(match), seed=seed)
    drawn, face_index = ops.top_k(ops.where(match >= 0, chance, -1.0), faces)
    others, other_index = ops.top_k(ops.where(match == -1, chance, -1.0), count - faces)
    index = ops.concatenate([face_index, other_index], axis=1)
    return index, ops.concatenate([drawn, others], axis=1) >= 0
