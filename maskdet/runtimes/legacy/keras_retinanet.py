"""keras-retinanet's inference models, as 0.5.1 and 1.0.0 wrote them.

Images are prepared as that package does: BGR, what the backbone was trained with taken off
*before* resizing, short side 800 pixels and long side at most 1333. Anchors, suppression and score
limits are the file's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tensorflow as tf

from maskdet import boxes as box_ops
from maskdet.detections import Detections
from maskdet.errors import ModelError
from maskdet.model.class_names import StatesByNumber
from maskdet.model.decision import EVERYTHING, DecisionRule
from maskdet.runtimes.decoding import ANCHOR_SUPPRESSION_IOU, judged, states_of
from maskdet.runtimes.legacy.keras2_file import (
    KerasFile,
    Layer,
    Network,
    is_training_model,
    read_keras_file,
)
from maskdet.runtimes.legacy.keras2_layers import evaluate
from maskdet.runtimes.legacy.legacy_detector import LegacyDetector
from maskdet.runtimes.legacy.tensorflow_graphs import one_line
from maskdet.system.console import as_typed

SIDES = 800, 1333
"""Short and long side in pixels that images are resized to, unless one was trained otherwise."""
_GPU_BATCH = 4
_IMAGENET_MEANS = np.array([103.939, 116.779, 123.68], np.float32)
"""Blue, green, red."""

MIN_SIDE = 64
"""Least side in pixels of what the network is given."""


class KerasRetinaNetDetector(LegacyDetector):
    """An inference model of keras-retinanet, in TensorFlow, on a GPU where there is one."""

    def __init__(
        self,
        file: Path,
        states: StatesByNumber,
        *,
        name: str,
        device: str = "auto",
        rule: DecisionRule = EVERYTHING,
        sides: tuple[int, int] = SIDES,
        batch: int | None = None,
    ) -> None:
        """Reads a model.

        Args:
            file: an ``.h5`` file.
            states: by class number, from 0.
            name: what people call it.
            device: auto, cpu or gpu.
            rule: decides which faces are given, of those above the file's own limit.
            sides: pixels that an image's short side becomes, unless its long side would be longer
                than the second of them.
            batch: most images in a call; None: several on a GPU, else one.

        Raises:
            ModelError: the file is broken, a training model, or none of keras-retinanet; or there
                is no GPU though asked for; or its classes are more than the label map has.
        """
        super().__init__(file, states, name, device, rule)
        self._sides = sides
        self._batch = batch or (_GPU_BATCH if self._on_gpu else 1)
        model = read_keras_file(file)
        self._filter = inference_layer(model)
        self._tf_mode = uses_tf_mode(model.network)
        self._run = self._function(model)

    def _function(self, model: KerasFile) -> Any:
        """The network up to boxes (B, N, 4) and scores (B, N, classes), compiled."""
        network = _with_clipping(model)
        (wanted,) = self._filter.calls

        def evaluate_both(images: Any) -> Any:
            return evaluate(network, images, wanted[:2])

        spec = tf.TensorSpec([None, None, None, 3], tf.float32)
        run = tf.function(evaluate_both, input_signature=[spec], autograph=False)

        try:
            with tf.device(self._placed):
                boxes, scores = run.get_concrete_function().structured_outputs
        except (LookupError, ArithmeticError, AttributeError, ValueError, TypeError,
                tf.errors.OpError) as error:  # fmt: skip
            raise ModelError(
                f"{model.path}: layers do not fit together: {one_line(error)}"
            ) from None
        if boxes.shape.rank != 3 or scores.shape.rank != 3 or not scores.shape[2]:
            raise ModelError(f"{model.path}: gives {boxes.shape} and {scores.shape}, no detections")
        missing = sorted(set(range(scores.shape[2])) - set(self._states))
        if missing:
            raise ModelError(
                f"{model.path}: has {scores.shape[2]} classes, but its label map has none numbered "
                f"{missing[0]}; name the right one with --labels"
            )
        shown = [self._states[number] is not None for number in range(scores.shape[2])]
        self._shown = np.array(shown, np.float32)
        return run

    def _answers(self, images: list[np.ndarray]) -> list[Detections]:
        assert self._run is not None
        prepared = [prepare(image, *self._sides, tf_mode=self._tf_mode) for image in images]
        prepared = [(_widened(scaled), factor) for scaled, factor in prepared]
        try:
            with tf.device(self._placed):
                boxes, scores = self._run(np.stack([scaled for scaled, _ in prepared]))
            with tf.device("/CPU:0"):
                each = zip(boxes, scores * self._shown, strict=True)
                kept = [filter_detections(self._filter.config, *one) for one in each]
        except (tf.errors.OpError, ValueError) as error:
            raise ModelError(f"{self._path}: the network failed: {one_line(error)}") from None
        return [
            self._detections(*faces, factor, image.shape)
            for faces, (_, factor), image in zip(kept, prepared, images, strict=True)
        ]

    def _detections(
        self,
        boxes: np.ndarray,
        scores: np.ndarray,
        labels: np.ndarray,
        factor: float,
        shape: tuple[int, ...],
    ) -> Detections:
        kept = (scores >= self._rule.lowest_score) & np.isfinite(boxes).all(axis=1)
        boxes = box_ops.clip(boxes[kept] / np.float32(factor), shape[1], shape[0])
        states = states_of(labels[kept], self._states)
        by_class = self._filter.config["class_specific_filter"]
        return judged(
            self._rule,
            Detections(boxes, scores[kept], states),
            classes=labels[kept] if by_class else None,
            overlap=max(ANCHOR_SUPPRESSION_IOU, self._filter.config["nms_threshold"]),
        )


def inference_layer(model: KerasFile) -> Layer:
    """The layer that makes detections of boxes and scores.

    Raises:
        ModelError: there is none: a training model, or another network; or its settings are wrong.
    """
    found = model.network.of_kind("FilterDetections")
    if len(found) == 1 and len(found[0].calls) == 1 and len(found[0].calls[0]) >= 2:
        _verify_filter(model.path, found[0])
        return found[0]
    if is_training_model(model.network):
        raise ModelError(
            f"{model.path}: is a training model of keras-retinanet, which gives no boxes; make an "
            f"inference model of it: {as_typed('convert')} {model.path} inference.h5"
        )
    raise ModelError(f"{model.path}: is a Keras model, but none of keras-retinanet")


_FILTER: dict[str, tuple[type | tuple[type, ...], float, float]] = {
    "max_detections": (int, 1, 1e6),
    "score_threshold": ((int, float), -1e6, 1e6),
    "nms_threshold": ((int, float), 0, 1),
    "nms": (bool, 0, 1),
    "class_specific_filter": (bool, 0, 1),
}
"""Settings of FilterDetections that count here: type, least and greatest value."""


def _verify_filter(path: Path, layer: Layer) -> None:
    for name, (kind, least, most) in _FILTER.items():
        value: Any = layer.config.get(name)
        is_kind = isinstance(value, kind) and isinstance(value, bool) == (kind is bool)
        if not is_kind or not least <= value <= most:
            raise ModelError(
                f"{path}: the plan in it is broken: layer {layer.name!r:.60}: {name} is "
                f"{value!r:.40}"
            )


def uses_tf_mode(network: Network) -> bool:
    """Whether its backbone was trained on pixels from −1 to 1: MobileNet and DenseNet.

    ResNet and VGG took BGR less ImageNet's means. The names of its layers show which.
    """
    names = [layer.name for layer in network.layers.values()]
    is_mobilenet = any(layer.kind == "DepthwiseConv2D" for layer in network.layers.values())
    is_densenet = any(name.startswith("conv2_block1_") and "concat" in name for name in names)
    return is_mobilenet or is_densenet


def prepare(image: np.ndarray, short: int, long: int, *, tf_mode: bool) -> tuple[np.ndarray, float]:
    """An image as the network takes it, and the factor of its size.

    Args:
        image: BGR uint8 (height, width, 3).
        short: shorter side in pixels of the input …
        long: … unless its longer one would have more pixels than this.
        tf_mode: pixels become −1 to 1; else ImageNet's means are taken off.

    Returns:
        float32 (height, width, 3) of the input's size, and its pixels for one of the image.
    """
    pixels = image.astype(np.float32)
    pixels = pixels / np.float32(127.5) - np.float32(1) if tf_mode else pixels - _IMAGENET_MEANS
    height, width = image.shape[:2]
    factor = min(short / min(height, width), long / max(height, width))
    if min(height, width) * factor < 1:  # a line of pixels stays one
        size = max(1, round(width * factor)), max(1, round(height * factor))
        return cv2.resize(pixels, size), factor
    return cv2.resize(pixels, None, fx=factor, fy=factor), factor


def _widened(image: np.ndarray) -> np.ndarray:
    """A very slim input (rows, columns, 3) made `MIN_SIDE` pixels wide by zeros.

    Maps of a single row make some of TensorFlow's convolutions read what is not theirs: their
    answer changed from call to call.
    """
    missing = [max(0, MIN_SIDE - side) for side in image.shape[:2]]
    return np.pad(image, [(0, missing[0]), (0, missing[1]), (0, 0)]) if any(missing) else image


def filter_detections(
    config: Mapping[str, Any], boxes: Any, scores: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """keras-retinanet's choice of an image's detections, without its padding.

    Args:
        config: settings of the FilterDetections layer.
        boxes: (N, 4).
        scores: (N, classes).

    Returns:
        Boxes (M, 4), scores (M,) and labels (M,), best first.
    """
    limit = min(int(config["max_detections"]), len(boxes))
    if config["class_specific_filter"]:
        columns = [(scores[:, c], tf.fill([len(boxes)], c)) for c in range(scores.shape[1])]
    else:
        columns = [(tf.reduce_max(scores, axis=1), tf.argmax(scores, axis=1, output_type=tf.int32))]
    chosen = []
    for column, labels in columns:
        found = tf.where(column > config["score_threshold"])[:, 0]
        if config["nms"]:
            found = tf.gather(found, tf.image.non_max_suppression(
                tf.gather(boxes, found), tf.gather(column, found), limit,
                iou_threshold=config["nms_threshold"]))  # fmt: skip
        chosen.append((found, tf.gather(column, found), tf.gather(labels, found)))
    found, values, labels = (tf.concat(parts, axis=0) for parts in zip(*chosen, strict=True))
    values, order = tf.math.top_k(values, k=min(limit, len(values)))
    found = tf.gather(found, order)
    return tf.gather(boxes, found).numpy(), values.numpy(), tf.gather(labels, order).numpy()


def _with_clipping(model: KerasFile) -> Network:
    """The network with its ClipBoxes as that version of keras-retinanet had it.

    1.0.0, whose Keras is TensorFlow's from 2.4 on (or says ``-tf``), clips a pixel further in.
    """
    number = model.version.partition("-")[0].split(".")[:2]
    parts = [int(part) if part.isdigit() else 0 for part in number]
    inset = int(parts >= [2, 4] or model.version.endswith("-tf"))
    layers = {
        name: replace(layer, config={**layer.config, "inset": inset})
        if layer.kind == "ClipBoxes"
        else layer
        for name, layer in model.network.layers.items()
    }
    return replace(model.network, layers=layers)
