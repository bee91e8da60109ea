"""Models that other systems wrote become a `Detector`: with a label map, or with a card."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from maskdet.contracts import Detector
from maskdet.detections import CLASS_NAMES, MaskState
from maskdet.errors import ModelError
from maskdet.model.card import ModelCard, model_file
from maskdet.model.class_names import map_states
from maskdet.model.decision import DecisionRule
from maskdet.model.label_map import find_label_map, read_found_map, read_label_map
from maskdet.runtimes.file_formats import NETWORKS, Foreign, Kind, find_foreign
from maskdet.runtimes.tensorflow_import import quiet_import

MIN_SCORE = 0.3
"""Lowest score given where nobody says one; the old graphs themselves give all they have."""
THIRD_PARTY = (Kind.ONNX, Kind.LITERT)
"""Formats of other projects that run without TensorFlow."""
EXPORTED = (Kind.FROZEN_GRAPH.value, Kind.SAVED_MODEL.value)
"""Formats of other systems that our own models are exported to, by their names in a card."""


def open_foreign(
    path: Path,
    rule: DecisionRule,
    *,
    device: str = "auto",
    labels: Path | None = None,
    classes: Mapping[str, str] | None = None,
    side: int | None = None,
) -> Detector:
    """Opens a model without a card; see `load_detector`.

    Raises:
        ModelError: it is broken, or no detector, or its classes are not known.
    """
    model = find_foreign(path)
    if model.kind in THIRD_PARTY:
        from maskdet.runtimes.third_party.opening import open_third_party

        return open_third_party(
            model,
            lambda names: _states(model.path, names, classes),
            rule,
            name=model.name,
            device=device,
            labels=labels,
            side=side,
        )
    states, _ = states_of_labels(model, labels, classes)
    return _open(model, states, model.name, device, rule, side, None)


def open_card(
    folder: Path, card: ModelCard, rule: DecisionRule, *, device: str, side: int | None
) -> Detector:
    """Opens a foreign model in a folder with a card, written by `convert --card`.

    Raises:
        ModelError: it is not what its card says.
    """
    kind = next((kind for kind in NETWORKS[card.network] if kind in card.files), None)
    if kind is None:
        raise ModelError(f"model '{card.name}': its card names no file of a {card.network}")
    paths = {name: model_file(folder, card, name) for name in card.files}
    said: Any = card.options.get("states")
    try:
        states = {int(number): MaskState[name] for number, name in said.items()}
    except (KeyError, ValueError, AttributeError):
        raise ModelError(
            f"model '{card.name}': options.states of the card is wrong; expected numbers and "
            f"states ({', '.join(CLASS_NAMES)})"
        ) from None
    if 0 in states and kind.value in EXPORTED:
        raise ModelError(
            f"model '{card.name}': options.states of the card counts classes from 0, its graph "
            "from 1; convert the model again with a label map whose ids begin with 1"
        )
    sides = min(card.input.height, card.input.width), max(card.input.height, card.input.width)
    return _open(_foreign(kind, paths[kind]), states, card.name, device, rule, side, sides)


def open_exported(
    folder: Path,
    card: ModelCard,
    kind: Kind,
    rule: DecisionRule,
    *,
    device: str,
    side: int | None,
) -> Detector:
    """Opens what `export --to saved_model` wrote beside a model's weights.

    Raises:
        ModelError: it is not there, or is not what the card says.
    """
    states = {number: MaskState[name] for number, name in enumerate(card.classes, start=1)}
    model = _foreign(kind, model_file(folder, card, kind))
    return _open(model, states, card.name, device, rule, side, None)


def _foreign(kind: Kind, file: Path) -> Foreign:
    return Foreign(kind, file.parent if kind == Kind.SAVED_MODEL else file)


def _open(
    model: Foreign,
    states: dict[int, MaskState],
    name: str,
    device: str,
    rule: DecisionRule,
    side: int | None,
    sides: tuple[int, int] | None,
) -> Detector:
    if model.kind in THIRD_PARTY:
        from maskdet.runtimes.third_party.opening import open_with_states

        return open_with_states(model, states, rule, name=name, device=device, side=side)
    if model.kind == Kind.KERAS_RETINANET:
        with quiet_import():
            from maskdet.runtimes.legacy.keras_retinanet import LONG, SHORT, KerasRetinaNetDetector

        short, long = sides or (SHORT, LONG)
        if side:
            short, long = max(1, round(short * side / long)), side
        return KerasRetinaNetDetector(
            model.path,
            states,
            name=name,
            device=device,
            rule=rule,
            short=short,
            long=long,
        )
    if side:
        raise ModelError(f"{model.path}: its graph resizes pictures itself; leave out the side")
    with quiet_import():
        from maskdet.runtimes.legacy.object_detection_api import ObjectDetectionApiDetector

    return ObjectDetectionApiDetector(model, states, name=name, device=device, rule=rule)


def states_of_labels(
    model: Foreign,
    labels: Path | None,
    classes: Mapping[str, str] | None,
    *,
    snapshots: bool = False,
) -> tuple[dict[int, MaskState], dict[int, str]]:
    """What each class number of a model means, and its name.

    Args:
        model: its label map lies near its file or folder unless `labels` names one.
        labels: the label map.
        classes: states by class name, where they cannot be guessed.
        snapshots: training snapshots are welcome, too.

    Raises:
        ModelError: the model is no detector, or its label map is missing or broken, or a name is
            unknown.
    """
    if model.kind in THIRD_PARTY:
        from maskdet.runtimes.third_party.opening import names_in

        names = names_in(model, labels)
        return _states(model.path, names, classes), names
    try:
        found, names = _names(model, labels)
        return _states(found, names, classes), names
    except ModelError:
        if model.path.exists():
            look_at(model, snapshots=snapshots)  # what it is comes first, what it lacks second
        raise


def look_at(model: Foreign, *, snapshots: bool = False) -> None:
    """Opens a model without its label map.

    Args:
        model: of any kind.
        snapshots: training snapshots are welcome, too.

    Raises:
        ModelError: it is broken, or is no detector.
    """
    if model.kind in THIRD_PARTY:
        from maskdet.runtimes.third_party.opening import look_inside

        look_inside(model)
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


def _names(model: Foreign, labels: Path | None) -> tuple[Path, dict[int, str]]:
    """The label map of an older system's model, and the names in it."""
    found = labels or find_label_map(model.path)
    if found is None:
        raise ModelError(
            f"{model.path}: no label map beside it; put its label_map.pbtxt or classes.csv there, "
            "or name one with --labels"
        )
    names = read_label_map(found) if labels else read_found_map(found)
    return found, names if model.kind == Kind.KERAS_RETINANET else _from_one(found, names)


def _states(
    where: Path, names: dict[int, str], classes: Mapping[str, str] | None
) -> dict[int, MaskState]:
    try:
        states = map_states(list(names.values()), classes, where=str(where), error=ModelError)
    except ModelError as error:
        raise ModelError(f"{error} (python -m maskdet: --state NAME=STATE)") from None
    return dict(zip(names, states, strict=True))


def _from_one(file: Path, names: dict[int, str]) -> dict[int, str]:
    """A label map of the Object Detection API, whose classes are from 1: 0 is the background.

    A list from 0, as keras-retinanet has them, would give every face the state of its neighbour.

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
