"""Layouts of YOLO detectors' outputs, detected by their shapes, class names and metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from maskdet.errors import ModelError
from maskdet.runtimes.unsupported_formats import CLASSIFIER

MASKS = 32
"""Numbers after the classes that make a segmentation model's masks."""
_TASKS = {
    "classify": CLASSIFIER,
    "pose": "a pose model: it gives people's joints, not mask states; a detector is needed",
    "obb": "a model of rotated boxes; a detector of upright boxes is needed",
    "semantic": "a segmentation model without boxes; a detector is needed",
    "depth": "a model of depths; a detector is needed",
}
_EXPORTS = (
    "known are YOLO's (1, 4 + classes, N), (1, N, 5 + classes) and (1, N, 6), LiteRT's SSD "
    "with its suppression, and the Object Detection API's detection_boxes …"
)


@dataclass(frozen=True)
class Layout:
    """Where boxes and scores stand.

    Attributes:
        output: number of the output.
        kind: ``scores``: centers, sizes and a score for each class; ``objectness``: the same with
            a score of there being an object first; ``final``: corners, score and class of each
            box that is left; ``queries``: the same with centers and sizes.
        columns_first: (1, numbers, N) instead of (1, N, numbers).
        classes: how many; None where the layout does not show it.
    """

    output: int
    kind: Literal["scores", "objectness", "final", "queries"]
    columns_first: bool
    classes: int | None

    @property
    def overlap(self) -> float:
        """IoU from which on two boxes of one class are one face, as upstream has it."""
        return 0.45 if self.kind == "objectness" else 0.7


def find_layout(
    path: Path,
    outputs: Sequence[np.ndarray],
    size: tuple[int, int],
    metadata: Mapping[str, str],
    classes: int | None,
) -> Layout:
    """The layout of what a network gave for one image.

    Args:
        path: the file, for messages.
        outputs: of a network, each with a batch of one in front: (1, …).
        size: height and width of its input.
        metadata: of the file.
        classes: number of class names; None: not known yet, only refusals count.

    Raises:
        ModelError: they are of no known layout; the message names what they are.
    """
    if task := _TASKS.get(metadata.get("task", "")):
        raise ModelError(f"{path}: is {task}")
    index = _main_output(path, outputs)
    _, first, last = outputs[index].shape
    masks = MASKS if any(output.ndim == 4 for output in outputs) else 0
    found = _by_metadata(index, outputs[index], metadata, masks, classes)
    if found is None:
        layouts = list(_fitting(index, outputs[index], size, masks, classes, bool(metadata)))
        found = layouts[0] if layouts else None
    if found is None:
        known = "" if classes is None else f", which do not fit {classes} class names (--labels)"
        raise ModelError(
            f"{path}: gives 1 × {first} × {last} numbers{known}; no detector of a known layout: "
            f"{_EXPORTS}"
        )
    return found


def _main_output(path: Path, outputs: Sequence[np.ndarray]) -> int:
    shapes = [output.shape for output in outputs]
    given = ", ".join(" × ".join(map(str, shape)) or "a number" for shape in shapes[:6])
    three = [index for index, shape in enumerate(shapes) if len(shape) == 3 and shape[0]]
    if len(three) == 1 and all(len(shape) in (3, 4, 5) for shape in shapes):
        return three[0]
    flat = [shape for shape in shapes if len([side for side in shape if side > 1]) <= 1]
    if len(shapes) == 1 and flat:
        raise ModelError(f"{path}: gives {given} numbers; it seems to be {CLASSIFIER}")
    if len(three) == 2 and any(shapes[index][2] == 4 for index in three):
        raise ModelError(
            f"{path}: gives scores and boxes apart ({given}), as maskdet's own exports do; name "
            "its folder, which has a card.yaml"
        )
    if not three and any(len(shape) in (4, 5) for shape in shapes):
        raise ModelError(
            f"{path}: gives maps ({given}): a segmentation model, or a detector exported without "
            f"its last layer, which makes boxes of them; {_EXPORTS}"
        )
    raise ModelError(f"{path}: gives {given}; no detector of a known layout: {_EXPORTS}")


def _by_metadata(
    index: int, output: np.ndarray, metadata: Mapping[str, str], masks: int, classes: int | None
) -> Layout | None:
    """The layout by the file's metadata: RT-DETR, or boxes that are suppressed."""
    _, rows, columns = output.shape
    texts = (metadata.get("head", ""), metadata.get("description", ""))
    if any("rtdetr" in text.lower().replace("-", "") for text in texts):
        if columns == 6 and metadata.get("head"):
            return Layout(index, "queries", False, None)
        if columns == 4 + (classes or columns - 4):
            return Layout(index, "scores", False, columns - 4)
        return None
    finished = metadata.get("end2end") == "True" or "'nms': True" in metadata.get("args", "")
    if finished and columns in (6, 6 + masks):
        return Layout(index, "final", False, None)
    return None


def _fitting(
    index: int,
    output: np.ndarray,
    size: tuple[int, int],
    masks: int,
    classes: int | None,
    stated: bool,
) -> list[Layout]:
    """The layouts whose numbers fit, the likeliest first."""
    _, first, last = output.shape
    found = []
    if _is_final(output, size, masks, classes):
        found.append(Layout(index, "final", False, None))
    if first < last:
        count = first - 4 - masks
        if count > 0 and classes in (None, count):
            found.append(Layout(index, "scores", True, count))
        return found
    with_objects = Layout(index, "objectness", False, last - 5 - masks)
    without = Layout(index, "scores", False, last - 4 - masks)
    grid = _per_cell(first, size)
    wanted = [without, with_objects] if grid == 1 else [with_objects, without]
    for layout in wanted:
        if (
            layout.kind == "objectness"
            and grid == 1
            and not stated
            and not _is_decoded(output, size)
        ):
            continue  # YOLOX's, whose boxes are still cells and strides
        if layout.classes and layout.classes > 0 and classes in (None, layout.classes):
            found.append(layout)
    return found


def _is_final(output: np.ndarray, size: tuple[int, int], masks: int, classes: int | None) -> bool:
    """Whether rows are boxes that are left: corners, score, class."""
    _, rows, columns = output.shape
    if columns not in (6, 6 + masks) or _per_cell(rows, size):
        return False
    numbers = output[0, :, 5]
    whole = bool((np.rint(numbers) == numbers).all() and (numbers >= 0).all())
    return whole and (classes is None or bool((numbers < classes).all()))


def _per_cell(rows: int, size: tuple[int, int]) -> int | None:
    """Boxes for each cell of the usual pyramids; None if they do not come out even."""
    for strides in ((8, 16, 32), (4, 8, 16, 32), (8, 16, 32, 64), (16, 32)):
        cells = sum((size[0] // stride) * (size[1] // stride) for stride in strides)
        for each in (1, 3):
            if rows == each * cells:
                return each
    return None


def _is_decoded(output: np.ndarray, size: tuple[int, int]) -> bool:
    """Whether the boxes' centers are spread over the image."""
    spread = output[0, :, :2].max(axis=0) - output[0, :, :2].min(axis=0)
    return bool((spread > 0.5 * np.array([size[1], size[0]])).all())
