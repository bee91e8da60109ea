"""Legacy models become a `Detector`; TensorFlow is imported here, and only then."""

from __future__ import annotations

from maskdet.contracts import Detector
from maskdet.errors import ModelError
from maskdet.model.class_names import StatesByNumber
from maskdet.model.decision import DecisionRule
from maskdet.runtimes.file_formats import DetectedModel
from maskdet.runtimes.tensorflow_import import quiet_import


def open_keras_retinanet(
    model: DetectedModel,
    states: StatesByNumber,
    rule: DecisionRule,
    *,
    name: str,
    device: str,
    side: int | None = None,
    sides: tuple[int, int] | None = None,
) -> Detector:
    """Opens an inference model of keras-retinanet.

    Args:
        model: its file.
        states: by class number.
        rule: decides which faces are given.
        name: what people call it.
        device: auto, cpu or gpu.
        side: longest side of what it is given, where another is wanted.
        sides: short and long side that it was trained with; None: the package's own.

    Raises:
        ModelError: it is broken, or is none.
    """
    with quiet_import():
        from maskdet.runtimes.legacy.keras_retinanet import SIDES, KerasRetinaNetDetector

    short, long = sides or SIDES
    if side:
        short, long = max(1, round(short * side / long)), side
    return KerasRetinaNetDetector(
        model.path, states, name=name, device=device, rule=rule, sides=(short, long)
    )


def open_graph(
    model: DetectedModel,
    states: StatesByNumber,
    rule: DecisionRule,
    *,
    name: str,
    device: str,
    side: int | None = None,
) -> Detector:
    """Opens a frozen graph or SavedModel of the Object Detection API; see `open_keras_retinanet`.

    Raises:
        ModelError: it is broken, or is none; or a side was asked for, which it sets itself.
    """
    if side:
        raise ModelError(f"{model.path}: its graph resizes pictures itself; leave out the side")
    with quiet_import():
        from maskdet.runtimes.legacy.object_detection_api import ObjectDetectionApiDetector

    return ObjectDetectionApiDetector(model, states, name=name, device=device, rule=rule)
