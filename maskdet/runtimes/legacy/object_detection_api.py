"""TensorFlow's Object Detection API: frozen graphs of TF1, SavedModels of TF1 and TF2, unchanged.

Such a model takes whole images of any size, RGB, and gives ``detection_boxes`` (ymin xmin ymax
xmax, 0–1), ``detection_scores``, ``detection_classes`` (numbers of the label map) and
``num_detections``, all float32 with a batch dimension. Other outputs are left alone: graphs of
2018 lack what later ones have.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import tensorflow as tf

from maskdet import boxes as box_ops
from maskdet.detections import Detections
from maskdet.errors import ModelError
from maskdet.images.letterbox import less_slim
from maskdet.model.class_names import StatesByNumber
from maskdet.model.decision import EVERYTHING, DecisionRule
from maskdet.runtimes.decoding import judged, states_of
from maskdet.runtimes.file_formats import DetectedModel, Kind
from maskdet.runtimes.legacy.legacy_detector import LegacyDetector
from maskdet.runtimes.legacy.tensorflow_graphs import (
    graph_function,
    one_line,
    parses_examples,
    signature,
)

OUTPUTS = ("detection_boxes", "detection_scores", "detection_classes", "num_detections")
_INPUTS = ("image_tensor", "encoded_image_string_tensor", "tf_example", "input_tensor")
_PIXELS = (tf.uint8, tf.int32, tf.int64, tf.float16, tf.float32, tf.float64)
_GPU_BATCH = 8
_MAX_SHARE = 2.0
"""No box of a graph that gives shares of the image reaches as far beyond it."""


class ObjectDetectionApiDetector(LegacyDetector):
    """A model of the Object Detection API, in TensorFlow, on a GPU where there is one."""

    def __init__(
        self,
        model: DetectedModel,
        states: StatesByNumber,
        *,
        name: str,
        device: str = "auto",
        rule: DecisionRule = EVERYTHING,
        batch: int | None = None,
    ) -> None:
        """Loads a model.

        Args:
            model: a frozen graph or a SavedModel.
            states: by class number, as in its label map.
            name: what people call it.
            device: auto, cpu or gpu.
            rule: decides which faces are given.
            batch: most images of one size in a call; None: eight on a GPU, else one.

        Raises:
            ModelError: the file is broken, or no such model; or there is no GPU though asked for.
        """
        super().__init__(model.path, states, name, device, rule)
        self._run, tensor = _open(model)
        self._feed = _feed(model.path, tensor)
        self._count = _count(tensor)
        self._batch = self._count or batch or (_GPU_BATCH if self._on_gpu else 1)

    def _answers(self, images: list[np.ndarray]) -> list[Detections]:
        assert self._run is not None
        try:
            outputs, shown = self._outputs(images)
            boxes, scores, numbers, counts = (np.asarray(outputs[name]) for name in OUTPUTS)
        except (tf.errors.OpError, ValueError, TypeError) as error:
            raise ModelError(f"{self._path}: the graph failed: {one_line(error)}") from None
        _verify(self._path, self._count or len(images), boxes, scores, numbers, counts)
        likely = boxes[scores >= self._rule.lowest_score]
        if len(likely) and likely.max(axis=1).min() > _MAX_SHARE:
            raise ModelError(
                f"{self._path}: gives boxes in pixels of its input, not shares of the picture; "
                "export it with normalized coordinates (TensorFlow's Model Garden: "
                "output_normalized_coordinates)"
            )
        sides = np.array([shown[0], shown[1]] * 2, np.float32)
        return [
            self._detections(boxes[i, :n] * sides, scores[i, :n], numbers[i, :n], images[i].shape)
            for i, n in enumerate(counts.reshape(-1)[: len(images)].astype(int))
        ]

    def _outputs(self, images: list[np.ndarray]) -> tuple[dict[str, Any], tuple[int, ...]]:
        """The graph's outputs, and the size of its input.

        Some graphs refuse slim images, which they would shrink to a thread; those are padded.
        """
        assert self._run is not None
        with tf.device(self._placed):
            try:
                return self._run(self._feed(images)), images[0].shape
            except tf.errors.InvalidArgumentError:
                padded = [less_slim(image) for image in images]
                if padded[0].shape == images[0].shape:
                    raise
                return self._run(self._feed(padded)), padded[0].shape

    def _detections(
        self, boxes: np.ndarray, scores: np.ndarray, numbers: np.ndarray, shape: tuple[int, ...]
    ) -> Detections:
        """Of one image; boxes are ymin xmin ymax xmax in pixels."""
        height, width = shape[:2]
        kept = np.flatnonzero((scores >= self._rule.lowest_score) & np.isfinite(boxes).all(axis=1))
        kept = kept[np.argsort(-scores[kept], kind="stable")]
        numbers = np.rint(numbers[kept]).astype(int)
        if unknown := sorted(set(numbers.tolist()) - set(self._states)):
            raise ModelError(
                f"{self._path}: gives class {unknown[0]}, which its label map does not have "
                f"(it has {', '.join(map(str, sorted(self._states)))}); name the right one with "
                "--labels"
            )
        corners = boxes[kept][:, [1, 0, 3, 2]]
        states = states_of(numbers, self._states)
        boxes = box_ops.clip(corners, width, height)
        return judged(
            self._rule, Detections(boxes, scores[kept].clip(0, 1), states), classes=numbers
        )


def _verify(
    path: Path,
    count: int,
    boxes: np.ndarray,
    scores: np.ndarray,
    numbers: np.ndarray,
    counts: np.ndarray,
) -> None:
    """Makes sure that a graph's outputs are a detector's, for so many images.

    Raises:
        ModelError: they are of another shape, or no numbers.
    """
    outputs = (boxes, scores, numbers, counts)
    fitting = (
        all(array.dtype.kind in "fiu" for array in outputs)
        and scores.ndim == 2
        and boxes.shape == (count, *scores.shape[1:], 4)
        and scores.shape == numbers.shape
        and counts.size == count
        and bool(((counts >= 0) & (counts <= scores.shape[1])).all())
    )
    if not fitting:
        shapes = ", ".join(f"{array.dtype} {array.shape}" for array in outputs)
        raise ModelError(
            f"{path}: its outputs fit no detector: {', '.join(OUTPUTS)} of {count} pictures are "
            f"{shapes}"
        )


def _open(model: DetectedModel) -> tuple[Callable[[Any], dict[str, Any]], Any]:
    """The function that runs a model, and its input tensor."""
    if model.kind == Kind.FROZEN_GRAPH:
        return graph_function(model.path, _INPUTS, OUTPUTS)
    return signature(model.path, OUTPUTS)


def _feed(path: Path, tensor: Any) -> Callable[[list[np.ndarray]], Any]:
    """The function that turns images into a model's input."""
    if tensor.dtype == tf.string:
        wrap = _example if parses_examples(tensor.graph) else _png  # TF2's input has one name
        return lambda images: tf.constant([wrap(image) for image in _filled(images, tensor)])
    if tensor.dtype not in _PIXELS or tensor.shape.rank not in (4, None):
        raise ModelError(
            f"{path}: takes {tensor.dtype.name} {tensor.shape}, not pictures; no detector of the "
            "Object Detection API"
        )
    return lambda images: tf.constant(_stacked(_filled(images, tensor), tensor), dtype=tensor.dtype)


