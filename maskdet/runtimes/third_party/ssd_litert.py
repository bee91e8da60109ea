"""LiteRT's SSD with its own suppression (``TFLite_Detection_PostProcess``).

Images are resized to the input without keeping their aspect, as TensorFlow's SSDs do.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from maskdet import boxes as box_ops
from maskdet.detections import Detections, MaskState
from maskdet.errors import ModelError
from maskdet.model.decision import EVERYTHING, DecisionRule
from maskdet.runtimes.batching import SingleImageDetector
from maskdet.runtimes.decoding import judged
from maskdet.runtimes.third_party.files import LiteRtFile
from maskdet.runtimes.third_party.image_input import SIGNED

SIDE = 320
"""Both sides of an input whose size is open."""


class SsdDetector(SingleImageDetector):
    """An SSD network in a LiteRT file, on the CPU."""

    def __init__(
        self,
        file: LiteRtFile,
        states: Mapping[int, MaskState],
        *,
        name: str,
        rule: DecisionRule = EVERYTHING,
    ) -> None:
        """Takes an open file.

        Args:
            file: the network.
            states: by class number, from 0.
            name: what people call it.
            rule: decides which faces are given.

        Raises:
            ModelError: the outputs of its suppression are not those of the file.
        """
        self.name = name
        self.device = file.device
        self._file = file
        self._states = dict(states)
        self._rule = rule
        self._order = output_order(file)

    def close(self) -> None:
        """Frees the network."""
        self._file.close()

    def _detect(self, image: np.ndarray) -> Detections:
        height, width = image.shape[:2]
        rows, columns = self._file.input.size or (SIDE, SIDE)
        resized = cv2.cvtColor(cv2.resize(image, (columns, rows)), cv2.COLOR_BGR2RGB)
        normalization = self._file.details.normalization
        if normalization is None and self._file.input.dtype.kind == "f":
            normalization = SIGNED
        outputs = self._file.run(self._file.input.tensor(resized, normalization))
        boxes, classes, scores, count = (outputs[index] for index in self._order)
        number = int(count.reshape(-1)[0]) if count.size else 0
        boxes, scores = boxes[0, :number], scores.reshape(-1)[:number]
        classes = np.rint(classes.reshape(-1)[:number]).astype(int)
        kept = (scores >= self._rule.lowest_score) & (scores > 0) & np.isfinite(boxes).all(axis=1)
        corners = boxes[kept][:, [1, 0, 3, 2]] * np.array([width, height] * 2, np.float32)
        numbers = classes[kept]
        states = np.array([self._state(number) for number in numbers.tolist()], np.int8)
        inside = box_ops.clip(corners, width, height)
        return judged(self._rule, Detections(inside, scores[kept].clip(0, 1), states), numbers)

    def _state(self, number: int) -> MaskState:
        if number not in self._states:
            raise ModelError(
                f"{self._file.path}: gives class {number} (from 0), which its label map does not "
                f"have (it has {', '.join(map(str, sorted(self._states)))}); name the right one "
                "with --labels"
            )
        return self._states[number]


def output_order(file: LiteRtFile) -> list[int]:
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
