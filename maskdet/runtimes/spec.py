"""Resolution of ``--model``: all that is needed to open a model, found out once."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack

from maskdet.detections import CLASS_NAMES, MaskState
from maskdet.errors import ModelError
from maskdet.model.card import CARD_NAME, ModelCard, model_file, read_card
from maskdet.model.class_names import StatesByNumber, meaning_of
from maskdet.model.decision import DecisionRule
from maskdet.model.registry import DEFAULT_MODEL, missing_model_line
from maskdet.runtimes.file_formats import NETWORKS, DetectedModel, Kind, detect_model
from maskdet.runtimes.gpu.gpu_probe import cuda_seems_there, gpu_seems_there
from maskdet.runtimes.legacy.labels import EXPORTED, THIRD_PARTY, states_of_labels
from maskdet.runtimes.tensorflow_import import quiet_import
from maskdet.runtimes.unsupported_formats import is_checkpoint
from maskdet.system.console import as_typed
from maskdet.system.resources import shipped, user_models

MODELS = shipped("models")
"""The models that ship: with a checkout all; with a wheel the light one, and the others' cards."""
MIN_SCORE = 0.3
"""Lowest score given by a model without a card, unless another is asked for."""
Device = Literal["auto", "cpu", "gpu"]
_OWN_KINDS = ("litert", "onnx", "openvino", "keras")


@dataclass(frozen=True)
class ModelSpec:
    """A model as it will be opened.

    Attributes:
        kind: a key of `maskdet.runtimes.loading.OPENERS`.
        files: their paths by the card's names, checksums verified; without a card, the model's
            own file or folder under its format.
        rule: scores and calls states.
        name: what people call it.
        device: as asked for.
        side: longest side in pixels of the network's input; None: the model's own.
        sides: smaller ones that a slow machine may choose.
        batch: most images in one call of Keras; None: what suits the device.
        card: of the model; None where it has none.
        states: mask states by class number of a model of another system; None: the file has them.
        labels: label map of a file that has its class names; None: its own.
        classes: mask states by its class names, where they cannot be guessed.
        demanded: a GPU was asked for; otherwise it has to prove faster.
    """

    kind: str
    files: Mapping[str, Path]
    rule: DecisionRule
    name: str
    device: Device = "auto"
    side: int | None = None
    sides: tuple[int, ...] = ()
    batch: int | None = None
    card: ModelCard | None = None
    states: StatesByNumber | None = None
    labels: Path | None = None
    classes: Mapping[str, str] | None = None
    demanded: bool = False

    @property
    def file(self) -> Path:
        """The first of the files."""
        return next(iter(self.files.values()))

    @property
    def is_own(self) -> bool:
        """Whether it is a network of `maskdet.networks`, whose input may be of any size."""
        return self.card is not None and self.states is None

    @property
    def detected(self) -> DetectedModel:
        """Format and path of a model of another system."""
        kind, file = next(iter(self.files.items()))
        is_folder = kind == Kind.SAVED_MODEL and file.is_file()
        return DetectedModel(Kind(kind), file.parent if is_folder else file)


class ModelOptions(TypedDict, total=False):
    """Options of a model, as keywords.

    Attributes:
        device: ``auto`` takes a GPU where Keras has one, LiteRT on the CPU otherwise; ``gpu`` takes
            LiteRT's where Keras has none.
        labels: label map of a third-party or legacy model; None: the one that lies beside it.
        min_score: lowest score given, of all states; None: the card's.
        certainty: least share of the best state in all states' probability, below which a face is
            unsure; None: the card's.
        min_width: pixels that a face must have, or it is unsure; None: the card's.
        rule: scores and calls states instead of the card's; the three above change it.
        side: longest side in pixels of the network's input; None: the card's; ``auto``: likewise,
            but smaller where live frames come faster than the machine; see
            `maskdet.runtimes.adaptive_side`.
        runtime: a key of the card's files, or ``openvino`` for its ``onnx`` file; None: the best
            one for the device.
        classes: mask states by class names of a third-party or legacy model, where they cannot be
            guessed.
        batch: most images in one call of Keras; None: what suits the device.
        upgrade: with ``auto``, LiteRT begins on the CPU and moves to a GPU that proves faster: for
            a program that cannot wait, and need not give the same answer twice.
    """

    device: Device
    labels: Path | None
    min_score: float | None
    certainty: float | None
    min_width: float | None
    rule: DecisionRule | None
    side: int | Literal["auto"] | None
    runtime: str | None
    classes: Mapping[str, str] | None
    batch: int | None
    upgrade: bool


