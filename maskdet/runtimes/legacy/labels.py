"""Class names of models that other systems wrote, and the mask states that they mean."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from maskdet.errors import ModelError
from maskdet.model.class_names import STATE_OPTION, StatesByNumber, map_states
from maskdet.model.label_map import find_label_map, read_found_map, read_label_map
from maskdet.runtimes.file_formats import DetectedModel, Kind
from maskdet.runtimes.tensorflow_import import quiet_import

THIRD_PARTY = (Kind.ONNX, Kind.LITERT)
"""Formats of other projects that run without TensorFlow."""
EXPORTED = (Kind.FROZEN_GRAPH.value, Kind.SAVED_MODEL.value)
"""Formats of other systems that our own models are exported to, by their names in a card."""


def states_of_labels(
    model: DetectedModel,
    labels: Path | None,
    classes: Mapping[str, str] | None,
    *,
    snapshots: bool = False,
) -> tuple[StatesByNumber, dict[int, str]]:
    """The state and the name of each class number of a model.

    Args:
        model: its label map lies near its file or folder unless `labels` names one.
        labels: the label map.
        classes: states by class name, where they cannot be guessed.
        snapshots: training snapshots are welcome, too.

    Raises:
        ModelError: the model is not a detector, or its label map is missing or broken, or a name is
            unknown.
    """
    if model.kind in THIRD_PARTY:
        from maskdet.runtimes.third_party.opening import names_in

        names = names_in(model, labels)
        return states_of_names(model.path, names, classes), names
    try:
        found, names = _names(model, labels)
        return states_of_names(found, names, classes), names
    except ModelError:
        if model.path.exists():
            check_model(model, snapshots=snapshots)  # what it is comes first, what it lacks second
        raise


def check_model(model: DetectedModel, *, snapshots: bool = False) -> None:
    """Opens a model without its label map.

    Args:
        model: of any kind.
        snapshots: training snapshots are welcome, too.

    Raises:
        ModelError: it is broken, or is not a detector.
    """
    if model.kind in THIRD_PARTY:
        from maskdet.runtimes.third_party.opening import check_file

        check_file(model)
        return
    with quiet_import():
        if model.kind == Kind.KERAS_RETINANET:
            from maskdet.runtimes.legacy.keras2_file import is_training_model, read_keras_file
            from maskdet.runtimes.legacy.keras_retinanet import inference_layer

            file = read_keras_file(model.path)
            if not (snapshots and is_training_model(file.network)):
                inference_layer(file)
        else:
            from maskdet.runtimes.legacy.object_detection_api import ObjectDetectionApiDetector

            ObjectDetectionApiDetector(model, {}, name=model.name, device="cpu").close()


def _names(model: DetectedModel, labels: Path | None) -> tuple[Path, dict[int, str]]:
    """The label map of an older system's model, and the names in it."""
    is_retinanet = model.kind == Kind.KERAS_RETINANET
    found = labels or find_label_map(model.path, first=".csv" if is_retinanet else ".pbtxt")
    if found is None:
        raise ModelError(
            f"{model.path}: no label map beside it; put its label_map.pbtxt or classes.csv there, "
            "or name one with --labels"
        )
    names = read_label_map(found) if labels else read_found_map(found)
    return found, names if is_retinanet else _from_one(found, names)


def states_of_names(
    where: Path, names: dict[int, str], classes: Mapping[str, str] | None
) -> StatesByNumber:
    """The state of each class number.

    Args:
        where: the class names stand, for messages.
        names: by class number.
        classes: states by class name, where they cannot be guessed.

    Raises:
        ModelError: a name is unknown.
    """
    try:
        states = map_states(list(names.values()), classes, where=str(where), error=ModelError)
    except ModelError as error:
        raise ModelError(f"{error} (on a command line: {STATE_OPTION})") from None
    return dict(zip(names, states, strict=True))


def _from_one(file: Path, names: dict[int, str]) -> dict[int, str]:
    """A label map of the Object Detection API, whose classes are from 1: 0 is the background.

    A list from 0, as keras-retinanet has them, would give every face the state of its neighbor.

    Raises:
        ModelError: it has a class 0.
    """
    if names.get(0, "background").lower() != "background":
        raise ModelError(
            f"{file}: has class 0 ({names[0]!r:.60}), but the Object Detection API's models count "
            "classes from 1; make each id one higher, or name the model's own label map with "
            "--labels"
        )
    return {number: name for number, name in names.items() if number}
