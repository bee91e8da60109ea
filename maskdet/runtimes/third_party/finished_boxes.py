"""Networks that suppress overlapping boxes themselves, as TensorFlow's detectors do.

They give boxes (ymin xmin ymax xmax as shares of the image), classes, scores and a count. Images
are resized to the input without keeping their aspect.

* LiteRT's SSD (``TFLite_Detection_PostProcess``): classes from 0.
* A model of the Object Detection API that tf2onnx made an ONNX file of: classes from 1, pixels as
  they are, images of any size, as its SavedModel takes them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from maskdet import boxes as box_ops
from maskdet.detections import Detections
from maskdet.errors import ModelError
from maskdet.images.letterbox import less_slim
from maskdet.model.class_names import StatesByNumber
from maskdet.model.decision import EVERYTHING, DecisionRule
from maskdet.runtimes.batching import SingleImageDetector
from maskdet.runtimes.decoding import judged, states_of
from maskdet.runtimes.third_party.files import LiteRtFile, OnnxFile, ThirdPartyFile
from maskdet.runtimes.third_party.image_input import SIGNED

SIDE = 320
"""Both sides of a LiteRT input whose size is open."""
_AS_THEY_ARE = (0.0, 1.0)
_MAX_SHARE = 2.0
"""No box that is a share of the image reaches as far beyond it."""
_OUTPUTS = ("detection_boxes", "detection_classes", "detection_scores", "num_detections")


@dataclass(frozen=True)
class FinishedBoxes:
    """A network's way to take images and to give boxes.

    Attributes:
        order: which outputs are boxes, classes, scores and count.
        first: number of its first class.
        size: height and width of its input; None: those of the image.
        normalization: mean and deviation of pixels; None: by its quantization.
    """

    order: Sequence[int]
    first: int
    size: tuple[int, int] | None
    normalization: tuple[float, float] | None


def find_finished_boxes(file: ThirdPartyFile) -> FinishedBoxes | None:
    """The way in which a file gives finished boxes; None: it does not.

    Raises:
        ModelError: an output of its suppression is not among the file's.
    """
    if isinstance(file, LiteRtFile) and file.details.post_process:
        normalization = file.details.normalization
        if normalization is None and file.input.dtype.kind == "f":
            normalization = SIGNED
        return FinishedBoxes(_litert_order(file), 0, file.input.size or (SIDE, SIDE), normalization)
    if isinstance(file, OnnxFile):
        names = [name.partition(":")[0] for name in file.outputs]
        if all(name in names for name in _OUTPUTS):
            order = [names.index(name) for name in _OUTPUTS]
            return FinishedBoxes(order, 1, file.input.size, _AS_THEY_ARE)
    return None


class FinishedBoxesDetector(SingleImageDetector):
    """A network with its own suppression in a LiteRT or ONNX file, on the CPU."""

    def __init__(
        self,
        file: ThirdPartyFile,
        plan: FinishedBoxes,
        states: StatesByNumber,
        *,
        name: str,
        rule: DecisionRule = EVERYTHING,
    ) -> None:
        """Takes an open file.

        Args:
            file: the network.
            plan: what `find_finished_boxes` found.
            states: by class number, from 0.
            name: what people call it.
            rule: decides which faces are given.
        """
        self.name = name
        self.device = file.device
        self._file = file
        self._plan = plan
        self._states = dict(states)
        self._rule = rule

    def close(self) -> None:
        """Frees the network."""
        self._file.close()

    def _detect(self, image: np.ndarray) -> Detections:
        outputs, (height, width) = self._outputs(image)
        boxes, classes, scores, count = (outputs[i] for i in self._plan.order)
        number = int(count.reshape(-1)[0]) if count.size else 0
        boxes, scores = boxes[0, :number], scores.reshape(-1)[:number]
        classes = np.rint(classes.reshape(-1)[:number]).astype(int) - self._plan.first
        kept = (scores >= self._rule.lowest_score) & (scores > 0) & np.isfinite(boxes).all(axis=1)
        if kept.any() and boxes[kept].max(axis=1).min() > _MAX_SHARE:
            raise ModelError(
                f"{self._file.path}: gives boxes in pixels of its input, not shares of the "
                "picture; export it with normalized coordinates"
            )
        corners = boxes[kept][:, [1, 0, 3, 2]] * np.array([width, height] * 2, np.float32)
        numbers = classes[kept]
        states = self._meant(numbers)
        inside = box_ops.clip(corners, image.shape[1], image.shape[0])
        return judged(self._rule, Detections(inside, scores[kept].clip(0, 1), states), numbers)

    def _outputs(self, image: np.ndarray) -> tuple[list[np.ndarray], tuple[int, int]]:
        """The network's outputs, and the size of the image that the boxes are shares of.

        Some networks refuse slim images, which they would shrink to a thread; those are padded.
        """
        if self._plan.size:
            height, width = self._plan.size
            return self._run(cv2.resize(image, (width, height))), image.shape[:2]
        try:
            return self._run(image), image.shape[:2]
        except ModelError:
            padded = less_slim(image)
            if padded.shape == image.shape:
                raise
            return self._run(padded), padded.shape[:2]

    def _run(self, image: np.ndarray) -> list[np.ndarray]:
        rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        return self._file.run(self._file.input.tensor(rgb, self._plan.normalization))

    def _meant(self, numbers: np.ndarray) -> np.ndarray:
        """States (N,) of class numbers (N,); see `states_of`."""
        try:
            return states_of(numbers, self._states)
        except KeyError as error:
            first = self._plan.first
            there = ", ".join(str(known + first) for known in sorted(self._states))
            raise ModelError(
                f"{self._file.path}: gives class {error.args[0] + first} (from {first}), which its "
                f"label map does not have (it has {there}); name the right one with --labels"
            ) from None


def _litert_order(file: LiteRtFile) -> list[int]:
    """Which outputs are boxes, classes, scores and count: converters order them differently.

    Raises:
        ModelError: an output of the suppression is not among the file's.
    """
    tensors = file.details.post_process or ()
    if not tensors or not set(tensors) <= set(file.indices):
        raise ModelError(
            f"{file.path}: changes what its suppression gives; no detector of a known layout"
        )
    return [file.indices.index(tensor) for tensor in tensors]
