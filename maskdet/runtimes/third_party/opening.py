"""ONNX and LiteRT detectors of other projects: opened, and distinguished by what they give."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from maskdet.contracts import Detector
from maskdet.detections import MaskState
from maskdet.errors import ModelError
from maskdet.model.class_names import StatesByNumber
from maskdet.model.decision import EVERYTHING, DecisionRule
from maskdet.model.label_lists import NAMES
from maskdet.model.label_map import find_label_map, read_found_map, read_label_map
from maskdet.runtimes.file_formats import DetectedModel, Kind
from maskdet.runtimes.third_party.files import (
    LiteRtFile,
    OnnxFile,
    ThirdPartyFile,
    embedded_names,
)
from maskdet.runtimes.third_party.finished_boxes import FinishedBoxesDetector, find_finished_boxes
from maskdet.runtimes.third_party.yolo import SIDE, YoloDetector, run_on
from maskdet.runtimes.third_party.yolo_layout import find_layout


def open_third_party(
    model: DetectedModel,
    states_of: Callable[[dict[int, str]], StatesByNumber],
    rule: DecisionRule,
    *,
    name: str,
    device: str = "auto",
    labels: Path | None = None,
    side: int | None = None,
) -> Detector:
    """Opens an ONNX or LiteRT detector; the file is checked before its class names are.

    Args:
        model: the file.
        states_of: mask states by class number, of names by class number.
        rule: decides which faces are given.
        name: what people call it.
        device: auto, cpu or gpu; the last is refused.
        labels: the label map; None: the file's own names, or the label map beside it.
        side: longest side in pixels of an input whose size is open.

    Raises:
        ModelError: the file is broken, no detector of a known layout, or lacks class names.
    """
    return _open(
        model, lambda file: class_names(model, file, labels), states_of, rule, name, device, side
    )


def _open(
    model: DetectedModel,
    names_of: Callable[[ThirdPartyFile], dict[int, str]],
    states_of: Callable[[dict[int, str]], StatesByNumber],
    rule: DecisionRule,
    name: str,
    device: str,
    side: int | None,
) -> Detector:
    if device == "gpu":
        raise ModelError(
            f"--device gpu: {model.path}: models of other projects run on the CPU; use --device cpu"
        )
    file: ThirdPartyFile = (
        OnnxFile(model.path) if model.kind == Kind.ONNX else LiteRtFile(model.path)
    )
    wanted = side or _own_side(file.metadata)
    if side and file.input.size and side != max(file.input.size):
        raise ModelError(
            f"{model.path}: takes images of {file.input.size[1]}×{file.input.size[0]} pixels only; "
            "leave out the side"
        )
    if plan := find_finished_boxes(file):
        if side and not file.input.size:
            raise ModelError(f"{model.path}: resizes pictures itself; leave out the side")
        return FinishedBoxesDetector(file, plan, states_of(names_of(file)), name=name, rule=rule)
    outputs, placed = run_on(file, np.full((wanted, wanted, 3), 114, np.uint8), wanted)
    rows, columns = placed.image.shape[:2]
    find_layout(model.path, outputs, (rows, columns), file.metadata, None)
    names = names_of(file)
    known = len(names) or None
    layout = find_layout(model.path, outputs, (rows, columns), file.metadata, known)
    if names and layout.classes and set(names) != set(range(layout.classes)):
        numbers = ", ".join(map(str, sorted(names)[:12]))
        raise ModelError(
            f"{model.path}: numbers its {layout.classes} classes from 0, but the label map has "
            f"{numbers:.80}; name the right one with --labels"
        )
    return YoloDetector(file, layout, states_of(names), name=name, rule=rule, side=wanted)


def open_with_states(
    model: DetectedModel,
    states: StatesByNumber,
    rule: DecisionRule,
    *,
    name: str,
    device: str,
    side: int | None,
) -> Detector:
    """The same with states that a card has.

    Raises:
        ModelError: as for `open_third_party`.
    """
    return _open(model, lambda file: dict.fromkeys(states, ""), lambda names: states, rule,
                 name, device, side)  # fmt: skip


def check_file(model: DetectedModel) -> None:
    """Opens a model whose classes do not matter yet.

    Raises:
        ModelError: it is broken, or no detector of a known layout.
    """
    _open(model, lambda file: {}, lambda names: {}, EVERYTHING, model.name, "cpu", None).close()


def names_in(model: DetectedModel, labels: Path | None) -> dict[int, str]:
    """Names by class number of a model that can be opened.

    Raises:
        ModelError: it cannot, or there are none.
    """
    found: dict[int, str] = {}

    def keep(names: dict[int, str]) -> StatesByNumber:
        found.update(names)
        return dict.fromkeys(names, MaskState.with_mask)

    open_third_party(model, keep, EVERYTHING, name=model.name, labels=labels).close()
    return found


def class_names(model: DetectedModel, file: ThirdPartyFile, labels: Path | None) -> dict[int, str]:
    """Names by class number, from 0: of the user, of the file, or of what lies beside it.

    Raises:
        ModelError: there are none.
    """
    if labels is not None:
        return _from_zero(read_label_map(labels))
    if names := embedded_names(file.metadata):
        return names
    found = find_label_map(model.path, NAMES)
    if found is None:
        raise ModelError(
            f"{model.path}: is a detector, but names no classes, and no label map lies beside it; "
            "name one with --labels: a text file with a name a line, data.yaml, .pbtxt or CSV"
        )
    return _from_zero(read_found_map(found))


def _from_zero(names: dict[int, str]) -> dict[int, str]:
    """A label map as these networks count; those of the Object Detection API begin with 1."""
    if names.get(0, "background").lower() == "background":
        names = {number - 1: name for number, name in names.items() if number}
    return names


def _own_side(metadata: Mapping[str, str]) -> int:
    """The longest side that the file was exported for, or the usual one."""
    stated: object = None
    with contextlib.suppress(ValueError, SyntaxError):
        stated = ast.literal_eval(metadata.get("imgsz", "None"))
    sides = stated if isinstance(stated, list | tuple) else [stated]
    numbers = [side for side in sides if isinstance(side, int) and 32 <= side <= 4096]
    return -(-max(numbers) // 32) * 32 if numbers else SIDE