def resolve(model: str = DEFAULT_MODEL, **options: Unpack[ModelOptions]) -> ModelSpec:
    """Finds a model, reads its card or label map, and verifies the files that will be opened.

    Args:
        model: a folder's name under `models/`, the path of a model folder, or that of a
            third-party or legacy model: see `maskdet.runtimes.file_formats`.
        options: what is wanted of it.

    Raises:
        ModelError: there is no such model, or it is not what its card describes.
    """
    device: Device = options.get("device", "auto")
    labels, runtime = options.get("labels"), options.get("runtime")
    limits = options.get("min_score"), options.get("certainty"), options.get("min_width")
    rule = options.get("rule")
    path = find_model(model)
    side = options.get("side")
    wanted: dict[str, Any] = {
        "device": device, "side": None if side == "auto" else side, "batch": options.get("batch")
    }  # fmt: skip
    if not (path / CARD_NAME).is_file():
        rule = rule or DecisionRule.from_min_score(MIN_SCORE)
        wanted["rule"] = _changed(rule, *limits)
        return _without_card(detect_model(path), labels, options.get("classes"), wanted)
    card = read_card(path)
    wanted["rule"] = _changed(rule or card.rule, *limits)
    wanted |= {"card": card, "name": card.name}
    if labels is not None:
        raise ModelError(f"--labels: model '{card.name}' knows its classes; leave the option out")
    if card.network in NETWORKS:
        return _of_another_system(path, card, wanted)
    if runtime in EXPORTED:
        states = {number: MaskState[name] for number, name in enumerate(card.classes, start=1)}
        files = {runtime: model_file(path, card, runtime)}
        return ModelSpec(runtime, files, states=states, **wanted)
    if tuple(card.classes) != CLASS_NAMES:
        raise ModelError(
            f"model '{card.name}': classes are {', '.join(card.classes)}; "
            f"expected {', '.join(CLASS_NAMES)} in this order"
        )
    return _own(path, card, runtime or _best_file(card, device), wanted, options)


def find_model(model: str) -> Path:
    """The folder of a model, or the file or folder of a third-party or legacy one.

    Raises:
        ModelError: there is none; the message names the nearest.
    """
    path = Path(model).parent if Path(model).name == CARD_NAME else Path(model)
    if (path / CARD_NAME).is_file():
        return path
    if path.name.endswith(".weights.h5") and (path.parent / CARD_NAME).is_file():
        raise ModelError(f"{path}: the weights alone; name the model's folder, {path.parent}")
    for folder in (MODELS / model, user_models() / model):
        if (folder / CARD_NAME).is_file() and is_whole(folder):
            return folder
    if path.exists() or is_checkpoint(path):
        return path
    if (MODELS / model / CARD_NAME).is_file():
        raise ModelError(
            f"model {model!r} is not on this machine yet; fetch it from a checkout's models/ "
            "folder or an address that has it: "
            f"{as_typed('models get')} {model} --from FOLDER_OR_URL"
        )
    there = sorted({card.parent.name for card in MODELS.glob(f"*/{CARD_NAME}")})
    raise ModelError(missing_model_line(model, MODELS, there))


def is_whole(folder: Path) -> bool:
    """Whether a model's folder holds more than its card, as those do that can be fetched."""
    return any(path.name != CARD_NAME for path in folder.iterdir())


