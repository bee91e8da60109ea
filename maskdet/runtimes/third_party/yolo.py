"""YOLO detectors that other projects exported: YOLOv5, v8 to v12, YOLO26, RT-DETR; ONNX, LiteRT.

Images are prepared as ultralytics does: the aspect is kept, gray fills both sides, RGB from 0 to 1.
"""

from __future__ import annotations

import cv2
import numpy as np

from maskdet import boxes as box_ops
from maskdet.detections import CLASS_NAMES, Detections
from maskdet.errors import ModelError
from maskdet.images.letterbox import Placed, fitting_size, place_centered
from maskdet.model.class_names import StatesByNumber
from maskdet.model.decision import EVERYTHING, DecisionRule
from maskdet.runtimes.batching import SingleImageDetector
from maskdet.runtimes.decoding import MAX_DETECTIONS, judged, states_of
from maskdet.runtimes.third_party.files import ThirdPartyFile
from maskdet.runtimes.third_party.image_input import UNIT
from maskdet.runtimes.third_party.yolo_layout import Layout

SIDE = 640
"""Longest side of the input where the file leaves it open."""
MAX_CANDIDATES = 3000
"""Best boxes that suppression looks at."""
_MAX_SHARE = 2.0
"""Coordinates that are all below it are shares of the input, not pixels."""
_CLASS_DISTANCE = 1e5
"""Distance that keeps boxes of different classes from suppressing each other."""


class YoloDetector(SingleImageDetector):
    """A YOLO network in a file, on the CPU."""

    def __init__(
        self,
        file: ThirdPartyFile,
        layout: Layout,
        states: StatesByNumber,
        *,
        name: str,
        rule: DecisionRule = EVERYTHING,
        side: int = SIDE,
    ) -> None:
        """Takes an open file.

        Args:
            file: the network.
            layout: of its outputs.
            states: by class number, from 0.
            name: what people call it.
            rule: decides which faces are given.
            side: longest side in pixels of an input whose size is open.
        """
        self.name = name
        self.device = file.device
        self._file = file
        self._layout = layout
        self._states = dict(states)
        self._left_out = [number for number, state in states.items() if state is None]
        self._rule = rule
        self._side = side

    def close(self) -> None:
        """Frees the network."""
        self._file.close()

    def _detect(self, image: np.ndarray) -> Detections:
        height, width = image.shape[:2]
        outputs, placed = run_on(self._file, image, self._side, stretched=self._stretches)
        output = outputs[self._layout.output]
        if output.ndim != 3:
            raise ModelError(f"{self._file.path}: gives {output.shape}, which it did not before")
        rows = output[0].T if self._layout.columns_first else output[0]
        rows = rows.astype(np.float32)
        boxes, scores, numbers, shares = self._candidates(rows, placed)
        inside = box_ops.clip((boxes - placed.offset) / placed.factor, width, height)
        found = Detections(inside, scores.clip(0, 1), self._meant(numbers), probabilities=shares)
        return judged(self._rule, found, numbers)

    @property
    def _stretches(self) -> bool:
        """RT-DETR was trained on images without borders."""
        final = self._layout.kind == "queries"
        return final or "rtdetr" in self._file.metadata.get("description", "").lower()

    def _candidates(
        self, rows: np.ndarray, placed: Placed
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray | None]:
        """Corners in pixels of the input, scores, class numbers, and each state's score."""
        kind = self._layout.kind
        if kind in ("final", "queries"):
            rows = rows[self._worth(rows[:, 4])]
            numbers = np.rint(rows[:, 5]).astype(int)
            boxes = rows[:, :4] if kind == "final" else _corners(rows[:, :4])
            return _in_pixels(boxes, boxes, placed), rows[:, 4], numbers, None
        begin = 5 if kind == "objectness" else 4
        each = rows[:, begin : begin + (self._layout.classes or 0)].copy()
        each[:, self._left_out] = 0  # a hat that is likelier than its face must not hide it
        if kind == "objectness":
            each = each * rows[:, 4:5]
        best = each.max(axis=1)
        kept = self._worth(best)
        kept = kept[np.argsort(-best[kept], kind="stable")][:MAX_CANDIDATES]
        boxes = _in_pixels(_corners(rows[:, :4]), rows[:, :2], placed)[kept]
        each, scores, numbers = each[kept], best[kept], each[kept].argmax(axis=1)
        moved = boxes + (numbers * _CLASS_DISTANCE)[:, None]
        left = box_ops.nms(moved.astype(np.float64), scores, self._layout.overlap, MAX_DETECTIONS)
        return boxes[left], scores[left], numbers[left], self._by_state(each[left])

    def _worth(self, scores: np.ndarray) -> np.ndarray:
        return np.flatnonzero((scores >= self._rule.lowest_score) & (scores > 0))

    def _by_state(self, each: np.ndarray) -> np.ndarray:
        """The best score of each mask state's classes."""
        shares = np.zeros((len(each), len(CLASS_NAMES)), np.float32)
        for number, state in self._states.items():
            if state is not None:
                shares[:, state] = np.maximum(shares[:, state], each[:, number].clip(0, 1))
        return shares

    def _meant(self, numbers: np.ndarray) -> np.ndarray:
        """States (N,) of class numbers (N,); see `states_of`."""
        try:
            return states_of(numbers, self._states)
        except KeyError as error:
            raise ModelError(
                f"{self._file.path}: gives class {error}, which its label map does not have (it "
                f"has {', '.join(map(str, sorted(self._states)))}); name the right one with "
                "--labels"
            ) from None


def run_on(
    file: ThirdPartyFile, image: np.ndarray, side: int, *, stretched: bool = False
) -> tuple[list[np.ndarray], Placed]:
    """A network's outputs for an image, and where the image lay in its input.

    Args:
        file: the network.
        image: BGR uint8 (height, width, 3).
        side: longest side in pixels of the input, where the file leaves that open.
        stretched: the image fills the input, its aspect lost; else it keeps it, with borders.

    Raises:
        ModelError: the network failed.
    """
    height, width = image.shape[:2]
    size = file.input.size or fitting_size(height, width, side)
    if stretched:
        factor = np.array([size[1] / width, size[0] / height] * 2, np.float32)
        resized = cv2.resize(image, (size[1], size[0]))
        placed = Placed(cv2.cvtColor(resized, cv2.COLOR_BGR2RGB), factor, np.zeros(4, np.float32))
    else:
        placed = place_centered(image, *size)
    return file.run(file.input.tensor(placed.image, UNIT)), placed


def _corners(boxes: np.ndarray) -> np.ndarray:
    """Of centers and sizes."""
    half = boxes[:, 2:] / 2
    return np.concatenate([boxes[:, :2] - half, boxes[:, :2] + half], axis=1)


def _in_pixels(boxes: np.ndarray, confident: np.ndarray, placed: Placed) -> np.ndarray:
    """Boxes that may be shares of the input, as `metadata` shows."""
    finite = confident[np.isfinite(confident)]
    if not finite.size or finite.max() > _MAX_SHARE:
        return boxes
    height, width = placed.image.shape[:2]
    return boxes * np.array([width, height] * 2, np.float32)