def _count(tensor: Any) -> int | None:
    """Number of images that an input always takes, where it was exported so."""
    return tensor.shape[0] if tensor.shape.rank else None


def _filled(images: list[np.ndarray], tensor: Any) -> list[np.ndarray]:
    """As many images as an input takes, the last of them repeated."""
    return images + images[-1:] * ((_count(tensor) or 0) - len(images))


def _stacked(images: list[np.ndarray], tensor: Any) -> np.ndarray:
    """Images as one array, RGB, of the size that an input takes, where it was exported so.

    Boxes are shares of the image, so that it need not keep its aspect.
    """
    rows, columns = tensor.shape[1:3] if tensor.shape.rank else (None, None)
    size = (columns or images[0].shape[1], rows or images[0].shape[0])
    fitting = [one if one.shape[1::-1] == size else cv2.resize(one, size) for one in images]
    return np.stack(fitting)[..., ::-1]


def _png(image: np.ndarray) -> bytes:
    """Lossless, so that the graph gets the same pixels."""
    return cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()


def _example(image: np.ndarray) -> bytes:
    value = tf.train.Feature(bytes_list=tf.train.BytesList(value=[_png(image)]))
    features = tf.train.Features(feature={"image/encoded": value})
    return bytes(tf.train.Example(features=features).SerializeToString())