def _changed(
    rule: DecisionRule, min_score: float | None, certainty: float | None, min_width: float | None
) -> DecisionRule:
    """A model's rule with what a person wants otherwise."""
    if min_score is not None:
        rule = rule.with_min_score(min_score)
    if certainty is not None:
        rule = replace(rule, certainty=certainty)
    return rule if min_width is None else replace(rule, width=min_width)


def _without_card(
    model: DetectedModel,
    labels: Path | None,
    classes: Mapping[str, str] | None,
    wanted: dict[str, Any],
) -> ModelSpec:
    files = {model.kind.value: model.path}
    if model.kind in THIRD_PARTY:  # its file may have its class names
        wanted |= {"labels": labels, "classes": classes}
        return ModelSpec("third_party", files, name=model.name, **wanted)
    states, _ = states_of_labels(model, labels, classes)
    return ModelSpec(model.kind.value, files, name=model.name, states=states, **wanted)


def _of_another_system(folder: Path, card: ModelCard, wanted: dict[str, Any]) -> ModelSpec:
    """A model in a folder with a card that `convert --card` wrote."""
    kind = next((kind for kind in NETWORKS[card.network] if kind in card.files), None)
    if kind is None:
        raise ModelError(f"model '{card.name}': its card names no file of a {card.network}")
    names = [kind.value, *(name for name in card.files if name != kind)]
    files = {name: model_file(folder, card, name) for name in names}
    states_by_number: Any = card.options.get("states")
    try:
        states = {int(number): meaning_of(word) for number, word in states_by_number.items()}
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
    opener = "third_party" if kind in THIRD_PARTY else kind.value
    return ModelSpec(opener, files, states=states, **wanted)


def _own(
    folder: Path, card: ModelCard, name: str, wanted: dict[str, Any], options: ModelOptions
) -> ModelSpec:
    """A network of our own, by the name of its file or engine."""
    kind = "litert" if name.startswith("litert") else name
    if kind not in _OWN_KINDS:
        raise ModelError(f"model '{card.name}': no runtime opens {name!r} files")
    name = "onnx" if kind == "openvino" else name
    files = {name: model_file(folder, card, name)}
    device = wanted["device"]
    may_upgrade = device == "auto" and options.get("upgrade", False)
    if kind == "litert" and (device == "gpu" or (may_upgrade and gpu_seems_there())):
        kind, wanted["demanded"] = "litert_gpu", device == "gpu"
        if "litert" in card.files and name != "litert":  # a GPU is quicker with floats
            files["litert"] = model_file(folder, card, "litert")
    wanted["side"] = wanted["side"] or max(card.input.height, card.input.width)
    if kind == "litert" and options.get("side") == "auto":
        wanted["sides"] = card.input.sides
    return ModelSpec(kind, files, **wanted)


def _best_file(card: ModelCard, device: Device) -> str:
    """Which of the card's files to open.

    Keras is asked for a GPU only where there may be one: importing TensorFlow takes seconds.
    """
    light = next((kind for kind in card.files if _is_light(kind, device)), None)
    if device != "cpu" and "keras" in card.files and cuda_seems_there() and _keras_gpu():
        return "keras"
    if light is None and device == "gpu":
        raise ModelError(
            f"--device gpu: Keras finds no GPU, and model '{card.name}' has no file for LiteRT's; "
            "for an NVIDIA GPU, pip install 'tensorflow[and-cuda]'; for another, "
            f"{as_typed('export')} --to litert --model {card.name}; or use --device cpu"
        )
    return light or next(iter(card.files))


def _is_light(kind: str, device: Device) -> bool:
    """Whether a runtime needs no TensorFlow and is there, without importing it."""
    if kind == "onnx":
        return device != "gpu" and bool(find_spec("onnxruntime"))
    return kind.startswith("litert")


def _keras_gpu() -> bool:
    """Whether Keras computes on a GPU here; not where it is not installed (the extra train)."""
    if not find_spec("keras") or not find_spec(os.environ.get("KERAS_BACKEND", "tensorflow")):
        return False
    with quiet_import():
        from maskdet.runtimes.keras_runtime import gpu_name

    return gpu_name() is not None
